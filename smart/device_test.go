package smart

import (
	"reflect"
	"strings"
	"testing"

	"storage_exporter/smart/smartctl"
)

func TestLabel(t *testing.T) {
	tests := []struct{ name, typ, want string }{
		{"/dev/bus/0", "megaraid,1", "bus_0_megaraid_1"},
		{"/dev/sda", "auto", "sda"},
		{"/dev/sg1", "cciss,1", "sg1_cciss_1"},
		{"/dev/bsg/sssraid0", "sssraid,0,1", "bsg_sssraid0_sssraid_0_1"},
		{"/dev/cciss/c0d0", "cciss,0", "cciss_c0d0_cciss_0"},
		{"/dev/sdb", "aacraid,1,0,4", "sdb_aacraid_1_0_4"},
		{"/dev/twl0", "3ware,1", "twl0_3ware_1"},
		{"/dev/sg2", "areca,3/1", "sg2_areca_3/1"},
		{"/dev/sda", "sat+megaraid,14", "sda_sat+megaraid_14"},
		{"/dev/sdb", "usbasm1352r,1", "sdb_usbasm1352r_1"},
		{"/dev/sdc", "sntasmedia", "sdc"},
		{"/dev/nvme0", "nvme", "nvme0"},
		{"/dev/disk/by-id/ata-EXAMPLE_1", "sat", "ata-EXAMPLE_1"},
		{"/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "sat", "pci-0000:00:1f.2-ata-1"},
		{"/srv/disk", "auto", "_srv_disk"},
	}
	for _, tt := range tests {
		if got := (Device{Name: tt.name, Type: tt.typ}).Label(); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.name, tt.typ, got, tt.want)
		}
	}
}

func TestAnswerLabel(t *testing.T) {
	tests := []struct{ name, asked, answered, want string }{
		{"/dev/bus/6", "megaraid,14", "sat+megaraid,14", "bus_6_sat+megaraid_14"},
		{"/dev/bus/6", "megaraid,14", "megaraid,14", "bus_6_megaraid_14"},
		{"/dev/sg1", "cciss,2", "cciss", "sg1_cciss_2"},
		{"/dev/sg1", "cciss,2", "sat", "sg1_cciss_2"},
		{"/dev/sg2", "areca,3/1", "areca,3/1", "sg2_areca_3/1"},
		{"/dev/twl0", "3ware,1", "3ware,1", "twl0_3ware_1"},
		{"/dev/sdb", "aacraid,1,0,4", "sat+aacraid,1,0,4", "sdb_sat+aacraid_1_0_4"},
		{"/dev/sdb", "sat,auto+3ware,1", "sat+3ware,1", "sdb_sat_auto+3ware_1"},
		{"/dev/sdd", "auto", "sntjmicron", "sdd"},
		{"/dev/sda", "auto", "sat", "sda"},
		{"/dev/sda", "auto", "", "sda"},
		{"/dev/sda", "auto", "sat,1", "sda"},
		{"/dev/bus/6", "megaraid,14", "evil type,14", "bus_6_megaraid_14"},
	}
	for _, tt := range tests {
		if got := (Device{Name: tt.name, Type: tt.asked}).AnswerLabel(tt.answered); got != tt.want {
			t.Errorf("%s %s -> %s: got %s, want %s", tt.name, tt.asked, tt.answered, got, tt.want)
		}
	}
}

func TestParseDevice(t *testing.T) {
	tests := []struct {
		in   string
		want Device
		ok   bool
	}{
		{"/dev/sda", Device{Name: "/dev/sda", Type: smartctl.Auto}, true},
		{"/dev/bus/0;megaraid,1", Device{Name: "/dev/bus/0", Type: "megaraid,1"}, true},
		{" /dev/sda ; sat ", Device{Name: "/dev/sda", Type: "sat"}, true},
		{"sda", Device{}, false},
		{"", Device{}, false},
		{"/dev/sda;", Device{}, false},
		{"/dev/sda;sat -s off", Device{}, false},
	}
	for _, tt := range tests {
		got, err := ParseDevice(tt.in)
		if !reflect.DeepEqual(got, tt.want) || (err == nil) != tt.ok {
			t.Errorf("%q: got %+v, %v", tt.in, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "megaraid,1") {
			t.Errorf("%q: %q shows no example", tt.in, err)
		}
	}
}

// Of a type with a comma that is no member's, the answer's label is the drive's.
func TestAnswerLabelOfANode(t *testing.T) {
	for _, tt := range [][4]string{
		{"/dev/sde", "sat,12", "sat", "sde"},
		{"/dev/sdf", "sat,auto", "sat", "sdf"},
		{"/dev/nvme0", "nvme,1", "nvme", "nvme0"},
		{"/dev/sda", "jmb39x-q,0", "jmb39x-q,0", "sda_jmb39x-q_0"},
		{"/dev/sda", "jms56x,2", "sat", "sda_jms56x_2"},
		{"/dev/sda", "jmb39x,1+sat,12", "sat", "sda_jmb39x_1+sat_12"},
	} {
		if got := (Device{Name: tt[0], Type: tt[1]}).AnswerLabel(tt[2]); got != tt[3] {
			t.Errorf("%s %s -> %s: got %s, want %s", tt[0], tt[1], tt[2], got, tt[3])
		}
	}
}
