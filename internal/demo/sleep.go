package demo

import (
	"time"

	"storage_exporter/internal/kit"
	"storage_exporter/smart/assess"
)

// sleeper is where the drive sits that falls asleep, once the exporter has read it: one
// that was never read is unknown for as long as it sleeps.
const sleeper = "B25"

// sleepInterval is how often it is looked whether it was read.
const sleepInterval = 500 * time.Millisecond

// fallAsleep lets the drive sleep if it does not, and if the exporter that runs knows it.
func (d *Demo) fallAsleep() error {
	d.mu.Lock()
	drive, exporter := d.big.at(sleeper), d.first
	asleep := drive.asleep
	d.mu.Unlock()
	if asleep {
		return nil
	}
	o, err := d.Overview(d.ctx)
	if err != nil {
		return nil // it starts, or ends
	}
	for _, e := range o.Enclosures {
		for _, s := range e.Slots {
			if s.Drive != nil && s.Drive.Serial == drive.serial && s.Drive.Assessment.Verdict != assess.Unknown {
				d.mu.Lock()
				defer d.mu.Unlock()
				if d.first != exporter { // another was started meanwhile
					return nil
				}
				return d.setAsleep(true)
			}
		}
	}
	return nil
}

// setAsleep changes the drive; d.mu is held.
func (d *Demo) setAsleep(asleep bool) error {
	return d.kit.Try(func(kit.T) {
		drive := d.big.at(sleeper)
		drive.asleep = asleep
		d.big.show(drive)
	})
}
