package smart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/report"
	"storage_exporter/smart/report/reporttest"
	"storage_exporter/smart/smartctl"
)

func TestDrives(t *testing.T) {
	r := newRig(t, []fleet.Drive{
		fleet.NVMe("/dev/nvme0", 3), fleet.ATA("/dev/sdaa", 2, 4), fleet.ATA("/dev/sdb", 1, 4),
		{Name: "/dev/bus/0", Type: "megaraid,8", Report: reporttest.Documents(t)["scsi-behind-megaraid-7.4"]},
		{Name: "/dev/bus/6", Type: "megaraid,14", Report: reporttest.Documents(t)["ata-behind-megaraid-7.3"]},
	}, func(c *DrivesConfig) { c.Interval = time.Minute })
	if got, want := r.labels(t), "bus_0_megaraid_8 bus_6_megaraid_14 nvme0 sdb sdaa"; got != want {
		t.Errorf("drives %s, want %s", got, want)
	}
	for label, serial := range map[string]string{"sdb": "EXA0000001", "sdaa": "EXA0000002", "nvme0": "EXN0000003", "bus_0_megaraid_8": "EXS0MR8"} {
		d := r.drive(t, label)
		snap := reported(t, d)
		if snap.Value.SerialNumber != serial {
			t.Errorf("%s has %s, want %s", label, snap.Value.SerialNumber, serial)
		}
		doc, err := d.Document.Get(t.Context())
		if err != nil || !strings.Contains(string(*doc.Value), serial) {
			t.Errorf("%s: document %v, %v", label, doc, err)
		}
		// Counted just after the readers have their answer.
		eventually(t, label+" is counted", func() bool { return d.Observations() == (Observations{Successes: 1}) })
	}
	reported(t, r.drive(t, "bus_6_megaraid_14"))
	if d := r.drive(t, "bus_6_sat+megaraid_14"); d.Key != "bus_6_megaraid_14" || d.Label() != "bus_6_sat+megaraid_14" {
		t.Errorf("by its own label: %s %s", d.Key, d.Label())
	}
	scans, reads := r.fleet.Runs()
	if scans != 1 || reads["/dev/sdb"] != 1 || reads["/dev/bus/0"] != 1 {
		t.Errorf("%d scans, reads %v", scans, reads)
	}
	if key := r.drive(t, "sdb").Report.Key(); key != "jbod:smart:sdb" {
		t.Errorf("key %s", key)
	}
	if _, err := r.Drive(t.Context(), "sdx"); !errors.Is(err, ErrUnknownDrive) {
		t.Errorf("got %v", err)
	}
}

// Finding the type again may wake the drive.
func TestDrivesPassTheResolvedType(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, nil)
	eventually(t, "three reads", func() bool { return len(r.fleet.Reads("/dev/sda")) >= 3 })
	if r.drive(t, "sda").Observations().Failures > 0 {
		t.Skip("a read timed out on this loaded machine: then the type is rightly found anew")
	}
	for i, read := range r.fleet.Reads("/dev/sda")[:3] {
		typ, _, _ := strings.Cut(read, " ")
		if want := []string{"auto", "sat", "sat"}[i]; typ != want {
			t.Errorf("read %d is of type %s, want %s", i, typ, want)
		}
	}
}

// A drive of another kind in the same place is found although its name was
// read as another type before.
func TestDrivesForgetATypeThatFails(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, nil)
	eventually(t, "the type is passed", func() bool {
		return strings.Contains(fmt.Sprint(r.fleet.Reads("/dev/sda")), " sat error") || len(r.fleet.Reads("/dev/sda")) > 1
	})
	broken := fleet.ATA("/dev/sda", 1, 2)
	broken.Exit = 2
	if err := r.fleet.Put(broken); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the type is found anew", func() bool {
		reads := r.fleet.Reads("/dev/sda")
		return len(reads) > 2 && strings.HasPrefix(reads[len(reads)-1], "auto ")
	})
}

func TestDrivesRemember(t *testing.T) {
	d := fleet.ATA("/dev/sda", 1, 2)
	d.MissingLogs = []string{"devstat", "ssd"}
	r := newRig(t, []fleet.Drive{d}, nil)
	eventually(t, "three reads", func() bool { return len(r.fleet.Reads("/dev/sda")) >= 3 })
	if last := r.fleet.Reads("/dev/sda")[2]; strings.Contains(last, "devstat") {
		t.Errorf("a log that the drive lacks is asked for again: %s", last)
	}
	if s := reported(t, r.drive(t, "sda")).Value.Smartctl.ExitStatus; s != 0 {
		t.Errorf("exit status %d", s)
	}
}

func TestDrivesHotUnplug(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2), fleet.ATA("/dev/sdb", 2, 2)}, nil)
	reported(t, r.drive(t, "sda"))
	if err := r.fleet.Remove("/dev/sda", "scsi"); err != nil {
		t.Fatal(err)
	}
	// The next scan is ten minutes off: the failing read brings it about.
	eventually(t, "sda is forgotten", func() bool { return r.labels(t) == "sdb" })
	if _, err := r.Drive(t.Context(), "sda"); !errors.Is(err, ErrUnknownDrive) {
		t.Errorf("got %v", err)
	}
}

func TestDrivesHotPlug(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) { c.ScanInterval = time.Second })
	reported(t, r.drive(t, "sda"))
	before := r.drive(t, "sda")
	if err := r.fleet.Put(fleet.NVMe("/dev/nvme0", 2)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nvme0 is found", func() bool { return r.labels(t) == "nvme0 sda" })
	if got := reported(t, r.drive(t, "nvme0")).Value.SerialNumber; got != "EXN0000002" {
		t.Errorf("serial number %s", got)
	}
	if r.drive(t, "sda") != before {
		t.Error("a drive that stayed was made anew")
	}
}

// Another drive under the same name never shows the old one's report.
func TestDrivesSwapped(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(path("sda", "5000c50000000aaa", ""))
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) { c.System = system(tr) })
	old := r.drive(t, "sda")
	if got := reported(t, old).Value.SerialNumber; got != "EXA0000001" {
		t.Fatalf("serial number %s", got)
	}
	// The new one cannot be read: nothing must be shown of it.
	broken := fleet.ATA("/dev/sda", 2, 2)
	broken.Exit = 2
	if err := r.fleet.Put(broken); err != nil {
		t.Fatal(err)
	}
	tr.Write("sys/class/block/sda/device/wwid", "naa.5000c50000000bbb\n")
	eventually(t, "the drive is another", func() bool { return r.drive(t, "sda") != old })
	if s, err := r.drive(t, "sda").Report.Get(t.Context()); err == nil {
		t.Errorf("the new drive has the report of %s", s.Value.SerialNumber)
	}
	if err := r.fleet.Put(fleet.ATA("/dev/sda", 2, 2)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new drive is read", func() bool {
		s, err := r.drive(t, "sda").Report.Get(t.Context())
		return err == nil && s.Value.SerialNumber == "EXA0000002"
	})
}

func TestDrivesKeepTheirListWhenScansFail(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) { c.ScanInterval = time.Second })
	reported(t, r.drive(t, "sda"))
	scans, _ := r.fleet.Runs()
	if err := r.fleet.SetScan(fleet.Behaviour{Exit: 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two failed scans", func() bool { n, _ := r.fleet.Runs(); return n >= scans+3 })
	if got := r.labels(t); got != "sda" {
		t.Errorf("drives %q", got)
	}
}

func TestDrivesAsleep(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, nil)
	d := r.drive(t, "sda")
	awake := reported(t, d)
	asleep := fleet.ATA("/dev/sda", 1, 2)
	asleep.PowerMode = "STANDBY"
	if err := r.fleet.Put(asleep); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the power mode is standby", func() bool { return reported(t, d).Value.PowerMode == report.Standby })
	first := reported(t, d)
	eventually(t, "it is asked again", func() bool { s := reported(t, d); return s.Revision != first.Revision })
	now := reported(t, d)
	if now.Value.SerialNumber != awake.Value.SerialNumber || !now.ObservedAt.Equal(first.ObservedAt) || now.Age <= first.Age {
		t.Errorf("serial %s, observed at %v then %v, age %v then %v", now.Value.SerialNumber, first.ObservedAt, now.ObservedAt, first.Age, now.Age)
	}
	if awake.Value.PowerMode != report.Active {
		t.Error("the report that was read before was changed")
	}
	doc, err := d.Document.Get(t.Context())
	if err != nil || !strings.Contains(string(*doc.Value), "EXA0000001") {
		t.Errorf("document %v, %v", doc, err)
	}
	if n := r.drive(t, "sda").Observations().Failures; n != 0 {
		t.Errorf("sleeping counted as a failure %v times", n)
	}
	if err := r.fleet.Put(fleet.ATA("/dev/sda", 1, 2)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is awake", func() bool {
		s := reported(t, d)
		return s.Value.PowerMode == report.Active && s.ObservedAt.After(now.ObservedAt)
	})
}

func TestDrivesAsleepFromTheStart(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(path("sda", "5000c50000000aaa", ""))
	asleep := fleet.ATA("/dev/sda", 1, 2)
	asleep.PowerMode = "SLEEP"
	r := newRig(t, []fleet.Drive{asleep}, func(c *DrivesConfig) { c.System = system(tr) })
	d := r.drive(t, "sda")
	got := reported(t, d).Value
	if !got.NotRead || got.PowerMode != report.Sleep || got.WWN != "0x5000c50000000aaa" {
		t.Errorf("got %+v", got)
	}
	if _, err := d.Document.Get(t.Context()); !errors.Is(err, cache.ErrNothing) || !errors.Is(err, ErrAsleep) {
		t.Errorf("document: %v", err)
	}
	// The kernel knows better than smartctl, which takes a failing question for sleep.
	tr.Write("sys/class/block/sda/device/state", "offline\n")
	eventually(t, "the drive that is offline fails", func() bool { return r.drive(t, "sda").Observations().Failures > 0 })
}

func TestDrivesWithoutSmartctl(t *testing.T) {
	path, f := faketest.New(t, fleet.ATA("/dev/sda", 1, 2))
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	r := newRigAt(t, path, f, cachestore.NewMemory(), func(c *DrivesConfig) { c.ScanInterval = time.Second })
	for range 3 {
		drives, err := r.List(t.Context())
		if !errors.Is(err, smartctl.ErrNotInstalled) || drives != nil {
			t.Fatalf("got %v, %v", drives, err)
		}
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(r.log.String(), "smartmontools") })
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "smartctl is found once it is installed", func() bool { d, err := r.List(t.Context()); return err == nil && len(d) == 1 })
	if n := strings.Count(r.log.String(), "smartmontools"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, r.log)
	}
}

func TestDrivesConfiguredOnly(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2), fleet.ATA("/dev/sdb", 2, 2)}, func(c *DrivesConfig) {
		c.Devices = []Device{{Name: "/dev/sdb", Type: "sat"}, {Name: "/dev/sdx", Type: smartctl.Auto}}
	})
	if got := r.labels(t); got != "sdb sdx" {
		t.Errorf("drives %q", got)
	}
	reported(t, r.drive(t, "sdb"))
	if _, err := r.drive(t, "sdx").Report.Get(t.Context()); !errors.Is(err, smartctl.ErrNoSuchDevice) {
		t.Errorf("sdx: %v", err)
	}
	if scans, _ := r.fleet.Runs(); scans != 0 {
		t.Errorf("%d scans", scans)
	}
}

func TestDrivesConfiguredAndScanned(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2), fleet.ATA("/dev/sdb", 2, 2), fleet.ATA("/dev/sdc", 3, 2)}, func(c *DrivesConfig) {
		c.Devices = []Device{{Name: "/dev/sdb", Type: "sat"}}
		c.Scan = true
		c.Exclude = regexp.MustCompile("^sd[bc]$")
	})
	eventually(t, "both are monitored", func() bool { return r.labels(t) == "sda sdb" })
	if d := r.drive(t, "sdb"); d.Device.Type != "sat" {
		t.Errorf("sdb is asked for as %s", d.Device.Type)
	}
}

func TestDrivesScannedOnce(t *testing.T) {
	path, f := faketest.New(t, fleet.ATA("/dev/sda", 1, 2))
	if err := f.SetScan(fleet.Behaviour{DelayMillis: 50}); err != nil {
		t.Fatal(err)
	}
	r := newRigAt(t, path, f, cachestore.NewMemory(), func(c *DrivesConfig) { c.ScanOnce = true })
	if got := r.labels(t); got != "sda" {
		t.Errorf("drives %q", got)
	}
	ended := make(chan struct{})
	go func() { r.wait.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Second):
		t.Error("it goes on scanning")
	}
	if scans, _ := f.Runs(); scans != 1 {
		t.Errorf("%d scans", scans)
	}
}

func TestDrivesListWaits(t *testing.T) {
	path, f := faketest.New(t)
	if err := f.SetScan(fleet.Behaviour{Hang: true}); err != nil {
		t.Fatal(err)
	}
	for _, once := range []bool{false, true} {
		r := newRigAt(t, path, f, cachestore.NewMemory(), func(c *DrivesConfig) { c.ScanOnce, c.ScanInterval, c.ScanTimeout = once, time.Minute, 10*time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if drives, err := r.List(ctx); !errors.Is(err, context.DeadlineExceeded) || drives != nil {
			t.Errorf("got %v, %v", drives, err)
		}
	}
}

func TestDrivesNone(t *testing.T) {
	r := newRig(t, nil, nil)
	if drives, err := r.List(t.Context()); err != nil || len(drives) != 0 {
		t.Errorf("got %v, %v", drives, err)
	}
}

func TestDrivesConcurrency(t *testing.T) {
	r := newRig(t, fleet.Mixed(24, 2, 30*time.Millisecond), func(c *DrivesConfig) { c.Concurrency, c.Interval = 3, time.Minute })
	drives, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drives {
		reported(t, d)
	}
	if most := r.fleet.MostAtOnce(); most > 3 {
		t.Errorf("%d reads at once", most)
	}
	_, reads := r.fleet.Runs()
	for _, d := range drives {
		if n := reads[d.Device.Name]; n != 1 {
			t.Errorf("%s was read %d times", d.Label(), n)
		}
	}
}

func TestDrivesSomeHang(t *testing.T) {
	drives := fleet.Mixed(24, 2, 0)
	for i := range 16 {
		drives[i].Hang = true
	}
	r := newRig(t, drives, func(c *DrivesConfig) { c.Interval, c.Timeout = 3*time.Second, 700*time.Millisecond })
	for _, d := range drives[16:] {
		warm := r.drive(t, Device{Name: d.Name, Type: d.Type}.Label())
		eventually(t, d.Name+" is read", func() bool { _, err := warm.Report.Get(t.Context()); return err == nil })
	}
	label := Device{Name: drives[0].Name, Type: smartctl.Auto}.Label()
	eventually(t, "a hanging drive counts as a failure", func() bool { return r.drive(t, label).Observations().Failures > 0 })
	if _, err := r.drive(t, label).Report.Get(t.Context()); err == nil {
		t.Error("a hanging drive has a report")
	}
}

// Two hosts on one store by mistake show their own drives only.
func TestDrivesOfTwoHosts(t *testing.T) {
	store := cachestore.NewMemory()
	defer store.Close()
	hosts := make(map[string]*rig)
	for i, host := range []string{"host-a", "host-b"} {
		path, f := faketest.New(t, fleet.ATA("/dev/sda", i+1, 2))
		hosts[host] = newRigAt(t, path, f, store, func(c *DrivesConfig) { c.Host = host })
	}
	for range 20 {
		for i, host := range []string{"host-a", "host-b"} {
			want := fmt.Sprintf("EXA%07d", i+1)
			if got := reported(t, hosts[host].drive(t, "sda")).Value.SerialNumber; got != want {
				t.Fatalf("%s shows %s, its own drive is %s", host, got, want)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNewDrivesRefuses(t *testing.T) {
	if _, err := NewDrives(DrivesConfig{Tool: toolAt(t, "x")}); err == nil {
		t.Error("a set without a host's fingerprint was made")
	}
	if _, err := NewDrives(DrivesConfig{Tool: toolAt(t, "x"), Host: "a", Devices: []Device{{Name: "sda", Type: "sat"}}}); err == nil {
		t.Error("a device without a path was taken")
	}
}

func TestStoredListIsHostile(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, nil)
	reported(t, r.drive(t, "sda"))
	r.apply([]Device{{Name: "--all", Type: "sat"}, {Name: "/dev/sdb", Type: "sat -s off"}, {Name: "/dev/sdc", Type: smartctl.Auto}})
	if got := r.labels(t); got != "sdc" {
		t.Errorf("drives %q", got)
	}
}

func TestObservations(t *testing.T) {
	var counts tally
	counts.add(nil)
	counts.add(fmt.Errorf("asleep: %w", cache.ErrNothing))
	counts.add(errors.New("broken"))
	if got, want := counts.read(), (Observations{Successes: 2, Failures: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
