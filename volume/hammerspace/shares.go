package hammerspace

import (
	"context"
	"errors"
	"fmt"
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
	maxNamed = 3  // shares whose trouble is shown
)

// errNotAsked says that a share's turn did not come.
var errNotAsked = errors.New("not asked in time, for other shares do not answer")

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
	h.Info = worst(wrong, len(all))
	return h
}

// worst names the shares with the worst trouble.
func worst(wrong []volume.Health, of int) string {
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
