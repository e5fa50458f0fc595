package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
	"storage_exporter/overview"
)

const byID = "wwn-0x5000c500acda7d02"

// manyNames makes a host whose drives each go by several names, and returns the
// flags for it.
func manyNames(t *testing.T) (flags []string) {
	t.Helper()
	tree := enclosuretest.New(t)
	var drives []fleet.Drive
	var slots, moved []enclosuretest.Bay
	var members []fake.Vdev
	// ask adds what smartctl answers, asked for with a type.
	ask := func(d fleet.Drive, typ, answered string) {
		d.Report = bytes.Replace(d.Report, []byte(`"type": "sat"`), []byte(`"type": "`+answered+`"`), 1)
		d.Type = typ
		drives = append(drives, d)
		flags = append(flags, "--smartctl.device="+d.Name+";"+typ)
	}
	ata := func(name string, n int, links ...string) fleet.Drive {
		tree.AddDisk(blocktest.Disk{
			Name: name, Address: fmt.Sprintf("0:0:%d:0", n), Model: "EXAMPLE EX18000N", Serial: fmt.Sprintf("EXA%07d", n),
			WWID: fmt.Sprintf("naa.5000c50%09x", 2900000000+n), Device: blocktest.Device{Number: fmt.Sprintf("8:%d", n), Links: links},
		})
		tree.AddPart(name, name+"1", blocktest.Device{})
		return fleet.ATA("/dev/"+name, n, 2)
	}
	slot := func(disk string) enclosuretest.Bay {
		return enclosuretest.Bay{Name: fmt.Sprintf("Slot %02d", len(slots)), Slot: fmt.Sprint(len(slots)), Status: "OK", Disk: disk}
	}
	use := func(disk, path string) {
		if disk != "" {
			slots = append(slots, slot(disk))
		}
		members = append(members, fake.Disk("/dev/"+path, fmt.Sprint(900+len(members))))
	}

	ask(fleet.ATA("/dev/bus/6", 1, 2), "megaraid,14", "sat+megaraid,14")
	drives = append(drives, ata("sdb", 2, "disk/by-id/"+byID), fleet.ATA("/dev/disk/by-id/"+byID, 2, 2))
	flags = append(flags, "--smartctl.device=/dev/disk/by-id/"+byID)
	use("sdb", "sdb1")
	for i, typ := range []string{"sat,12", "sat,auto"} {
		d := ata("sd"+string(rune('e'+i)), 3+i)
		drives = append(drives, d)
		ask(d, typ, "sat")
		use(d.Name[len("/dev/"):], d.Name[len("/dev/"):]+"1")
	}
	tree.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:5:0", Vendor: "QNAP", Model: "TR-004 DISK00"})
	tree.AddPart("sda", "sda1", blocktest.Device{})
	drives = append(drives, fleet.ATA("/dev/sda", 5, 2))
	ask(fleet.ATA("/dev/sda", 5, 2), "jmb39x-q,0", "jmb39x-q,0")
	use("", "sda1")
	// NVMe, alone and with the kernel's own multipath.
	two := 2
	for _, c := range []blocktest.NVMe{{Name: "nvme0"}, {Name: "nvme3", Subsystem: &two}} {
		n := int(c.Name[4] - '0')
		c.Serial, c.Model, c.NQN = fmt.Sprintf("EXN%07d", n), "EXAMPLE NV3840", "nqn.2014-08.org.example:"+c.Name
		c.Spaces = []blocktest.Space{{Number: 1, WWID: fmt.Sprintf("eui.0025385b0000000%d", n)}}
		tree.AddNVMe(c)
		drives = append(drives, fleet.NVMe("/dev/"+c.Name, n))
	}
	use("nvme0n1", "nvme0n1")
	use("nvme2c3n1", "nvme2n1")
	// A controller's member that is a disk, too.
	sdg, member := ata("sdg", 6), fleet.ATA("/dev/bus/0", 6, 2)
	member.Type = "megaraid,0"
	drives = append(drives, sdg, member)
	use("sdg", "sdg1")
	// Two units of one drive, of which the kernel links the second.
	for i, name := range []string{"sdh", "sdi"} {
		d := fleet.SCSI("/dev/"+name, 20+i)
		d.Report = bytes.Replace(d.Report, []byte("EXS0000021"), []byte("EXS0000020"), 1)
		tree.AddDisk(blocktest.Disk{Name: name, Address: fmt.Sprintf("0:0:7:%d", i), WWID: fmt.Sprintf("naa.5000c500%08x", 0xa0000014+i), Serial: "EXS0000020"})
		drives = append(drives, d)
		use([]string{"", "sdi"}[i], name)
	}
	// A drive that was moved.
	drives = append(drives, ata("sdj", 8))
	moved = []enclosuretest.Bay{{Name: "Disk 05", Slot: "5", Status: "not installed", Disk: "sdj"}}
	use("sdj", "sdj1")

	for i, bays := range [][]enclosuretest.Bay{moved, slots} {
		id := fmt.Sprintf("0x500304800000000%d", i)
		tree.AddEnclosure(enclosuretest.Enclosure{Address: fmt.Sprintf("0:0:9%d:0", i), ID: id, Vendor: "EXAMPLE", Model: id, Bays: bays})
	}
	smartctl, _ := faketest.New(t, drives...)
	pools := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: []fake.Pool{{Name: "tank", GUID: "1", State: "ONLINE", Vdevs: members}}})
	return append(flags, "--smartctl.scan", "--smartctl.path="+smartctl, "--zpool.path="+pools.Path(),
		"--path.rootfs="+tree.Path(""), "--path.sysfs="+tree.Sys(), "--path.udev.data="+tree.Udev())
}

// What is meant to be joined on (instance, device) has the same label.
func TestOneLabelEverywhere(t *testing.T) {
	in := start(t, manyNames(t)...)
	drives := []string{
		"bus_6_sat+megaraid_14", "nvme0", "nvme3", "sda_jmb39x-q_0", "sde", "sdf", "sdg", "sdh", "sdi", "sdj", byID,
	}
	disks := drives[1:]
	slotted := slices.DeleteFunc(slices.Clone(disks), func(label string) bool { return label == "sda_jmb39x-q_0" })
	in.await("all reports and pools", func() bool {
		page := in.scrape()
		return len(devicesOf(page, "smartctl_device")) == len(drives) && value(page, "smartctl_devices") == fmt.Sprint(len(drives)) && strings.Contains(page, "jbod_zfs_vdev_info{")
	})
	page := in.scrape()
	pairs := map[string][]string{
		"jbod_drive_info": drives, "jbod_drive_assessment": drives, "jbod_drive_power_mode": drives,
		"jbod_drive_last_observed_timestamp_seconds": drives, "jbod_drive_observe_total": drives,
		"smartctl_device": drives, "smartctl_device_temperature": drives, "smartctl_device_smart_status": drives, "smartctl_device_smartctl_exit_status": drives,
		"jbod_drive_path_info": {"sdg", byID},
		"jbod_slot_info":       slotted, "jbod_zfs_vdev_info": disks, "jbod_zfs_vdev_state": disks, "jbod_zfs_vdev_errors": disks,
	}
	for family, want := range pairs {
		if diff := cmp.Diff(want, devicesOf(page, family)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", family, diff)
		}
	}
	for _, series := range []string{
		`jbod_slot_populated{enclosure="0x5003048000000000",slot="5"} 0`, "smartctl_devices 11",
		`jbod_drive_path_info{device="sdg",path="bus_0_megaraid_0"} 1`, `jbod_drive_path_info{device="sdg",path="sdg"} 1`,
	} {
		if !strings.Contains(page, "\n"+series+"\n") {
			t.Errorf("no %s", series)
		}
	}
	sameInAPI(t, in, drives, slotted, disks)
}

// sameInAPI checks that the API has these labels, and finds a drive by all of its names.
func sameInAPI(t *testing.T, in *instance, drives, slotted, disks []string) {
	t.Helper()
	var o overview.Overview
	in.await("a whole overview", func() bool {
		_, _, body := in.get("/api/overview")
		o = overview.Overview{}
		return json.Unmarshal([]byte(body), &o) == nil && o.Counts.Drives != nil && o.Counts.Drives.Total == len(drives) && o.Pools != nil && o.Enclosures != nil && o.Counts.Drives.ByVerdict["unknown"] == 0
	})
	var inSlots, outside, inPools []string
	for _, e := range o.Enclosures {
		for _, s := range e.Slots {
			for _, d := range s.More {
				inSlots = append(inSlots, d.Device)
			}
			if s.Drive != nil {
				inSlots = append(inSlots, s.Drive.Device)
			}
		}
	}
	for _, d := range o.Outside {
		outside = append(outside, d.Device)
	}
	for _, v := range o.Pools[0].Vdevs {
		inPools = append(inPools, v.Device)
		if v.Verdict == "" {
			t.Errorf("no assessment of the vdev on %s", v.Device)
		}
	}
	for name, lists := range map[string][2][]string{
		"slots": {slotted, distinct(inSlots)}, "outside": {{"bus_6_sat+megaraid_14", "sda_jmb39x-q_0"}, distinct(outside)}, "pools": {disks, distinct(inPools)},
	} {
		if diff := cmp.Diff(lists[0], lists[1]); diff != "" {
			t.Errorf("overview, %s (-want +got):\n%s", name, diff)
		}
	}
	for name, want := range map[string]string{
		"bus_6_sat+megaraid_14": "", "bus_6_megaraid_14": "bus_6_sat+megaraid_14", "EXA0000001": "bus_6_sat+megaraid_14",
		byID: "", "sdb": byID, "sdb1": byID, "/dev/disk/by-id/" + byID: byID, "nvme2n1": "nvme3", "nvme2c3n1": "nvme3", "sde": "", "sde_sat_12": "sde",
		"bus_0_megaraid_0": "sdg", "0x5000c500acda7d06": "sdg", "sda1": "sda_jmb39x-q_0", "sdh": "", "sdi": "",
	} {
		if want == "" {
			want = name
		}
		var d struct{ Device string }
		if status, _, body := in.get("/api/drives/" + url.PathEscape(name)); status != 200 || json.Unmarshal([]byte(body), &d) != nil || d.Device != want {
			t.Errorf("%s: status %d, %s, want %s", name, status, d.Device, want)
		}
	}
	for _, name := range []string{"sdz", "EXS0000020"} { // nothing, and two
		if status, _, body := in.get("/api/drives/" + name); status != 404 {
			t.Errorf("%s: status %d, %.100s", name, status, body)
		}
	}
}

var deviceLabel = regexp.MustCompile(`[{,]device="([^"]+)"`)

// devicesOf are the values of the label device in a family, in order.
func devicesOf(page, family string) []string {
	var devices []string
	for series := range seriesOf(page, family+"{") {
		if m := deviceLabel.FindStringSubmatch(series); m != nil {
			devices = append(devices, m[1])
		}
	}
	return distinct(devices)
}

func distinct(list []string) []string {
	set := make(map[string]bool)
	for _, s := range list {
		if s != "" {
			set[s] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
