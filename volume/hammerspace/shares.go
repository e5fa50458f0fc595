package hammerspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// Bounds of one health check.
const (
	maxAsked = 32 // shares at once
	maxNamed = 3  // shares whose trouble is told
)

// errNotAsked says that a share's turn did not come.
var errNotAsked = errors.New("not asked in time, for other shares do not answer")

// shares turns what NFS mounts have counted into rates, each for itself: shares
// come and go without breaking the figures of the others.
type shares struct {
	interval time.Duration

	mu     sync.Mutex // guards meters
	meters map[string]*mount.Meter
}

func newShares(interval time.Duration) *shares {
	return &shares{interval: interval, meters: map[string]*mount.Meter{}}
}

// next takes the readings of all shares, made at the given time, and returns the
// sum of the rates since those before, and when they were measured. A share that
// is new, or was mounted anew, begins to count with the next reading.
// volume.ErrNoSample says that none could be compared.
func (s *shares) next(samples map[string]mount.Sample, now time.Time) (volume.Performance, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.meters, func(device string, _ *mount.Meter) bool {
		_, stays := samples[device]
		return !stays
	})
	var parts []volume.Performance
	var oldest time.Time
	for _, device := range slices.Sorted(maps.Keys(samples)) {
		if s.meters[device] == nil {
			s.meters[device] = mount.NewMeter(s.interval)
		}
		rates, at, err := s.meters[device].Next([]mount.Sample{samples[device]}, now)
		switch {
		case errors.Is(err, volume.ErrNoSample):
			continue
		case err != nil:
			return volume.Performance{}, time.Time{}, err
		case len(parts) == 0 || at.Before(oldest):
			oldest = at
		}
		parts = append(parts, rates)
	}
	if len(parts) == 0 {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	return sum(parts), oldest, nil
}

// sum adds up what several mounts did; the latency is that of one operation of
// all of them. A figure that one mount does not report is left out.
func sum(parts []volume.Performance) volume.Performance {
	total := func(figure func(volume.Performance) *float64) *float64 {
		var sum float64
		for _, p := range parts {
			f := figure(p)
			if f == nil {
				return nil
			}
			sum += *f
		}
		return &sum
	}
	mean := func(ops, usec func(volume.Performance) *float64) *float64 {
		all := total(ops)
		if all == nil || *all == 0 {
			return nil
		}
		var spent float64
		for _, p := range parts {
			switch n, mean := ops(p), usec(p); {
			case *n == 0:
			case mean == nil:
				return nil
			default:
				spent += *n * *mean
			}
		}
		return new(spent / *all)
	}
	reads := func(p volume.Performance) *float64 { return p.IOPSRead }
	writes := func(p volume.Performance) *float64 { return p.IOPSWrite }
	return volume.Performance{
		IOPSRead: total(reads), IOPSWrite: total(writes),
		BytesRead:        total(func(p volume.Performance) *float64 { return p.BytesRead }),
		BytesWrite:       total(func(p volume.Performance) *float64 { return p.BytesWrite }),
		LatencyReadUsec:  mean(reads, func(p volume.Performance) *float64 { return p.LatencyReadUsec }),
		LatencyWriteUsec: mean(writes, func(p volume.Performance) *float64 { return p.LatencyWriteUsec }),
	}
}

// ask asks the mounts whether they answer, all but that of the given device. One
// that hangs does not keep the others from being asked; once half of the time is
// over no further one is, for an answer could not be waited for.
func ask(ctx context.Context, host *mount.Host, nfs mount.Table, but string) []mount.State {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	deadline, _ := ctx.Deadline()
	last := time.Now().Add(time.Until(deadline) / 2)
	nfs = slices.DeleteFunc(slices.Clone(nfs), func(m mount.Mount) bool { return m.Device == but })
	states := make([]mount.State, len(nfs))
	places := make(chan struct{}, maxAsked)
	var asking sync.WaitGroup
	for i, m := range nfs {
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if time.Now().After(last) {
				states[i] = mount.State{Path: m.Point, Real: m.Point, Mount: m, Err: errNotAsked}
				return
			}
			states[i] = host.Ask(ctx, m)
		})
	}
	asking.Wait()
	return states
}

// combined is the health of a path with shares below. The path's own mount counts
// as one of them where it is one of NFS; else it only has to be there.
func combined(path mount.State, below []mount.State, want mount.Want) volume.Health {
	want.RequireMount = false // something is
	own := path.Health(want)
	h := volume.Health{Status: volume.Healthy, Backend: want.Backend, Metadata: own.Metadata}
	var all []volume.Health
	if mount.IsNFS(path.Mount.FSType) {
		all = append(all, own)
	}
	for _, state := range below {
		all = append(all, state.Health(want))
	}
	var wrong []volume.Health
	count := map[volume.Status]int{}
	readOnly := true
	for _, share := range all {
		if count[share.Status]++; share.Status != volume.Healthy {
			wrong = append(wrong, share)
		}
		readOnly = readOnly && share.ReadOnly != nil && *share.ReadOnly
	}
	answering := count[volume.Healthy] + count[volume.Degraded]
	h.Metadata["shares"], h.Metadata["shares_answering"] = strconv.Itoa(len(all)), strconv.Itoa(answering)
	switch {
	case len(wrong) == 0:
		h.ReadOnly = &readOnly
		return h
	case answering > 0:
		h.Status, h.ReadOnly = volume.Degraded, &readOnly
	case count[volume.Offline] > 0:
		h.Status = volume.Offline
	default:
		h.Status = volume.Unavailable
	}
	h.Info = told(wrong, len(all))
	return h
}

// told names the shares with the worst trouble.
func told(wrong []volume.Health, of int) string {
	slices.SortStableFunc(wrong, func(a, b volume.Health) int { return b.Status.Compare(a.Status) })
	var texts []string
	for _, share := range wrong[:min(len(wrong), maxNamed)] {
		texts = append(texts, share.Info)
	}
	if more := len(wrong) - maxNamed; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%d of %d shares in trouble: %s", len(wrong), of, strings.Join(texts, "; "))
}
