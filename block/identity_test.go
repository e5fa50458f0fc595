package block

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
)

func system(tr *blocktest.Tree) System { return System{Sys: tr.Sys(), Dev: tr.Dev(), Udev: tr.Udev()} }

// files makes a tree of files that no kernel has all.
func files(t *testing.T, content map[string]string) System {
	t.Helper()
	tr := blocktest.New(t)
	for name, text := range content {
		tr.Write(name, text)
	}
	return system(tr)
}

func TestIdentify(t *testing.T) {
	s := files(t, map[string]string{
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
		name string
		want Identity
	}{
		{"/dev/sda", Identity{WWN: "0x5000c500abcd1234", Model: "EXAMPLE 18TB", Serial: "EXA00001"}},
		{"/dev/sdb", Identity{Serial: "AT0001"}},
		{"/dev/sdc", Identity{WWN: "0x50014ee2b1b2b3b4", Serial: "WD01"}},
		{"/dev/sdd", Identity{Serial: "EXD"}},
		{"/dev/sde", Identity{Serial: "\uFFFDEXE"}},
		{"/dev/nvme0", Identity{WWN: "eui.0025385573900122", Model: "EXAMPLE NVMe", Serial: "NV0001"}},
		{"/dev/nvme1", Identity{Serial: "NV0002"}},
		{"/dev/nvme2", Identity{Serial: "NV0003"}},
		{"/dev/sg3", Identity{WWN: "0x5000c500abcd9999"}},
		{"/dev/bus/0", Identity{}},
		{"/dev/missing", Identity{}},
		{"/dev/../secret", Identity{}},
		{"/srv/sda", Identity{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, s.Identify(tt.name)); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentifyNVMe(t *testing.T) {
	s := files(t, map[string]string{
		"sys/class/nvme/nvme0/serial": "NV0001\n", "sys/class/nvme/nvme0/model": "EX\n", "sys/class/nvme/nvme0/subsysnqn": "nqn.2014-08.org:NV0001\n",
		"sys/class/nvme/nvme0/nvme0n1/wwid":   "eui.0025385573900122\n",
		"sys/class/nvme/nvme0/nvme0n2/wwid":   "eui.0025385573900123\n",
		"sys/class/block/nvme0n2/wwid":        "eui.0025385573900123\n",
		"sys/class/nvme/nvme1/serial":         "NV0002\n",
		"sys/class/nvme/nvme1/nvme1c1n1/wwid": "eui.0025385573900124\n", // as native multipath names it
		"sys/class/block/nvme9n1/wwid":        "eui.0025385573900125\n", // the controller is not there
	})
	controller := s.Identify("/dev/nvme0")
	if want := (Identity{Model: "EX", Serial: "NV0001", NQN: "nqn.2014-08.org:NV0001"}); controller != want {
		t.Errorf("controller of two namespaces: %+v", controller)
	}
	if got := s.Identify("/dev/nvme0n2"); got != controller {
		t.Errorf("a namespace is its controller's drive: %+v", got)
	}
	if got := s.Identify("/dev/nvme1").WWN; got != "eui.0025385573900124" {
		t.Errorf("WWN below a path: %s", got)
	}
	if got := s.Identify("/dev/nvme9n1").WWN; got != "eui.0025385573900125" {
		t.Errorf("a namespace alone: %s", got)
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
		if got := NormalWWN(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// What names a drive is written in one way, and is a text.
func FuzzIdentity(f *testing.F) {
	for _, s := range []string{"naa.5000C500A1B2C3D4", "0x5000c500a1b2c3d4", "eui.0025385573900122", "0x0", "t10.ATA", "5003048000000ABC", "\x00\x80\x00\x04ABCD", "\x00\x80\xff\xffA\xff\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if wwn := NormalWWN(s); wwn != "" && (NormalWWN(wwn) != wwn || !strings.HasPrefix(wwn, "0x") && !strings.HasPrefix(wwn, "eui.")) {
			t.Errorf("WWN %q", wwn)
		}
		if id := NormalID(s); id != "" && (NormalID(id) != id || len(id) != len("0x5000c500a1b2c3d4")) {
			t.Errorf("id %q", id)
		}
		serial := serialPage([]byte(s))
		if len(serial) > len(s)*3 || !utf8.ValidString(serial) || strings.TrimSpace(serial) != serial {
			t.Errorf("serial number %q", serial)
		}
		if id := (Identity{WWN: NormalWWN(s), Serial: serial}); id.Known() && !id.Same(id) || (id.Key() != "") != (id.WWN != "" && id.Serial != "") {
			t.Errorf("%+v", id)
		}
	})
}

func TestSame(t *testing.T) {
	whole := Identity{WWN: "0x5000c500a1b2c3d4", Model: "EX", Serial: "1"}
	for name, tt := range map[string]struct {
		a, b      Identity
		same, key bool
	}{
		"one drive":               {whole, whole, true, true},
		"a shared WWN":            {whole, Identity{WWN: whole.WWN, Model: "EX", Serial: "2"}, false, false},
		"another model":           {whole, Identity{WWN: whole.WWN, Model: "OTHER", Serial: "1"}, false, false},
		"less known":              {whole, Identity{WWN: whole.WWN}, true, false},
		"a unit of its own":       {whole, Identity{WWN: "0x5000c500a1b2c3d5", Model: "EX", Serial: "1"}, false, false},
		"a WWN on one side":       {whole, Identity{Model: "EX", Serial: "1"}, false, false},
		"no WWN":                  {Identity{Model: "EX", Serial: "1"}, Identity{Model: "EX", Serial: "1"}, true, false},
		"no WWN, other model":     {Identity{Model: "EX", Serial: "1"}, Identity{Serial: "1"}, false, false},
		"nothing known":           {Identity{}, Identity{}, false, false},
		"controllers of one NVMe": {Identity{NQN: "n", Model: "EX", Serial: "1"}, Identity{NQN: "n", WWN: "", Model: "EX", Serial: "1"}, true, true},
	} {
		if tt.a.Same(tt.b) != tt.same || tt.b.Same(tt.a) != tt.same {
			t.Errorf("%s: same is %v", name, !tt.same)
		}
		if got := tt.a.Key() != "" && tt.a.Key() == tt.b.Key(); got != tt.key {
			t.Errorf("%s: one key is %v", name, got)
		}
	}
}
