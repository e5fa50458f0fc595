package overview

import (
	"errors"
	"fmt"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

// at is when all the tests' parts were observed.
var at = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func snapshot[T any](value T, age time.Duration) cache.Result[T] {
	return cache.Result[T]{Snapshot: cache.Snapshot[T]{Value: &value, ObservedAt: at.Add(-age), Age: age}}
}

// drive is a monitored drive, well and read a few seconds ago.
func drive(label, wwn, serial string, change ...func(*Monitored)) Monitored {
	m := Monitored{Label: label, Paths: []string{label}, Identity: block.Identity{WWN: wwn, Serial: serial}}
	m.Report = snapshot(report.Report{
		Device: report.Answer{Name: "/dev/" + label, Protocol: report.ProtocolSCSI}, PowerMode: report.Active,
		ModelName: "EXAMPLE 18TB", SerialNumber: serial, WWN: wwn, CapacityBytes: new(18000207937536.0),
		Temperatures: map[string]float64{"current": 34, "drive_trip": 65}, Passed: new(true),
	}, 20*time.Second)
	for _, f := range change {
		f(&m)
	}
	if m.Report.Err == nil {
		m.Assessment = assess.Drive(m.Report.Snapshot.Value, nil)
	} else {
		m.Assessment = assess.Drive(nil, nil)
	}
	return m
}

func paths(labels ...string) func(*Monitored) {
	return func(m *Monitored) { m.Paths = labels }
}

func reported(change func(*report.Report)) func(*Monitored) {
	return func(m *Monitored) { change(m.Report.Snapshot.Value) }
}

func unreadable(m *Monitored) {
	m.Report = cache.Result[report.Report]{Err: errors.New("smart sdx: smartctl: /dev/sdx: Input/output error")}
	m.Trouble = smart.TroubleOpenFailed
}

func asleep(since time.Duration) func(*Monitored) {
	return func(m *Monitored) {
		m.Report.Snapshot.Value.PowerMode = report.Standby
		m.Report.Snapshot.Age, m.Report.Snapshot.ObservedAt = since, at.Add(-since)
	}
}

// slot is a bay with a drive that the kernel matched with it.
func slot(number int, devices []string, wwn, serial string) enclosure.Slot {
	s := enclosure.Slot{
		Slot: fmt.Sprint(number), Number: &number, Name: fmt.Sprintf("Slot %02d", number), Status: enclosure.OK,
		Fault: new(false), Locate: new(false), Power: new("on"), Populated: new(true),
		Devices: devices, WWN: wwn, Serial: serial,
	}
	if len(devices) > 0 {
		s.Device = devices[0]
	}
	return s
}

func empty(number int) enclosure.Slot {
	return enclosure.Slot{Slot: fmt.Sprint(number), Number: &number, Name: fmt.Sprintf("Slot %02d", number), Status: enclosure.NotInstalled, Populated: new(false)}
}

func wwn(n int) string    { return fmt.Sprintf("0x5000c50000%06x", n) }
func serial(n int) string { return fmt.Sprintf("EX%06d", n) }

func enclosed(id string, slots ...enclosure.Slot) enclosure.Enclosure {
	return enclosure.Enclosure{ID: id, Vendor: "EXAMPLE", Model: "JBOD-24", Revision: "0104", Paths: []string{"0:0:99:0"}, AnsweredBy: "0:0:99:0", Slots: slots}
}

func leaf(name, parent, device string, role zpool.Role, state string) zpool.Vdev {
	v := zpool.Vdev{ID: name, Name: name, Type: "disk", Role: role, Leaf: true, Parent: parent, Top: parent, State: state, Path: "/dev/" + name, Device: device,
		ReadErrors: new(uint64(0)), WriteErrors: new(uint64(0)), ChecksumErrors: new(uint64(0))}
	if parent == "" {
		v.Top = name
	}
	if device != "" {
		v.Devices = []string{device}
	}
	return v
}

func group(name string, role zpool.Role, state string) zpool.Vdev {
	return zpool.Vdev{ID: name, Name: name, Type: "raidz", Role: role, Top: name, State: state}
}

// threeEnclosures is a host with all that an overview can show: a dual-path enclosure,
// a drive of two actuators, a failing and a sleeping one, one that cannot be
// read, one that only its enclosure knows, and members that nobody knows.
func threeEnclosures() Parts {
	failing := reported(func(r *report.Report) { r.Passed = new(false) })
	worn := reported(func(r *report.Report) { r.SCSI = &report.SCSI{GrownDefects: new(12.0)} })
	faulty := slot(3, []string{"sdc", "sdk"}, wwn(3), serial(3))
	faulty.Fault, faulty.Status = new(true), enclosure.Critical
	return Parts{
		At: at,
		Drives: []Monitored{
			drive("nvme0", "eui.0025385b01234567", "S5GXNF0R000001", paths("nvme0"), reported(func(r *report.Report) { r.Device.Protocol = report.ProtocolNVMe })),
			drive("sda", wwn(1), serial(1), paths("sda", "sdi")),
			drive("sdb", wwn(2), serial(2), paths("sdb", "sdj"), worn),
			drive("sdc", wwn(3), serial(3), paths("sdc", "sdk"), failing),
			drive("sdd", wwn(4), serial(4), asleep(50*time.Hour)),
			drive("sde", wwn(5), serial(5), unreadable),
			drive("sdf", wwn(6), serial(6)),
			drive("sdg", wwn(7), serial(6)), // the second actuator of sdf
			drive("sdz", "", "USB0001"),
			drive("bus_0_megaraid_4", wwn(9), serial(9)),
		},
		Enclosures: snapshot([]enclosure.Enclosure{
			enclosed("0x5003048000000001", slot(1, []string{"sda", "sdi"}, wwn(1), serial(1)), slot(2, []string{"sdb", "sdj"}, wwn(2), serial(2)), faulty, empty(4)),
			enclosed("0x5003048000000002", slot(0, []string{"sdd"}, wwn(4), serial(4)), slot(1, []string{"sde"}, wwn(5), serial(5)), slot(2, []string{"sdf", "sdg"}, wwn(6), serial(6))),
			enclosed("0x5003048000000003", slot(1, nil, wwn(9), serial(9)), slot(2, []string{"sdh"}, wwn(8), serial(8)), enclosure.Slot{Slot: "Drive 3", Name: "Drive 3", Status: enclosure.Unknown}),
		}, 40*time.Second),
		Pools: snapshot([]zpool.Pool{
			{
				Name: "tank", GUID: "123456789012345678", State: "DEGRADED", Status: "One or more devices could not be used.", Action: "Replace the device.",
				Scan:       &zpool.Scan{Function: zpool.Resilver, State: zpool.Scanning, StartTime: at.Add(-time.Hour), ToExamine: new(uint64(1000)), Examined: new(uint64(250)), Done: new(0.25)},
				DataErrors: new(uint64(0)),
				Vdevs: []zpool.Vdev{
					group("raidz2-0", zpool.Data, "DEGRADED"),
					leaf("sdi1", "raidz2-0", "sdi", zpool.Data, "ONLINE"),
					leaf("sdb1", "raidz2-0", "sdb", zpool.Data, "ONLINE"),
					leaf("sdc1", "raidz2-0", "sdc", zpool.Data, "FAULTED"),
					leaf("sdh1", "raidz2-0", "sdh", zpool.Data, "ONLINE"),
					leaf("998877665544332211", "raidz2-0", "", zpool.Data, "UNAVAIL"),
					leaf("nvme0n1p1", "", "nvme0", zpool.Log, "ONLINE"),
					leaf("nvme0n1p2", "", "nvme0", zpool.Cache, "ONLINE"),
					leaf("sdd1", "", "sdd", zpool.Spare, "AVAIL"),
				},
			},
			{Name: "scratch", State: "ONLINE", Vdevs: []zpool.Vdev{leaf("vdb", "", "vdb", zpool.Data, "ONLINE")}},
		}, 30*time.Second),
	}
}
