package rates

import (
	"maps"
	"sync"
	"time"

	"storage_exporter/volume"
)

// Meters are those of an appliance's volumes, by name. They may be used by many at
// a time.
type Meters struct {
	interval time.Duration
	reset    Reset

	mu     sync.Mutex // guards the fields below
	meters map[string]*Meter
	read   map[string]time.Time // by our clock
}

// NewMeters makes none yet; see NewMeter.
func NewMeters(interval time.Duration, reset Reset) *Meters {
	return &Meters{interval: interval, reset: reset, meters: map[string]*Meter{}, read: map[string]time.Time{}}
}

// Next is Meter.Next for a volume. What is not read for long is forgotten.
func (m *Meters) Next(name string, samples ...Sample) (volume.Performance, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.meters, func(name string, _ *Meter) bool { return time.Since(m.read[name]) > 20*m.interval })
	if m.meters[name] == nil {
		m.meters[name] = NewMeter(m.interval, m.reset)
	}
	m.read[name] = time.Now()
	return m.meters[name].Next(samples...)
}

// Drop forgets a volume's reading, as when the appliance says that its counters
// are not complete now: the window that starts here would not be, either.
func (m *Meters) Drop(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.meters, name)
}
