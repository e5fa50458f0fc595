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
	p := volume.Performance{
		IOPSRead: m.Reads.Amount(), IOPSWrite: m.Writes.Amount(),
		BytesRead: m.ReadBytes.Amount(), BytesWrite: m.WriteBytes.Amount(),
		LatencyReadUsec: latency(m.ReadUsec, m.Reads), LatencyWriteUsec: latency(m.WriteUsec, m.Writes),
	}
	if p == (volume.Performance{}) {
		return p, volume.ErrNoSample
	}
	return p, nil
}

// latency is absent without operations: the array says 0 then.
func latency(usec, ops rest.Float) *float64 {
	if !ops.Valid || ops.Value <= 0 {
		return nil
	}
	return usec.Amount()
}

// sample is what is known of a file system's performance.
type sample struct {
	performance volume.Performance
	at          time.Time
	err         error
}

// Performance asks for a few file systems at a time, one call after the other.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	samples := map[string]sample{}
	var asked []string
	for _, name := range b.names {
		if err := b.unmeasured.of(name); err != nil {
			samples[name] = sample{err: err}
			continue
		}
		asked = append(asked, name)
	}
	var failed error // of the array: the rest need not be asked
	split := true
	for names := range slices.Chunk(asked, batch) {
		err := failed
		if err == nil {
			err = b.measure(ctx, names, samples)
		}
		switch {
		case err == nil:
		case errors.Is(err, rest.ErrRejected) && split:
			split, failed = b.oneByOne(ctx, names, samples)
		case errors.Is(err, rest.ErrRejected):
			fail(samples, names, err)
		case len(samples) == 0:
			return nil, err
		default:
			failed = err
			fail(samples, names, err)
		}
	}
	return rest.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		s, ok := samples[o.fs]
		if !ok {
			return volume.Performance{}, time.Time{}, volume.ErrNoSample
		}
		return s.performance, s.at, s.err
	}), nil
}

// measure makes one call.
func (b *backend) measure(ctx context.Context, names []string, samples map[string]sample) error {
	query := url.Values{"names": {strings.Join(names, ",")}}
	if b.protocol != "" {
		query.Set("protocol", b.protocol)
	}
	return each(ctx, b.client, "file-systems/performance", query, func(m measured, answer *rest.Answer) {
		p, err := m.performance()
		samples[m.Name.String()] = sample{p, answer.SampledAt(m.Time.Time), err}
	})
}

// oneByOne finds out which of some names made the array refuse all of them. It is
// false when it refuses each: then it is not about names.
func (b *backend) oneByOne(ctx context.Context, names []string, samples map[string]sample) (some bool, failed error) {
	for i, name := range names {
		err := b.measure(ctx, []string{name}, samples)
		switch {
		case err == nil:
			some = true
		case errors.Is(err, rest.ErrRejected):
			err = fmt.Errorf("file system %q: %w", name, err)
			b.unmeasured.add(name, err)
			samples[name] = sample{err: err}
		default:
			fail(samples, names[i:], err)
			return some, err
		}
	}
	return some, nil
}

func fail(samples map[string]sample, names []string, err error) {
	for _, name := range names {
		samples[name] = sample{err: err}
	}
}
