package smart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// system makes a tree of files below a temporary directory: sys/… and udev/….
func system(t *testing.T, files map[string]string) System {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return System{Sysfs: filepath.Join(dir, "sys"), Udev: filepath.Join(dir, "udev")}
}

func TestIdentify(t *testing.T) {
	s := system(t, map[string]string{
		"sys/class/block/sda/device/wwid":     "naa.5000c500ABCD1234\n",
		"sys/class/block/sda/device/model":    "EXAMPLE 18TB    \n",
		"sys/class/block/sda/device/vpd_pg80": "\x00\x80\x00\x08EXA00001junk",
		"sys/class/block/sda/dev":             "8:0\n",
		// No WWN of its own: the kernel's name is made of model and serial.
		"sys/class/block/sdb/device/wwid": "t10.ATA     EXAMPLE HARDDISK    AT0001  \n",
		"sys/class/block/sdb/dev":         "8:16\n",
		"udev/b8:16":                      "S:disk/by-id/x\nE:ID_WWN=0x5000000000000000\nE:ID_SERIAL_SHORT=AT0001\nG:systemd\n",
		"sys/class/block/sdc/dev":         "8:32\n",
		"udev/b8:32":                      "E:ID_WWN=0x50014ee2b1b2b3b4\nE:ID_WWN_WITH_EXTENSION=0x50014ee2b1b2b3b4\nE:SCSI_IDENT_SERIAL=WD01\nE:ID_SERIAL_SHORT=other\n",
		// A page that lies about its length.
		"sys/class/block/sdd/device/vpd_pg80":          "\x00\x80\xff\xffEXD",
		"sys/class/nvme/nvme0/serial":                  "NV0001              \n",
		"sys/class/nvme/nvme0/model":                   "EXAMPLE NVMe\n",
		"sys/class/nvme/nvme0/nvme0n1/wwid":            "eui.0025385573900122\n",
		"sys/class/nvme/nvme1/serial":                  "NV0002\n",
		"sys/class/nvme/nvme1/nvme1n1/wwid":            "eui.0025385573900123\n",
		"sys/class/nvme/nvme1/nvme1n2/wwid":            "eui.0025385573900124\n",
		"sys/class/nvme/nvme2/serial":                  "NV0003\n",
		"sys/class/nvme/nvme2/nvme2n1/wwid":            "nvme.1b36-4e56-51454d55-00000001\n",
		"sys/class/scsi_generic/sg3/device/wwid":       "naa.5000c500abcd9999\n",
		"sys/class/block/sde/device/wwid":              "naa.0000000000000000\n",
		"sys/class/block/sde/device/serial":            "\xff\xfeEX\x00E",
		"sys/class/block/../secret/device/wwid":        "naa.5000c500abcd0000\n",
		"sys/class/block/bus/device/wwid":              "naa.5000c500abcd0001\n",
		"sys/class/scsi_generic/sg3/device/vpd_pg80":   "\x00\x83",
		"sys/class/block/sda/device/irrelevant/nested": "",
	})
	tests := []struct {
		device Device
		want   Identity
	}{
		{Device{Name: "/dev/sda", Type: "sat"}, Identity{WWN: "0x5000c500abcd1234", Model: "EXAMPLE 18TB", Serial: "EXA00001"}},
		{Device{Name: "/dev/sdb", Type: "auto"}, Identity{Serial: "AT0001"}},
		{Device{Name: "/dev/sdc", Type: "auto"}, Identity{WWN: "0x50014ee2b1b2b3b4", Serial: "WD01"}},
		{Device{Name: "/dev/sdd", Type: "auto"}, Identity{Serial: "EXD"}},
		{Device{Name: "/dev/sde", Type: "auto"}, Identity{Serial: "\uFFFDEXE"}},
		{Device{Name: "/dev/nvme0", Type: "nvme"}, Identity{WWN: "eui.0025385573900122", Model: "EXAMPLE NVMe", Serial: "NV0001"}},
		{Device{Name: "/dev/nvme1", Type: "nvme"}, Identity{Serial: "NV0002"}},
		{Device{Name: "/dev/nvme2", Type: "nvme"}, Identity{Serial: "NV0003"}},
		{Device{Name: "/dev/sg3", Type: "scsi"}, Identity{WWN: "0x5000c500abcd9999"}},
		{Device{Name: "/dev/sda", Type: "megaraid,3"}, Identity{}},
		{Device{Name: "/dev/bus/0", Type: "auto"}, Identity{}},
		{Device{Name: "/dev/missing", Type: "auto"}, Identity{}},
		{Device{Name: "/dev/../secret", Type: "auto"}, Identity{}},
		{Device{Name: "/srv/sda", Type: "auto"}, Identity{}},
	}
	for _, tt := range tests {
		t.Run(tt.device.Label(), func(t *testing.T) {
			if diff := cmp.Diff(tt.want, s.Identify(tt.device)); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNormalWWN(t *testing.T) {
	tests := []struct{ in, want string }{
		{"naa.5000C500A1B2C3D4", "0x5000c500a1b2c3d4"},
		{"0x5000c500a1b2c3d4\n", "0x5000c500a1b2c3d4"},
		{"0x600508b1001c16be5000c500a1b2c3d4", "0x600508b1001c16be5000c500a1b2c3d4"},
		{"eui.0025385573900122", "eui.0025385573900122"},
		{"eui.00000000000000000025385573900122", "eui.00000000000000000025385573900122"},
		{"", ""},
		{"0x", ""},
		{"0x0000000000000000", ""},
		{"0x5000000000000000", ""},
		{"0x5000000000000001", ""},
		{"0xffffffffffffffff", ""},
		{"eui.0000000000000000", ""},
		{"t10.ATA EXAMPLE", ""},
		{"nvme.1b36-4e", ""},
		{"naa.xyz0000000000000", ""},
	}
	for _, tt := range tests {
		if got := normalWWN(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}
