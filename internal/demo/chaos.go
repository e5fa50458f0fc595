package demo

import (
	"context"
	"time"
)

// Chaos breaks and repairs one thing after the other, each after the time, and says what,
// until ctx ends.
func (d *Demo) Chaos(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	faults := d.Faults()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f := faults[n/2%len(faults)]
		act, said := f.Break, f.Broken
		if n%2 == 1 {
			act, said = f.Repair, f.Mended
		}
		if err := act(ctx); err != nil {
			if ctx.Err() == nil {
				d.say("%s  %v", time.Now().Format(time.TimeOnly), err)
			}
			continue
		}
		d.say("%s  %s", time.Now().Format(time.TimeOnly), said)
	}
}
