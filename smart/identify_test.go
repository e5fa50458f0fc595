package smart

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/smartctl"
)

// asked is a drive of the fleet that is asked for with a type and answers with
// another.
func asked(d fleet.Drive, typ, answered string) fleet.Drive {
	was := []byte(`"type": "sat"`)
	if !bytes.Contains(d.Report, was) {
		was = []byte(`"type": "scsi"`)
	}
	d.Type = typ
	d.Report = bytes.Replace(d.Report, was, []byte(`"type": "`+answered+`"`), 1)
	return d
}

func devices(names ...string) (list []Device) {
	for _, name := range names {
		d, err := ParseDevice(name)
		if err != nil {
			panic(err)
		}
		list = append(list, d)
	}
	return list
}

// The label is the first report's. Counters go on under it, and a later answer of
// another type does not change it, unless another drive answers.
func TestLabelIsTheFirstReports(t *testing.T) {
	member := fleet.ATA("/dev/bus/6", 1, 2)
	broken := asked(member, "megaraid,14", "sat+megaraid,14")
	broken.Print, broken.Exit = new("nothing"), 2
	r := newRig(t, []fleet.Drive{broken}, func(c *DrivesConfig) { c.Devices = devices("/dev/bus/6;megaraid,14") })
	const first, own = "bus_6_megaraid_14", "bus_6_sat+megaraid_14"
	eventually(t, "a failure", func() bool { return r.drive(t, first).Observations().Failures > 0 })
	d := r.drive(t, first)
	if got := d.Label(); got != first {
		t.Fatalf("without a report: %s", got)
	}
	put := func(d fleet.Drive) {
		t.Helper()
		if err := r.fleet.Put(d); err != nil {
			t.Fatal(err)
		}
	}
	put(asked(member, "megaraid,14", "sat+megaraid,14"))
	eventually(t, "its own label", func() bool { return d.Label() == own })
	if n := d.Observations(); n.Failures == 0 {
		t.Errorf("%+v: the failures under the first label are forgotten", n)
	}
	if a, b := r.drive(t, first), r.drive(t, own); a != d || b != d {
		t.Error("not found by one of its labels")
	}
	put(asked(member, "megaraid,14", "megaraid,14"))
	eventually(t, "the other type", func() bool { return reported(t, d).Value.Device.Type == "megaraid,14" })
	if got := d.Label(); got != own {
		t.Errorf("the label changed to %s", got)
	}
	if serial, known := d.Serial(); serial != "EXA0000001" || !known {
		t.Errorf("serial number %q, known %v", serial, known)
	}
	put(asked(fleet.SCSI("/dev/bus/6", 9), "megaraid,14", "megaraid,14"))
	eventually(t, "another drive", func() bool { return d.Label() == first })
	if serial, _ := d.Serial(); serial != "EXS0000009" {
		t.Errorf("another drive has the serial number %q", serial)
	}
	if key := r.drive(t, "EXS0000009").Report.Key(); key != "jbod:smart:bus_6_megaraid_14" {
		t.Errorf("key %s", key)
	}
}

// A controller's member that the kernel has as a disk is one drive with it, and two
// again when another drive takes the disk's place.
func TestMemberThatIsADisk(t *testing.T) {
	member := asked(fleet.ATA("/dev/bus/0", 1, 2), "megaraid,0", "sat+megaraid,0")
	for name, configured := range map[string][]Device{"scanned": nil, "member configured": devices("/dev/bus/0;megaraid,0")} {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			disk := blocktest.Disk{Name: "sdb", Address: "0:0:1:0", WWID: "naa.5000c500acda7d01", Model: "EXAMPLE EX18000NM", Serial: "EXA0000001"}
			tr.AddDisk(disk)
			r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sdb", 1, 2), member, asked(fleet.ATA("/dev/bus/0", 2, 2), "megaraid,1", "sat+megaraid,1")},
				func(c *DrivesConfig) {
					c.System, c.ScanInterval, c.Scan, c.Devices = system(tr), time.Second, true, configured
				})
			want := "bus_0_megaraid_1 sdb"
			if configured != nil {
				want = "bus_0_megaraid_0 bus_0_megaraid_1"
			}
			eventually(t, "one drive", func() bool { return r.labels(t) == want })
			d := r.drive(t, "sdb")
			if diff := cmp.Diff([]string{"bus_0_sat+megaraid_0", "sdb"}, d.Paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
			for _, name := range []string{"/dev/bus/0;megaraid,0", "bus_0_sat+megaraid_0", "0x5000c500acda7d01", "EXA0000001", "sdb1"} {
				if r.drive(t, name) != d {
					t.Errorf("%s is another drive", name)
				}
			}
			scans, _ := r.fleet.Runs()
			eventually(t, "two more scans", func() bool { n, _ := r.fleet.Runs(); return n >= scans+3 })
			if got := r.labels(t); got != want {
				t.Errorf("after a scan: %s", got)
			}
			disk.WWID, disk.Serial = "naa.5000c500acda7d03", "EXA0000003"
			tr.AddDisk(disk)
			if err := r.fleet.Put(fleet.ATA("/dev/sdb", 3, 2), asked(fleet.ATA("/dev/bus/0", 4, 2), "megaraid,0", "sat+megaraid,0")); err != nil {
				t.Fatal(err)
			}
			eventually(t, "two drives", func() bool { return r.labels(t) == "bus_0_megaraid_0 bus_0_megaraid_1 sdb" })
		})
	}
}

// Reports that share a WWN but not the serial number are of two drives.
func TestMemberWithAnothersWWN(t *testing.T) {
	d := asked(fleet.ATA("/dev/bus/0", 1, 2), "megaraid,0", "sat+megaraid,0")
	d.Report = bytes.Replace(d.Report, []byte("EXA0000001"), []byte("EXA0000002"), 1)
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sdb", 1, 2), d}, nil)
	for _, label := range []string{"sdb", "bus_0_megaraid_0"} {
		reported(t, r.drive(t, label))
	}
	if got := r.labels(t); got != "bus_0_megaraid_0 sdb" {
		t.Errorf("drives %s", got)
	}
}

// A comma alone does not make a member of a RAID controller: the node is the
// drive's. Several ports behind one node are several drives, of which the node is
// none.
func TestSelectionOfTypesWithANumber(t *testing.T) {
	sde := at("sde", "0x5000c50000000aaa", "A")
	tests := []struct {
		name                string
		configured, scanned []Device
		want                []string // label, kernel names
	}{
		{"beside a scan", devices("/dev/sde;sat,12", "/dev/sdf;sat,auto", "/dev/nvme0;nvme,1"),
			[]Device{sde, {Name: "/dev/sdf", Type: smartctl.Auto}, {Name: "/dev/nvme0", Type: "nvme"}, {Name: "/dev/sdg", Type: smartctl.Auto}},
			[]string{"sde_sat_12 sde", "sdf_sat_auto sdf", "nvme0_nvme_1 nvme0", "sdg sdg"}},
		{"a port on each node", devices("/dev/sda;jmb39x-q,0", "/dev/sdb;jms56x,1"), []Device{{Name: "/dev/sda", Type: smartctl.Auto}, {Name: "/dev/sdb", Type: smartctl.Auto}},
			[]string{"sda_jmb39x-q_0 sda", "sdb_jms56x_1 sdb"}},
		{"ports of one node", devices("/dev/sda;jmb39x,0", "/dev/sda;jmb39x,1+sat,12"), []Device{{Name: "/dev/sda", Type: smartctl.Auto}},
			[]string{"sda_jmb39x_0", "sda_jmb39x_1+sat_12"}},
		{"a member beside its controller's disk", devices("/dev/sda;aacraid,0,0,1"), []Device{{Name: "/dev/sda", Type: smartctl.Auto}},
			[]string{"sda_aacraid_0_0_1", "sda sda"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, list := range [][]Device{tt.configured, tt.scanned} {
				for i, d := range list {
					if node := d.node(); node != "" {
						list[i].Nodes = []string{node}
					}
				}
			}
			set := selection{devices: tt.configured}.choose(tt.scanned, nil).set
			var got []string
			for _, c := range set {
				line := c.Label()
				if i, ok := NewLookup([]Named{{Label: "x", Names: slices.Concat(c.names, c.Nodes)}}).Named(c.node()); c.node() != "" && ok && i == 0 {
					line += " " + c.node()
				}
				if len(c.others) > 0 {
					line += " and others"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("chosen (-want +got):\n%s", diff)
			}
		})
	}
}

// A path that is not to be monitored still is a name of its drive: a pool may lie
// on it.
func TestExcludedPathIsAName(t *testing.T) {
	set := selection{exclude: regexp.MustCompile("^sda$")}.choose([]Device{at("sda", "0x5000c50000000aaa", "A"), at("sdq", "0x5000c50000000aaa", "A")}, nil).set
	if len(set) != 1 || len(set[0].others) > 0 || !slices.Contains(set[0].names, "sda") {
		t.Errorf("chosen: %+v", set)
	}
}
