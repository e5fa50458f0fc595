package overview

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/smart/assess"
)

func TestFilter(t *testing.T) {
	const first, second, third = "0x5003048000000001", "0x5003048000000002", "0x5003048000000003"
	for _, c := range []struct {
		name       string
		filter     Filter
		enclosures []string
		slots      int
		drives     []string // monitored
		outside    int
		pools      []string
	}{
		{"nothing", Filter{}, []string{first, second, third}, 10,
			[]string{"bus_0_megaraid_4", "nvme0", "sda", "sdb", "sdc", "sdd", "sde", "sdf", "sdg", "sdz"}, 2, []string{"tank", "scratch"}},
		{"one enclosure", Filter{Enclosures: []string{first}}, []string{first}, 4, []string{"sda", "sdb", "sdc"}, 0, []string{"tank"}},
		{"two enclosures", Filter{Enclosures: []string{third, second}}, []string{second, third}, 6,
			[]string{"bus_0_megaraid_4", "sdd", "sde", "sdf", "sdg"}, 0, []string{"tank"}},
		{"failing", Filter{Verdicts: []assess.Verdict{assess.Failing}}, []string{first}, 1, []string{"sdc"}, 0, []string{"tank"}},
		{"failing or warning", Filter{Verdicts: []assess.Verdict{assess.Failing, assess.Warning}}, []string{first}, 2, []string{"sdb", "sdc"}, 0, []string{"tank"}},
		{"ok", Filter{Verdicts: []assess.Verdict{assess.OK}}, []string{first, second, third}, 4,
			[]string{"bus_0_megaraid_4", "nvme0", "sda", "sdd", "sdf", "sdg", "sdz"}, 2, []string{"tank"}},
		{"unknown, of an enclosure", Filter{Enclosures: []string{second}, Verdicts: []assess.Verdict{assess.Unknown}}, []string{second}, 1, []string{"sde"}, 0, []string{}},
		{"none", Filter{Enclosures: []string{third}, Verdicts: []assess.Verdict{assess.Failing}}, []string{}, 0, nil, 0, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := Build(threeEnclosures())
			before, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			o := whole.Filter(c.filter)
			enclosures, pools, slots := []string{}, []string{}, 0
			for _, e := range o.Enclosures {
				enclosures, slots = append(enclosures, e.ID), slots+len(e.Slots)
			}
			for _, p := range o.Pools {
				pools = append(pools, p.Name)
			}
			drives := slices.Sorted(maps.Keys(where(o)))
			if diff := cmp.Diff(c.enclosures, enclosures); diff != "" {
				t.Errorf("enclosures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.drives, drives); diff != "" {
				t.Errorf("drives (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.pools, pools); diff != "" {
				t.Errorf("pools (-want +got):\n%s", diff)
			}
			if slots != c.slots || o.Counts.Slots.Total != c.slots {
				t.Errorf("%d slots, %d counted, want %d", slots, o.Counts.Slots.Total, c.slots)
			}
			if len(o.Outside) != c.outside || o.Counts.Drives.Outside != c.outside || o.Counts.Drives.Total != len(c.drives) || o.Counts.Pools.Total != len(c.pools) {
				t.Errorf("counts %+v", o.Counts)
			}
			if after, err := json.Marshal(whole); err != nil || string(after) != string(before) {
				t.Error("the whole overview was changed")
			}
		})
	}
}

// The second drive of a slot comes first where the first one is filtered out.
func TestFilterOfTwoActuators(t *testing.T) {
	p := threeEnclosures()
	for i := range p.Drives {
		if p.Drives[i].Label == "sdg" {
			p.Drives[i].Assessment.Verdict = assess.Warning
		}
	}
	o := Build(p).Filter(Filter{Verdicts: []assess.Verdict{assess.Warning}})
	s := o.Enclosures[1].Slots[0]
	if s.Drive.Device != "sdg" || len(s.More) != 0 {
		t.Errorf("%+v", s)
	}
}
