package collector

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/enclosure"
	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/cachetest"
	"storage_exporter/smart"
)

// enclosuresOf observes a tree.
func enclosuresOf(t *testing.T, tr *enclosuretest.Tree) *enclosure.Enclosures {
	t.Helper()
	es, err := enclosure.New(enclosure.Config{Cache: cachetest.New(t), System: block.System{Sys: tr.Sys(), Udev: tr.Udev()}, Host: "host"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(es.Close)
	es.Start()
	return es
}

var enclosureTrees = map[string]func(tr *enclosuretest.Tree){
	"none": func(*enclosuretest.Tree) {},
	"two-modules": func(tr *enclosuretest.Tree) {
		tr.DualEnclosure(1, 4, 0, "0x5003048000000a00", "0x5003048000000a80")
	},
	// Everything that a bay may say, and an old kernel without power_status.
	"states": func(tr *enclosuretest.Tree) {
		shelf := enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x5003048000000b00", Vendor: "EX\xffMPLE", Model: `JBOD "8"`, Rev: "1.0 "}
		for i, status := range []string{"unsupported", "OK", "critical", "non-critical", "unrecoverable", "not installed", "unknown", "unavailable"} {
			shelf.Bays = append(shelf.Bays, enclosuretest.Bay{
				Name: "SLOT 00" + string(rune('0'+i)) + "  ", Slot: "-1", Status: status,
				Fault: []string{"0", "2", "4", "6"}[i%4], Locate: []string{"0", "1"}[i%2],
			})
		}
		tr.AddDisk(blocktest.Disk{Name: "sdb", Address: "0:0:1:0", Serial: "EX \\1"})
		shelf.Bays[1].Disk = "sdb"
		tr.AddEnclosure(shelf)
	},
	// Nothing that can be read: the enclosure and its drives are still there.
	"silent": func(tr *enclosuretest.Tree) {
		tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"})
		tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x5003048000000c00", Bays: []enclosuretest.Bay{
			{Name: "ArrayDevice00", Status: "OK", Fault: "0", Locate: "0", Disk: "sda"}, {Name: "ArrayDevice01", Status: "OK"},
		}})
		for _, bay := range []string{"ArrayDevice00", "ArrayDevice01"} {
			for _, file := range []string{"status", "fault", "locate", "power_status"} {
				tr.Dir(enclosuretest.BayPath("0:0:10:0", bay) + "/" + file)
			}
		}
	},
}

func TestEnclosureSeriesGolden(t *testing.T) {
	for name, build := range enclosureTrees {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			build(tr)
			got := shown(t, newEnclosureCollector(enclosuresOf(t, tr), nothingMonitored))
			golden(t, "enclosures/"+name, got)
		})
	}
}

// The table is the contract: name, labels in their order.
func TestEnclosureFamilies(t *testing.T) {
	want := []string{
		"jbod_enclosure_info gauge enclosure vendor model revision slots",
		"jbod_slot_info gauge enclosure slot device serial_number wwn",
		"jbod_slot_populated gauge enclosure slot",
		"jbod_slot_fault gauge enclosure slot",
		"jbod_slot_locate gauge enclosure slot",
		"jbod_slot_status gauge enclosure slot status",
	}
	var got []string
	for _, f := range newEnclosureFamilies().list {
		got = append(got, f.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("families differ (-want +got):\n%s", diff)
	}
}

func TestEnclosuresLint(t *testing.T) {
	tr := enclosuretest.New(t)
	enclosureTrees["two-modules"](tr)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(exposition.NewCollector(newEnclosureCollector(enclosuresOf(t, tr), nothingMonitored)))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// What is not known is no host without enclosures.
func TestEnclosuresNotKnown(t *testing.T) {
	parts, ok := newEnclosureCollector(noEnclosures{}, nothingMonitored).Read(t.Context())
	if ok || len(parts) != 0 {
		t.Errorf("%d parts, ok %v", len(parts), ok)
	}
	tr := enclosuretest.New(t)
	if parts, ok = newEnclosureCollector(enclosuresOf(t, tr), nothingMonitored).Read(t.Context()); !ok || len(parts) != 0 {
		t.Errorf("a host without enclosures: %d parts, ok %v", len(parts), ok)
	}
}

// An enclosure that does not answer is seen, and so is that it does not.
func TestEnclosuresCountASilentOne(t *testing.T) {
	for name, want := range map[string]bool{"silent": false, "states": true, "none": true} {
		tr := enclosuretest.New(t)
		enclosureTrees[name](tr)
		if parts, ok := newEnclosureCollector(enclosuresOf(t, tr), nothingMonitored).Read(t.Context()); ok != want || len(parts) != 1 && name != "none" {
			t.Errorf("%s: %d parts, ok %v", name, len(parts), ok)
		}
	}
}

func nothingMonitored() *smart.Lookup { return nil }

type noEnclosures struct{}

func (noEnclosures) Get(context.Context) (cache.Snapshot[[]enclosure.Enclosure], error) {
	return cache.Snapshot[[]enclosure.Enclosure]{}, cache.ErrNoSnapshot
}

// A drive has the label of its own series; one that changes makes new text.
func TestEnclosuresDeviceLabel(t *testing.T) {
	tr := enclosuretest.New(t)
	enclosureTrees["two-modules"](tr)
	drives := smart.NewLookup(nil)
	c := newEnclosureCollector(enclosuresOf(t, tr), func() *smart.Lookup { return drives })
	before, _ := c.Read(t.Context())
	again, _ := c.Read(t.Context())
	if got := shown(t, c); !strings.Contains(got, `device="sda"`) || before[0].Version != again[0].Version {
		t.Errorf("the kernel's name without a label:\n%s", got)
	}
	drives = smart.NewLookup([]smart.Named{{Label: "ata-EXAMPLE", Names: []string{"sda", "sdd"}}})
	after, _ := c.Read(t.Context())
	if got := shown(t, c); !strings.Contains(got, `device="ata-EXAMPLE",enclosure="0x5003048000000a00",serial_number="EX01S0000",slot="0"`) || strings.Contains(got, `device="sda"`) {
		t.Errorf("with a label:\n%s", got)
	}
	if before[0].Version == after[0].Version {
		t.Error("the version stays although the label changed")
	}
}
