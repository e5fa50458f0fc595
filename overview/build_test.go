package overview

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	got, err := json.MarshalIndent(Build(threeEnclosures()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/three-enclosures.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("overview (-want +got), -update writes it:\n%s", diff)
	}
}

// An overview lies in the store as JSON, and other replicas read it.
func TestSurvivesJSON(t *testing.T) {
	for name, parts := range map[string]Parts{"whole": threeEnclosures(), "nothing": {At: at}} {
		t.Run(name, func(t *testing.T) {
			want := Build(parts)
			raw, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			got := new(Overview)
			if err := json.Unmarshal(raw, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// where is each monitored drive's place as enclosure/slot, "outside" or, as the
// second of a slot, enclosure/slot+.
func where(o *Overview) map[string]string {
	places := make(map[string]string)
	for _, e := range o.Enclosures {
		for _, s := range e.Slots {
			if s.Drive != nil && !s.Drive.NotMonitored {
				places[s.Drive.Device] = e.ID + "/" + s.Slot
			}
			for _, d := range s.More {
				places[d.Device] = e.ID + "/" + s.Slot + "+"
			}
		}
	}
	for _, d := range o.Outside {
		places[d.Device] = "outside"
	}
	return places
}

func TestPlaces(t *testing.T) {
	named := func(label string) Monitored { return Monitored{Label: label, Paths: []string{label}} }
	system := func(label, wwn, serial string) Monitored {
		m := named(label)
		m.Identity = block.Identity{WWN: wwn, Serial: serial}
		return m
	}
	for _, c := range []struct {
		name   string
		drives []Monitored
		slots  []enclosure.Slot
		want   map[string]string
	}{
		{"by name", []Monitored{named("sda")}, []enclosure.Slot{slot(1, []string{"sda"}, "", "")}, map[string]string{"sda": "e/1"}},
		{"by name, with what only one side knows", []Monitored{named("sda")}, []enclosure.Slot{slot(1, []string{"sda"}, wwn(1), serial(1))}, map[string]string{"sda": "e/1"}},
		{"by the name of another path", []Monitored{named("sda"), drive("sdb", "", "", paths("sdb", "sdx"))},
			[]enclosure.Slot{slot(1, []string{"sdx"}, "", "")}, map[string]string{"sda": "outside", "sdb": "e/1"}},
		{"by the name that the enclosure calls Device", []Monitored{named("sda")}, []enclosure.Slot{{Slot: "1", Device: "sda"}}, map[string]string{"sda": "e/1"}},
		{"an NVMe controller by its namespace", []Monitored{named("nvme3")}, []enclosure.Slot{slot(1, []string{"nvme3c1n1"}, "", "")}, map[string]string{"nvme3": "e/1"}},
		{"a name that is another drive's now", []Monitored{system("sda", wwn(2), serial(2))},
			[]enclosure.Slot{slot(1, []string{"sda"}, wwn(1), serial(1))}, map[string]string{"sda": "outside"}},
		{"a name that is another drive's now, by serial number alone", []Monitored{system("sda", "", serial(2))},
			[]enclosure.Slot{slot(1, []string{"sda"}, "", serial(1))}, map[string]string{"sda": "outside"}},
		{"names exchanged", []Monitored{system("sda", wwn(2), ""), system("sdb", wwn(1), "")},
			[]enclosure.Slot{slot(1, []string{"sda"}, wwn(1), ""), slot(2, []string{"sdb"}, wwn(2), "")}, map[string]string{"sda": "e/2", "sdb": "e/1"}},
		{"by WWN, written otherwise", []Monitored{system("bus_0_megaraid_1", strings.ToUpper(wwn(1)), "")},
			[]enclosure.Slot{slot(1, nil, wwn(1), "")}, map[string]string{"bus_0_megaraid_1": "e/1"}},
		{"by the report's WWN", []Monitored{drive("bus_0_megaraid_1", wwn(1), "", func(m *Monitored) { m.Identity = block.Identity{} })},
			[]enclosure.Slot{slot(1, nil, wwn(1), serial(1))}, map[string]string{"bus_0_megaraid_1": "e/1"}},
		{"cheap drives of one WWN, by serial number", []Monitored{system("x", wwn(1), serial(2)), system("y", wwn(1), serial(1))},
			[]enclosure.Slot{slot(1, nil, wwn(1), serial(1)), slot(2, nil, wwn(1), serial(2))}, map[string]string{"x": "e/2", "y": "e/1"}},
		{"a WWN of a drive of another serial number", []Monitored{system("x", wwn(1), serial(2))},
			[]enclosure.Slot{slot(1, nil, wwn(1), serial(1))}, map[string]string{"x": "outside"}},
		{"a WWN that two slots have", []Monitored{system("x", wwn(1), "")},
			[]enclosure.Slot{slot(1, nil, wwn(1), ""), slot(2, nil, wwn(1), "")}, map[string]string{"x": "outside"}},
		{"two drives of one WWN for one slot", []Monitored{system("sda", wwn(1), ""), system("x", wwn(1), "")},
			[]enclosure.Slot{slot(1, []string{"sda"}, wwn(1), "")}, map[string]string{"sda": "e/1", "x": "outside"}},
		{"by serial number", []Monitored{system("x", "", serial(1))}, []enclosure.Slot{slot(1, nil, wwn(1), serial(1))}, map[string]string{"x": "e/1"}},
		{"a serial number that two slots have", []Monitored{system("x", "", serial(1))},
			[]enclosure.Slot{slot(1, nil, "", serial(1)), slot(2, nil, "", serial(1))}, map[string]string{"x": "outside"}},
		{"a serial number that says nothing", []Monitored{system("x", "", "00000000")},
			[]enclosure.Slot{slot(1, nil, "", "00000000")}, map[string]string{"x": "outside"}},
		{"two actuators", []Monitored{system("sda", wwn(1), serial(1)), system("sdb", wwn(2), serial(1))},
			[]enclosure.Slot{slot(1, []string{"sda"}, wwn(1), serial(1))}, map[string]string{"sda": "e/1", "sdb": "e/1+"}},
		{"an actuator by its name", []Monitored{system("sda", wwn(2), "A1")},
			[]enclosure.Slot{slot(1, []string{"sda"}, wwn(1), "A1")}, map[string]string{"sda": "e/1"}},
		{"two paths that are monitored both", []Monitored{named("sda"), named("sdb")},
			[]enclosure.Slot{slot(1, []string{"sda", "sdb"}, "", "")}, map[string]string{"sda": "e/1", "sdb": "e/1+"}},
		{"a name in two slots", []Monitored{named("sda")},
			[]enclosure.Slot{slot(1, []string{"sda"}, "", ""), slot(2, []string{"sda"}, "", "")}, map[string]string{"sda": "e/1"}},
		{"nothing in common", []Monitored{system("sda", wwn(1), serial(1))}, []enclosure.Slot{slot(1, []string{"sdb"}, wwn(2), serial(2)), empty(2)}, map[string]string{"sda": "outside"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Build(Parts{At: at, Drives: c.drives, Enclosures: snapshot([]enclosure.Enclosure{enclosed("e", c.slots...)}, 0)})
			if diff := cmp.Diff(c.want, where(o)); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

// A name that a drive has now, and that the enclosure still knows another drive by,
// is the former's: so is the place in a pool that goes with the name.
func TestNameOfAnotherDrive(t *testing.T) {
	o := Build(Parts{
		At:         at,
		Drives:     []Monitored{drive("sda", wwn(2), serial(2))},
		Enclosures: snapshot([]enclosure.Enclosure{enclosed("e", slot(1, []string{"sda"}, wwn(1), serial(1)))}, 0),
		Pools:      snapshot([]zpool.Pool{{Name: "p", State: "ONLINE", Vdevs: []zpool.Vdev{leaf("a", "", "sda", zpool.Data, "ONLINE")}}}, 0),
	})
	in := o.Enclosures[0].Slots[0].Drive
	if in == nil || !in.NotMonitored || in.Serial != serial(1) || in.Pools != nil {
		t.Errorf("in the slot: %+v, want the drive that the enclosure saw, in no pool", in)
	}
	if out := o.Outside[0]; len(out.Pools) != 1 {
		t.Errorf("outside: %+v, want it in the pool", out)
	}
	if v := o.Pools[0].Vdevs[0]; v.Device != "sda" || v.Verdict != assess.OK || v.Enclosure != "" {
		t.Errorf("vdev %+v, want the drive, in no slot", v)
	}
}

func TestMissingParts(t *testing.T) {
	t.Run("nothing but drives", func(t *testing.T) {
		p := threeEnclosures()
		p.Enclosures = cache.Result[[]enclosure.Enclosure]{Err: ErrNotObserved}
		p.Pools = cache.Result[[]zpool.Pool]{Err: errors.New("zpool: cannot be run")}
		o := Build(p)
		if o.Enclosures != nil || o.Pools != nil || o.Counts.Slots != nil || o.Counts.Pools != nil {
			t.Error("something is shown of what is not known")
		}
		if len(o.Outside) != len(p.Drives) || o.Counts.Drives.Total != len(p.Drives) {
			t.Errorf("%d drives outside, %d counted, want %d", len(o.Outside), o.Counts.Drives.Total, len(p.Drives))
		}
		if diff := cmp.Diff(map[string]string{"enclosures": "not observed", "pools": "zpool: cannot be run"}, o.Errors); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a host without any", func(t *testing.T) {
		o := Build(Parts{At: at, Enclosures: snapshot([]enclosure.Enclosure{}, 0), Pools: snapshot([]zpool.Pool{}, 0)})
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"enclosures":[]`, `"pools":[]`, `"drives_outside":[]`, `"slots":{"total":0`, `"pools":{"total":0`} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("no %s in %s", want, raw)
			}
		}
	})
	t.Run("no list of enclosures", func(t *testing.T) { // null in the store
		Build(Parts{At: at, Enclosures: snapshot[[]enclosure.Enclosure](nil, 0), Pools: snapshot[[]zpool.Pool](nil, 0)})
	})
	t.Run("a drive without a report", func(t *testing.T) {
		o := Build(Parts{At: at, Drives: []Monitored{drive("sda", wwn(1), serial(1), unreadable)}})
		d := o.Outside[0]
		if d.Assessment.Verdict != assess.Unknown || d.Error == "" || d.Trouble == "" || d.AgeSeconds != nil || d.Serial != serial(1) {
			t.Errorf("%+v", d)
		}
	})
	t.Run("a drive that always slept", func(t *testing.T) {
		m := drive("sda", wwn(1), "", reported(func(r *report.Report) { *r = report.Report{NotRead: true, PowerMode: report.Standby} }))
		if d := Build(Parts{At: at, Drives: []Monitored{m}}).Outside[0]; d.Assessment.Verdict != assess.Unknown || d.PowerMode != report.Standby || d.TemperatureCelsius != nil || d.ObservedAt != nil || d.AgeSeconds != nil {
			t.Errorf("%+v", d)
		}
	})
}

func TestAgeAndLookup(t *testing.T) {
	p := threeEnclosures()
	if got := p.age(); got != 50*time.Hour {
		t.Errorf("age %v, want that of the drive that sleeps", got)
	}
	if o := Build(p); o.Stale {
		t.Error("stale, though all parts are hits")
	}
	p.Pools.Snapshot.Lookup = cache.Stale
	if o := Build(p); !o.Stale {
		t.Error("not stale, though a part is")
	}
	if got := (&Parts{Pools: snapshot([]zpool.Pool{}, time.Minute), Enclosures: snapshot([]enclosure.Enclosure{}, time.Second)}).age(); got != time.Minute {
		t.Errorf("age %v, want the older one's", got)
	}
}

// Building leaves the parts, which others read, as they are.
func TestPartsUnchanged(t *testing.T) {
	p := threeEnclosures()
	Build(p)
	sameText := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	if diff := cmp.Diff(threeEnclosures(), p, sameText); diff != "" {
		t.Error(diff)
	}
}
