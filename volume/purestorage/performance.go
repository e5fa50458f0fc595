package purestorage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// batch is how many file systems one call for performance names, as the vendor's
// own exporter has it. A call without names would ask for all that the array has.
const batch = 5

// measured is an item of /file-systems/performance: rates and means that the
// array computes every 30 s.
type measured struct {
	Name       rest.Text
	Reads      rest.Float `json:"reads_per_sec"`
	Writes     rest.Float `json:"writes_per_sec"`
	ReadBytes  rest.Float `json:"read_bytes_per_sec"`
	WriteBytes rest.Float `json:"write_bytes_per_sec"`
	ReadUsec   rest.Float `json:"usec_per_read_op"`
	WriteUsec  rest.Float `json:"usec_per_write_op"`
	Time       rest.Time  // of the sample
}

func (m measured) performance() (volume.Performance, error) {
	return rates.Reported(volume.Performance{
		IOPSRead: m.Reads.Amount(), IOPSWrite: m.Writes.Amount(),
		BytesRead: m.ReadBytes.Amount(), BytesWrite: m.WriteBytes.Amount(),
		LatencyReadUsec: m.ReadUsec.Amount(), LatencyWriteUsec: m.WriteUsec.Amount(),
	})
}

// sample is what is known of a file system's performance.
type sample struct {
	performance volume.Performance
	at          time.Time
	err         error
}

// Performance asks for a few file systems at a time, one call after the other.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	samples := map[object]sample{}
	calls := b.due(samples)
	split := true
	for i, asked := range calls {
		err := b.measure(ctx, asked, samples)
		if errors.Is(err, rest.ErrRejected) {
			if split {
				split, err = b.oneByOne(ctx, asked, samples)
			} else {
				fail(samples, asked, err)
				err = nil
			}
		}
		if err == nil {
			continue
		}
		b.resume(ctx, asked[0], calls[(i+1)%len(calls)][0])
		if len(samples) == 0 {
			return nil, err
		}
		fail(samples, slices.Concat(calls[i:]...), err) // it may be about the array: the rest is not asked
		break
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		s, ok := samples[object{o.fs, o.protocol}]
		if !ok {
			return volume.Performance{}, time.Time{}, volume.ErrNoSample
		}
		return s.performance, s.at, s.err
	}), nil
}

// due are the objects to ask for, those of one call together. The samples get what
// is known of the others.
func (b *backend) due(samples map[object]sample) (calls [][]object) {
	begin := int(b.begin.Load())
	for _, o := range slices.Concat(b.objects[begin:], b.objects[:begin]) {
		if err := b.unmeasured.of(o); err != nil {
			samples[o] = sample{err: err}
			continue
		}
		last := len(calls) - 1
		if last < 0 || len(calls[last]) == batch || calls[last][0].protocol != o.protocol {
			calls, last = append(calls, nil), last+1
		}
		calls[last] = append(calls[last], o)
	}
	return calls
}

// resume makes the next round begin where this one ended, so that the same objects
// are not left out each time: with the call for which there was no time, or else
// after the one that failed.
func (b *backend) resume(ctx context.Context, ended, after object) {
	if ctx.Err() != nil {
		after = ended
	}
	b.begin.Store(int64(slices.Index(b.objects, after)))
}

// measure makes one call.
func (b *backend) measure(ctx context.Context, asked []object, samples map[object]sample) error {
	names := make([]string, len(asked))
	for i, o := range asked {
		names[i] = o.fs
	}
	query := url.Values{"names": {strings.Join(names, ",")}}
	protocol := asked[0].protocol
	if protocol != "" {
		query.Set("protocol", protocol)
	}
	return each(ctx, b.client, "file-systems/performance", query, func(m measured, answer *rest.Answer) {
		o := object{m.Name.String(), protocol}
		if !slices.Contains(asked, o) {
			return
		}
		p, err := m.performance()
		at := answer.SampledAt(m.Time.Time)
		if old := answer.TooOld(at, oldest); err == nil && old != nil {
			p, err = volume.Performance{}, old
		}
		samples[o] = sample{p, at, err}
	})
}

// oneByOne finds out which of some objects made the array refuse all of them. It
// is false when it refuses each: then it is not about their names.
func (b *backend) oneByOne(ctx context.Context, asked []object, samples map[object]sample) (some bool, failed error) {
	for i, o := range asked {
		err := b.measure(ctx, asked[i:i+1], samples)
		switch {
		case err == nil:
			some = true
		case errors.Is(err, rest.ErrRejected):
			err = fmt.Errorf("file system %q: %w", o.fs, err)
			b.unmeasured.add(o, err)
			fail(samples, asked[i:i+1], err)
		default:
			return some, err
		}
	}
	return some, nil
}

// fail is for those of the objects that have no sample yet.
func fail(samples map[object]sample, objects []object, err error) {
	for _, o := range objects {
		if _, ok := samples[o]; !ok {
			samples[o] = sample{err: err}
		}
	}
}
