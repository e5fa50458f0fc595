package browser_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"storage_exporter/overview"
)

// Each overlay shows its value and the step of that, and the letters stay.
func TestOverlays(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	steps := fills{t, map[string]string{}}
	for _, o := range []overlay{
		{"temperature", func(d *overview.Drive) *float64 { return d.TemperatureCelsius }, heatOf, " °C"},
		{"hours", func(d *overview.Drive) *float64 { return d.PowerOnSeconds }, func(d *overview.Drive) int {
			return reached(*d.PowerOnSeconds/(365.25*24*3600), 4, 5, 6, 7)
		}, ""},
		{"wear", func(d *overview.Drive) *float64 { return d.WearPercent }, func(d *overview.Drive) int { return reached(*d.WearPercent, 0.5, 50, 80, 90) }, " %"},
		{"errors", func(d *overview.Drive) *float64 { return d.Errors }, func(d *overview.Drive) int { return reached(*d.Errors, 1, 5, 17, 101) }, ""},
	} {
		still(t, x, d.URL()+"/overview?show="+o.name, func(all *overview.Overview) {
			if now := x.textOf(".overlays [aria-current]"); !strings.EqualFold(now, o.name) {
				t.Errorf("%s: the current overlay is %s", o.name, now)
			}
			shown := slices.Concat(eval[[][]picture](x, picturesOf)...)
			drives := drivesOf(all)
			known := 0
			for i := range shown {
				p, d := &shown[i], drives[i]
				if t.Failed() {
					return
				}
				if d == nil {
					continue
				}
				if o.known(&steps, d, p) {
					known++
				}
			}
			if known == 0 {
				t.Errorf("%s: nothing is known", o.name)
			}
		})
	}
	if len(steps.of) < 4 {
		t.Errorf("few steps are seen: %v", steps.of)
	}
}

// overlay is one that shows a number.
type overlay struct {
	name string
	of   func(*overview.Drive) *float64
	step func(*overview.Drive) int
	unit string // empty: the value is written in a way of its own
}

// known compares a drive's tile, and says whether its value is known.
func (o *overlay) known(steps *fills, d *overview.Drive, p *picture) bool {
	t := steps.t
	t.Helper()
	where := o.name + " of " + d.Device
	if want := letters[stateOf(d)]; p.Letter != want && (p.Letter != "H" || o.name != "temperature" || want != "") {
		t.Errorf("%s: letter %q, not %q", where, p.Letter, want)
	}
	v := o.of(d)
	if v == nil {
		if p.Value != "–" || p.Fill != nothing {
			t.Errorf("%s: not known, and shown as %+v", where, p)
		}
		return false
	}
	steps.see(fmt.Sprint("step ", o.step(d)), p.Fill, where)
	if want := strconv.FormatFloat(*v, 'f', 0, 64) + o.unit; o.unit != "" && p.Value != want {
		t.Errorf("%s: %s, not %s", where, p.Value, want)
	}
	if !strings.Contains(p.Name, p.Value) {
		t.Errorf("%s: %q does not say %s", where, p.Name, p.Value)
	}
	return true
}

func reached(v float64, limits ...float64) (n int) {
	for _, l := range limits {
		if v >= l {
			n++
		}
	}
	return n
}

// heatOf is neutral below 46 °C, and at the last step from five degrees below the
// drive's own limit on.
func heatOf(d *overview.Drive) int {
	last := 60.0
	if d.TemperatureLimit != nil {
		last = *d.TemperatureLimit - 5
	}
	third := (last - 46) / 3
	return reached(*d.TemperatureCelsius, 46, 46+third, 46+2*third, last)
}

// Drives of one pool have one colour and one letter, which the legend explains.
func TestOverlayOfPools(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	still(t, x, d.URL()+"/overview?show=pool", func(o *overview.Overview) {
		legend := eval[map[string]string](x, legendOf)
		shown := slices.Concat(eval[[][]picture](x, picturesOf)...)
		pools, marks := fills{t, map[string]string{}}, map[string]string{}
		for i, d := range drivesOf(o) {
			p := &shown[i]
			switch {
			case t.Failed():
				return
			case d == nil:
			case len(d.Pools) == 0:
				if p.Fill != nothing || p.Value != "–" {
					t.Errorf("%s is in no pool, and shown as %+v", d.Device, p)
				}
			default:
				m := d.Pools[0]
				pools.see(m.Pool, p.Fill, d.Device)
				letter, vdev, _ := strings.Cut(p.Value, " ")
				marks[m.Pool] = letter
				if !strings.HasSuffix(m.Vdev, vdev) && vdev != string(m.Role) || !strings.Contains(p.Name, "pool "+m.Pool+" "+m.Vdev) {
					t.Errorf("%s of %s %s is shown as %+v", d.Device, m.Pool, m.Vdev, p)
				}
			}
		}
		if len(pools.of) != len(o.Pools) {
			t.Errorf("%d pools have colours: %v", len(pools.of), pools.of)
		}
		for name, colour := range pools.of {
			if legend[name] != colour {
				t.Errorf("pool %s is %s, and %q in the legend %v", name, colour, legend[name], legend)
			}
			if says := x.textOf(".legend"); !strings.Contains(says, marks[name]+" "+name) && !strings.Contains(says, marks[name]+"\n"+name) {
				t.Errorf("pool %s has the letter %s, and the legend says %q", name, marks[name], says)
			}
		}
	})
}
