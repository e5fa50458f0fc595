package ddn

import (
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// meter turns what the mounts of a file system have counted into rates: their
// sum, where there are several.
type meter struct {
	rates *rates.Meter

	mu    sync.Mutex // guards clock
	clock clock
}

func newMeter(interval time.Duration) *meter {
	return &meter{rates: rates.NewMeter(interval, rates.CostsWindow)}
}

// next takes readings that were made at the given time, and returns the rates
// since those before, and when they were measured.
func (m *meter) next(readings []reading, now time.Time) (volume.Performance, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.clock.at(now, readings[0].stats.taken)
	samples := make([]rates.Sample, len(readings))
	for i, r := range readings {
		samples[i] = rates.Sample{
			Identity: r.instance + " " + r.stats.started, At: at, Age: r.stats.elapsed,
			Read: counters(r.stats.read, r.stats.readTime), Write: counters(r.stats.write, r.stats.writeTime),
		}
	}
	return m.rates.Next(samples...)
}

// maxDrift is how far the file's clock and ours may be apart after an interval.
const maxDrift = 500 * time.Millisecond

// clock turns the file's own time, which says exactly when the counters were taken,
// into our monotonic time, which nobody sets.
type clock struct {
	now, file time.Time // a moment, by both
}

// at is when the file was taken. When somebody set its clock since, it is when
// we read it.
func (c *clock) at(now, file time.Time) time.Time {
	at := c.now.Add(file.Sub(c.file))
	if c.now.IsZero() || now.Sub(at).Abs() > maxDrift {
		at = now
	}
	c.now, c.file = at, file
	return at
}
