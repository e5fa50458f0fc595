package smart

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVirtual(t *testing.T) {
	files := map[string]string{
		"sys/class/nvme/nvme0/transport": "pcie\n",
		"sys/class/nvme/nvme1/transport": "tcp\n",
		"sys/class/nvme/nvme2/serial":    "no transport is told",
	}
	inquiries := map[string]struct{ vendor, model, want string }{
		"sda":  {"ATA", "EXAMPLE 18TB", ""},
		"sdb":  {"SEAGATE", "ST18000NM", ""},
		"sdc":  {"QEMU", "QEMU HARDDISK", ""},
		"sdd":  {"VMware", "Virtual disk", ""},
		"sde":  {"NETAPP", "LUN C-Mode", "NetApp LUN"},
		"sdf":  {"NETAPP", "X423_HCOBE900A10", ""}, // a drive of its shelves
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
		files["sys/class/block/"+name+"/device/vendor"] = i.vendor + "  \n"
		files["sys/class/block/"+name+"/device/model"] = i.model + "   \n"
	}
	s := system(t, files)
	for name, i := range inquiries {
		if got := s.virtual(Device{Name: "/dev/" + name, Type: Auto}); got != i.want {
			t.Errorf("%s %s: got %q, want %q", i.vendor, i.model, got, i.want)
		}
	}

	// By transport: the kernel's directory of the device is a link to its place.
	places := map[string]struct{ place, vendor, want string }{
		"sdba": {"devices/platform/host3/session1/target3:0:0/3:0:0:0", "UNKNOWN", "iSCSI LUN"},
		"sdbb": {"devices/pci0000:00/host1/rport-1:0-2/target1:0:0/1:0:0:0", "UNKNOWN", "Fibre Channel LUN"},
		"sdbc": {"devices/pci0000:00/host1/rport-1:0-3/target1:0:1/1:0:1:0", "SEAGATE", ""},
		"sdbd": {"devices/pci0000:00/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0", "UNKNOWN", ""},
	}
	for name, p := range places {
		dir := filepath.Join(s.Sysfs, p.place)
		link := filepath.Join(s.Sysfs, "class/block", name, "device")
		for _, err := range []error{
			os.MkdirAll(dir, 0o755), os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(dir, link),
			os.WriteFile(filepath.Join(dir, "vendor"), []byte(p.vendor), 0o644),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := s.virtual(Device{Name: "/dev/" + name, Type: Auto}); got != p.want {
			t.Errorf("%s: got %q, want %q", p.place, got, p.want)
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
		{Device{Name: "/dev/missing", Type: Auto}, ""},
		{Device{Name: "/dev/bus/0", Type: Auto}, ""},
	} {
		if got := s.virtual(tt.device); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.device.Label(), got, tt.want)
		}
	}
}
