package demo

import "time"

// atOnce is how many things are broken at the same time: with one change every 20
// seconds each of them stays so for long enough that its alert fires.
const atOnce = 3

// Chaos breaks or repairs one thing each time, and says what, until Close.
func (d *Demo) Chaos(every time.Duration) {
	d.run.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		faults := d.Faults()
		var broken []Fault
		for next := 0; ; {
			select {
			case <-d.ctx.Done():
				return
			case <-tick.C:
			}
			if len(broken) == atOnce {
				d.tell(broken[0].Repair(d.ctx), broken[0].Mended)
				broken = broken[1:]
				continue
			}
			f := faults[next%len(faults)]
			d.tell(f.Break(d.ctx), f.Broken)
			broken = append(broken, f)
			next++
		}
	})
}

// tell says what has been done, or why it could not be.
func (d *Demo) tell(err error, done string) {
	if err != nil {
		done = err.Error()
	}
	if d.ctx.Err() == nil {
		d.say("%s  %s", time.Now().Format(time.TimeOnly), done)
	}
}
