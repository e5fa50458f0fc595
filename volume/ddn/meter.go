package ddn

import (
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// meter turns what the mounts of a file system have counted into rates: their
// sum, where there are several.
type meter struct {
	// Calls and their bytes are counted apart from calls and their time: a call
	// that moves nothing is in one of them only.
	calls, times *mount.Meter

	mu    sync.Mutex // guards clock
	clock clock
}

func newMeter(interval time.Duration) *meter {
	return &meter{calls: mount.NewMeter(interval), times: mount.NewMeter(interval)}
}

// next takes readings that were made at the given time, and returns the rates
// since those before, and when they were measured.
func (m *meter) next(readings []reading, now time.Time) (volume.Performance, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.clock.at(now, readings[0].stats.taken)
	var calls, times []mount.Sample
	for _, r := range readings {
		s := mount.Sample{
			Identity: r.instance + " " + r.stats.started, Age: r.stats.elapsed, ByteUnit: 1, TimeUnit: 1,
			Read: r.stats.read.counts(), Write: r.stats.write.counts(),
		}
		calls = append(calls, s)
		s.Read, s.Write = r.stats.readTime.times(r.stats.read), r.stats.writeTime.times(r.stats.write)
		times = append(times, s)
	}
	timed, _, timeErr := m.times.Next(times, at)
	p, at, err := m.calls.Next(calls, at)
	if err == nil && timeErr == nil {
		p.LatencyReadUsec, p.LatencyWriteUsec = timed.LatencyReadUsec, timed.LatencyWriteUsec
	}
	return p, at, err
}

// maxDrift is how far the file's clock and ours may be apart after an interval.
const maxDrift = 500 * time.Millisecond

// clock tells the file's own time, which says exactly when the counters were
// taken, on our monotonic clock, which nobody sets.
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
