package rates

import (
	"maps"
	"sync"
	"time"

	"storage_exporter/volume"
)

// Meters has a Meter for each of an appliance's volumes, by name. Its methods may
// run at once.
type Meters struct {
	interval time.Duration
	reset    Reset

	mu     sync.Mutex // guards the fields below
	meters map[string]*Meter
	read   map[string]time.Time // by our clock
}

// NewMeters makes meters as NewMeter does, each at its volume's first reading.
func NewMeters(interval time.Duration, reset Reset) *Meters {
	return &Meters{interval: interval, reset: reset, meters: map[string]*Meter{}, read: map[string]time.Time{}}
}

// Next is Meter.Next for a volume. A volume that is not read for long is forgotten.
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

// Drop forgets a volume's last reading, as when the appliance reports incomplete
// counters: the rates of the next window would be wrong.
func (m *Meters) Drop(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.meters, name)
}
