package smart

import (
	"testing"

	"storage_exporter/block/blocktest"
	"storage_exporter/smart/smartctl"
)

func TestVirtual(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Transport: "pcie"})
	tr.AddNVMe(blocktest.NVMe{Name: "nvme1", Transport: "tcp", Spaces: []blocktest.Space{{Number: 1}}})
	tr.AddNVMe(blocktest.NVMe{Name: "nvme2", Serial: "no transport is known"})
	inquiries := map[string]struct{ vendor, model, want string }{
		"sda":  {"ATA", "EXAMPLE 18TB", ""},
		"sdb":  {"SEAGATE", "ST18000NM", ""},
		"sdc":  {"QEMU", "QEMU HARDDISK", ""},
		"sdd":  {"VMware", "Virtual disk", ""},
		"sde":  {"NETAPP", "LUN C-Mode", "NetApp LUN"},
		"sdf":  {"NETAPP", "X423_HCOBE900A10", ""}, // a drive of its enclosures
		"sdg":  {"DELL", "PERC H740P Mini", "Dell PERC virtual disk"},
		"sdh":  {"LSI", "MR9271-8i", "MegaRAID virtual disk"},
		"sdi":  {"IET", "VIRTUAL-DISK", "LUN of an iSCSI target"},
		"sdj":  {"LIO-ORG", "block", "LUN of a software target"},
		"sdk":  {"HP", "LOGICAL VOLUME", "Smart Array or Adaptec logical volume"},
		"sdl":  {"HP", "EG0600FBDSR", ""},
		"sdm":  {"PURE", "FlashArray", "Pure Storage LUN"},
		"sdn":  {"Areca", "ARC-1880-VOL#000", "Areca volume"},
		"sdo":  {"ATA", "DELLBOSS VD", "Dell BOSS virtual disk"},
		"sdp":  {"AVAGO", "MR9361-8i", "MegaRAID virtual disk"},
		"sdq":  {"IBM-ESXS", "ST9300653SS", ""},
		"sdr":  {"HITACHI", "HUC109060CSS600", ""},
		"sds":  {"HITACHI", "OPEN-V", "Hitachi LUN"},
		"sdt":  {"", "", ""},
		"sdu":  {"purely", "FlashArray", ""}, // the vendor is the whole word
		"sdv":  {"Linux", "scsi_debug", ""},
		"sdw":  {"INTEL", "SSDSC2BB", ""},
		"sdx":  {"Lenovo", "RAID 930-8i-2GB", "Lenovo RAID virtual disk"},
		"sdy":  {"HUAWEI", "HWE32SS3008M001N", ""},
		"sdz":  {"SMC", "SMC2108", "Supermicro RAID virtual disk"},
		"sdaa": {"DGC", "VRAID", "Dell EMC CLARiiON, VNX or Unity LUN"},
	}
	for name, i := range inquiries {
		tr.AddDisk(blocktest.Disk{Name: name, Address: name, Vendor: i.vendor + "  ", Model: i.model + "   "})
	}
	s := system(tr)
	what := func(d Device) string { return virtual(s.Maker(d.node())) }
	for name, i := range inquiries {
		if got := what(Device{Name: "/dev/" + name, Type: smartctl.Auto}); got != i.want {
			t.Errorf("%s %s: got %q, want %q", i.vendor, i.model, got, i.want)
		}
	}

	// By transport, which shows in the kernel's place of the device.
	places := map[string]struct{ below, vendor, want string }{
		"sdba": {"session1", "UNKNOWN", "iSCSI LUN"},
		"sdbb": {"rport-1:0-2", "UNKNOWN", "Fibre Channel LUN"},
		"sdbc": {"rport-1:0-3", "SEAGATE", ""},
		"sdbd": {"port-0:0/end_device-0:0", "UNKNOWN", ""},
	}
	for name, p := range places {
		tr.AddDisk(blocktest.Disk{Name: name, Address: name, Below: p.below, Vendor: p.vendor})
		if got := what(Device{Name: "/dev/" + name, Type: smartctl.Auto}); got != p.want {
			t.Errorf("%s: got %q, want %q", p.below, got, p.want)
		}
	}

	for _, tt := range []struct {
		device Device
		want   string
	}{
		{Device{Name: "/dev/nvme0", Type: "nvme"}, ""},
		{Device{Name: "/dev/nvme1", Type: "nvme"}, "NVMe over fabrics (tcp)"},
		{Device{Name: "/dev/nvme1n1", Type: "nvme"}, "NVMe over fabrics (tcp)"},
		{Device{Name: "/dev/nvme2", Type: "nvme"}, ""},
		{Device{Name: "/dev/sdg", Type: "megaraid,3"}, ""}, // a drive behind it
		{Device{Name: "/dev/missing", Type: smartctl.Auto}, ""},
		{Device{Name: "/dev/bus/0", Type: smartctl.Auto}, ""},
	} {
		if got := what(tt.device); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.device.Label(), got, tt.want)
		}
	}
}
