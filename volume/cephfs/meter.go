package cephfs

import (
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// reading is one reading of a client's counters.
type reading struct {
	identity    string // another client counts from another zero
	read, write direction
}

// direction is what was read, or written. Nil is "not counted".
type direction struct {
	ops, bytes *uint64
	spent      *uint64 // nanoseconds, in all
	average    *uint64 // microseconds of an operation, over the client's whole life
}

func (d direction) counters() rates.Counters {
	return rates.Counters{Ops: d.ops, Bytes: d.bytes, Time: d.spent, Mean: d.average}
}

// meter turns what a client has counted into rates.
type meter struct{ rates *rates.Meter }

func newMeter(interval time.Duration) *meter {
	return &meter{rates.NewMeter(interval, rates.CostsWindow)}
}

// next takes a reading that was made at the given time, and returns the rates
// since the one before, and when they were measured.
func (m *meter) next(r reading, now time.Time) (volume.Performance, time.Time, error) {
	const nanoseconds = 0.001
	return m.rates.Next(rates.Sample{
		Identity: r.identity, At: now, TimeUnit: nanoseconds, Read: r.read.counters(), Write: r.write.counters(),
	})
}
