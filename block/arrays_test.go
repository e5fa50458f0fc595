package block

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
)

// md makes an array with the members' states by their places; one that is "gone" has
// no device any more, and one in no place stands at the end.
func md(tr *blocktest.Tree, facts map[string]string, places ...string) {
	dir := tr.AddVirtual("md0", blocktest.Device{Number: "9:0", Stat: still}) + "/md"
	tr.Dir(dir + "/bitmap")
	for name, value := range facts {
		tr.Attribute(dir, name, value)
	}
	for i, state := range places {
		if state == "" {
			continue
		}
		name := blocktest.DiskName(i)
		dev, block := dir+"/dev-"+name, "sys/devices/pci0/"+name
		tr.Attribute(dev, "state", strings.TrimSuffix(state, " gone"))
		if !strings.HasSuffix(state, "gone") {
			tr.Dir(block)
		}
		tr.Link(dev+"/block", block)
		if strings.HasPrefix(state, "in_sync") {
			tr.Attribute(dev, "slot", fmt.Sprint(i))
			tr.Link(dir+"/rd"+fmt.Sprint(i), dev)
		} else {
			tr.Attribute(dev, "slot", "none")
		}
	}
}

// What an array lacks, whatever its level. Places at the end of a mirror that were
// never filled are no loss.
func TestArrays(t *testing.T) {
	const in, gone, faulty = "in_sync", "in_sync gone", "faulty"
	facts := func(level, disks, degraded string, more ...string) map[string]string {
		f := map[string]string{"level": level, "raid_disks": disks, "degraded": degraded, "array_state": "clean", "sync_action": "idle"}
		for i := 0; i < len(more); i += 2 {
			f[more[i]] = more[i+1]
		}
		return f
	}
	for name, tt := range map[string]struct {
		facts  map[string]string
		places []string
		want   Array
	}{
		"a mirror":                           {facts("raid1", "2", "0"), []string{in, in}, Array{Disks: 2}},
		"a mirror with a faulty disk":        {facts("raid1", "2", "1"), []string{in, faulty}, Array{Disks: 2, Lacks: 1}},
		"taken out":                          {facts("raid1", "2", "1"), []string{in}, Array{Disks: 2, Lacks: 1}},
		"one of three taken out":             {facts("raid1", "3", "1"), []string{in, in}, Array{Disks: 3, Lacks: 1}},
		"gone, and not noticed":              {facts("raid1", "2", "0"), []string{in, gone}, Array{Disks: 2, Lacks: 1}},
		"a spare that is gone":               {facts("raid1", "2", "0"), []string{in, in, "spare gone"}, Array{Disks: 2}},
		"replaced by a spare":                {facts("raid1", "2", "0"), []string{in, faulty, in}, Array{Disks: 2}},
		"a rebuild":                          {facts("raid5", "3", "1", "sync_action", "recover"), []string{in, in, "spare"}, Array{Disks: 3, Lacks: 1, Rebuilding: true}},
		"one of eight taken out":             {facts("raid6", "8", "1"), []string{in, in, in, in, in, in, in}, Array{Disks: 8, Lacks: 1}},
		"a NAS":                              {facts("raid1", "32", "28"), []string{in, in, in, in}, Array{Disks: 4, InSync: 4}},
		"a NAS, half full":                   {facts("raid1", "8", "4"), []string{in, in, in, in}, Array{Disks: 4, InSync: 4}},
		"a NAS of one disk":                  {facts("raid1", "16", "15"), []string{in}, Array{Disks: 1, InSync: 1}},
		"a NAS, its places not to be seen":   {facts("raid1", "32", "28"), nil, Array{Disks: 4, InSync: 4}},
		"a NAS of an unknown level":          {facts("", "32", "28"), nil, Array{Disks: 4, InSync: 4}},
		"a NAS with a faulty disk":           {facts("raid1", "32", "29"), []string{in, in, faulty, in}, Array{Disks: 4, InSync: 3, Lacks: 1}},
		"a NAS with the last disk faulty":    {facts("raid1", "32", "29"), []string{in, in, in, faulty}, Array{Disks: 4, InSync: 3, Lacks: 1}},
		"a NAS, one taken out":               {facts("raid1", "32", "29"), []string{in, in, "", in}, Array{Disks: 4, InSync: 3, Lacks: 1}},
		"a NAS, one gone":                    {facts("raid1", "32", "28"), []string{in, in, gone, in}, Array{Disks: 4, InSync: 4, Lacks: 1}},
		"no redundancy":                      {facts("raid0", "2", ""), []string{in, in}, Array{Disks: 2}},
		"no redundancy, broken":              {facts("raid0", "2", "", "array_state", "broken"), []string{in, in}, Array{Disks: 2, Lacks: 1, Broken: true}},
		"no redundancy, gone":                {facts("raid0", "2", ""), []string{in, gone}, Array{Disks: 2, Lacks: 1}},
		"no redundancy, gone and broken":     {facts("linear", "3", "", "array_state", "broken"), []string{in, gone, gone}, Array{Disks: 3, Lacks: 2, Broken: true}},
		"no redundancy, faulty":              {facts("raid0", "2", ""), []string{in, faulty}, Array{Disks: 2, Lacks: 1}},
		"lost more than it can do without":   {facts("raid5", "3", "2", "array_state", "broken"), []string{in, faulty, faulty}, Array{Disks: 3, Lacks: 2, Broken: true}},
		"garbage":                            {map[string]string{"degraded": "many", "raid_disks": "-1"}, nil, Array{}},
		"nothing but a number":               {map[string]string{"degraded": "1"}, nil, Array{Lacks: 1}},
		"more degraded than there are disks": {facts("raid1", "8", "99"), []string{in}, Array{Disks: 1, Lacks: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			md(tr, tt.facts, tt.places...)
			tr.AddPart("md0", "md0p1", blocktest.Device{Number: "259:0", Stat: still})
			tr.AddMapping("dm-0", "vg-lv", "LVM-1", blocktest.Device{Number: "253:0", Stat: still}, "md0p1")
			tt.want.Name = "md0"
			for _, on := range []string{"md0", "dm-0"} {
				if diff := cmp.Diff([]Array{tt.want}, system(tr).Arrays(on)); diff != "" {
					t.Errorf("on %s (-want +got):\n%s", on, diff)
				}
			}
		})
	}
	tr := blocktest.New(t)
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: blocktest.Device{Number: "8:0", Stat: still}})
	if got := system(tr).Arrays("sda"); len(got) > 0 {
		t.Errorf("a disk is %+v", got)
	}
}
