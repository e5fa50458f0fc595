package smart

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
)

// allKinds are drives of all kinds.
func allKinds() *Lookup {
	id := func(wwn, serial string) []block.Identity {
		return []block.Identity{{WWN: wwn, Serial: serial}, {WWN: wwn, Serial: serial}}
	}
	return NewLookup([]Named{
		{Label: "sda", Names: []string{"sda", "sdq", "sg0"}, Identities: id("0x5000c50000000aaa", "EX0001")},
		{Label: "wwn-0x5000c50000000bbb", Names: []string{"sdb"}, Identities: id("0x5000c50000000bbb", "EX0002")},
		{Label: "bus_6_sat+megaraid_14", Names: []string{"bus_6_megaraid_14"}, Identities: []block.Identity{{}, {WWN: "0x5000c50000000ccc", Serial: "EX0003"}}},
		{Label: "nvme3", Names: []string{"nvme2c3n1", "nvme2n1"}, Identities: id("eui.0025385b00000001", "EX0004")},
		{Label: "nvme1", Identities: id("", "EX0005")},
		{Label: "sdf", Identities: id("0x5000c50000000f00", "EX0006")},
		{Label: "sdg", Identities: id("0x5000c50000000f01", "EX0006")},
		{Label: "cciss_c0d0", Names: []string{"cciss!c0d0"}},
		{Label: "sde", Names: []string{"sde_sat_12"}},
	})
}

func TestLookupFind(t *testing.T) {
	l := allKinds()
	for name, want := range map[string]string{
		"sda": "sda", "/dev/sda": "sda", "sdq": "sda", "sg0": "sda", "sda1": "sda", "/dev/sdq9": "sda",
		"0x5000c50000000AAA": "sda", "naa.5000c50000000aaa": "sda", "EX0001": "sda",
		"/dev/disk/by-id/scsi-35000c50000000aaa": "sda", "/dev/disk/by-id/ata-EXAMPLE_18TB_EX0001-part1": "sda",
		"sdb": "wwn-0x5000c50000000bbb", "/dev/disk/by-id/wwn-0x5000c50000000bbb": "wwn-0x5000c50000000bbb",
		"wwn-0x5000c50000000bbb-part2": "wwn-0x5000c50000000bbb", "wwn-0x5000c50000000ccc": "bus_6_sat+megaraid_14",
		"/dev/bus/6;megaraid,14": "bus_6_sat+megaraid_14", "bus_6_megaraid_14": "bus_6_sat+megaraid_14", "bus_6_sat+megaraid_14": "bus_6_sat+megaraid_14",
		// The namespaces of nvme3 have the subsystem's number.
		"nvme2n1": "nvme3", "nvme2n1p1": "nvme3", "nvme2c3n1": "nvme3", "nvme3": "nvme3", "nvme1n1": "nvme1", "nvme1n2p3": "nvme1",
		"nvme9c1n1": "nvme1", "nvme1c9n1": "nvme1", "nvme-eui.0025385b00000001": "nvme3", "nvme-EXAMPLE_NVME_EX0005_1": "nvme1",
		"cciss!c0d0": "cciss_c0d0", "/dev/cciss/c0d0": "cciss_c0d0", "cciss!c0d0p1": "cciss_c0d0",
		"EX0006": "sdf sdg", "/dev/sde;sat,12": "sde",
		"": "", "sdz": "", "nvme2": "", "nvme7n1": "", "sd": "", "/dev": "", "wwn-": "", "-": "", "_": "", "/dev/disk/by-id/ata-": "", "/dev/;sat": "",
		"0x5000c50000000ddd": "", "md127": "", "bus_6": "", strings.Repeat("a-part1", 2000): "",
	} {
		var got []string
		for _, i := range l.Find(name) {
			got = append(got, l.Label(i))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.40q: got %v, want %s", name, got, want)
		}
	}
	var none *Lookup
	if none.Find("sda") != nil || none.LabelOf("nvme0n1") != "nvme0" || none.LabelOf() != "" || len(none.Place([]Sighting{{Names: []string{"sda"}}})[0]) != 0 {
		t.Error("without drives something was found")
	}
}

// A name that two drives have is the one's whose label it is.
func TestLookupLabelsComeFirst(t *testing.T) {
	l := NewLookup([]Named{{Label: "sdb", Names: []string{"sda"}}, {Label: "sda", Names: []string{"sdb"}}})
	if l.LabelOf("sda") != "sda" || l.LabelOf("sdb") != "sdb" {
		t.Errorf("sda is %s, sdb is %s", l.LabelOf("sda"), l.LabelOf("sdb"))
	}
}

// The units of one drive are in its slot, although the kernel links but one.
func TestLookupPlace(t *testing.T) {
	l := allKinds()
	places := []Sighting{
		{Names: []string{"sda", "sdq"}, WWN: "0x5000C50000000AAA", Serial: "EX0001"},
		{Names: []string{"sdb"}, WWN: "0x5000c50000000ddd", Serial: "EX0009"}, // another drive has the name now
		{Names: []string{"nvme2n1"}, Serial: "EX0004"},
		{Names: []string{"sdg"}, WWN: "0x5000c50000000f01", Serial: "EX0006"},
		{WWN: "0x5000c50000000ccc", Serial: "EX0003"},
	}
	var got []string
	for _, drives := range l.Place(places) {
		var labels []string
		for _, i := range drives {
			labels = append(labels, l.Label(i))
		}
		got = append(got, strings.Join(labels, " "))
	}
	if diff := cmp.Diff([]string{"sda", "", "nvme3", "sdg sdf", "bus_6_sat+megaraid_14"}, got); diff != "" {
		t.Errorf("placed (-want +got):\n%s", diff)
	}
}

func BenchmarkLookup(b *testing.B) {
	const n = 10_000
	drives, places := make([]Named, n), make([]Sighting, n)
	for i := range n {
		label, id := fmt.Sprintf("sd%d", i), block.Identity{WWN: fmt.Sprintf("0x5000c5%010d", i), Serial: fmt.Sprintf("EX%08d", i)}
		drives[i] = Named{Label: label, Names: []string{label, fmt.Sprintf("sg%d", i)}, Identities: []block.Identity{id, id}}
		places[i] = Sighting{Names: []string{label}, WWN: id.WWN, Serial: id.Serial}
	}
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			NewLookup(drives)
		}
	})
	l := NewLookup(drives)
	b.Run("place", func(b *testing.B) {
		for b.Loop() {
			l.Place(places)
		}
	})
}
