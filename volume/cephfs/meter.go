package cephfs

import (
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// reading is one reading of a client's counters.
type reading struct {
	identity    string // another client counts from another zero
	averaged    bool   // the mean of all times is told, instead of their sum
	read, write direction
}

// direction is what was read, or written. Nil is "not counted".
type direction struct {
	ops, bytes *uint64
	spent      *uint64 // nanoseconds, in all
	average    *uint64 // microseconds of an operation, over the client's whole life
}

func (r reading) sample() mount.Sample {
	const nanoseconds = 0.001
	return mount.Sample{
		Identity: r.identity, ByteUnit: 1, TimeUnit: nanoseconds,
		Read:  mount.Counters{Ops: r.read.ops, Bytes: r.read.bytes, Time: r.read.spent},
		Write: mount.Counters{Ops: r.write.ops, Bytes: r.write.bytes, Time: r.write.spent},
	}
}

// meter turns what a client has counted into rates.
type meter struct {
	counted *mount.Meter

	mu          sync.Mutex // guards the fields below
	base        reading    // the meter's own, too
	baseAt      time.Time
	read, write *float64 // the latencies of the last window
}

func newMeter(interval time.Duration) *meter { return &meter{counted: mount.NewMeter(interval)} }

// next takes a reading that was made at the given time, and returns the rates
// since the one before, and when they were measured.
func (m *meter) next(r reading, now time.Time) (volume.Performance, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, at, err := m.counted.Next([]mount.Sample{r.sample()}, now)
	early := r.identity == m.base.identity && now.Sub(m.baseAt) < mount.MinWindow // then the base stays
	if err == nil && !early {
		m.read, m.write = r.read.latency(m.base.read), r.write.latency(m.base.write)
	}
	if !early {
		m.base, m.baseAt = r, now
	}
	if err != nil {
		return p, at, err
	}
	if r.averaged {
		p.LatencyReadUsec, p.LatencyWriteUsec = m.read, m.write
	}
	return p, at, nil
}

// maxError is the part of a latency that may be wrong.
const maxError = 0.2

// latency is the mean time of the operations since another reading, in
// microseconds, worked out of the two means of everything before: n·avg is what
// they took. Each mean is cut to whole microseconds, so that the result is wrong
// by up to (n0+n1)/(n1-n0) of them: nil where that is more than a fifth of it.
func (d direction) latency(base direction) *float64 {
	if d.ops == nil || d.average == nil || base.ops == nil || base.average == nil || *d.ops <= *base.ops {
		return nil
	}
	n0, n1 := float64(*base.ops), float64(*d.ops)
	n := float64(*d.ops - *base.ops)
	mean := (n1*float64(*d.average) - n0*float64(*base.average)) / n
	if wrong := (n0 + n1) / n; mean <= 0 || wrong > maxError*mean {
		return nil
	}
	return &mean
}
