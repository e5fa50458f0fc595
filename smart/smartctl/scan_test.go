package smartctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/report"
)

func TestScan(t *testing.T) {
	tool, f := fakeTool(t, fleet.ATA("/dev/sda", 1, 1), fleet.NVMe("/dev/nvme0", 2))
	tool.scanTypes = []string{"by-id", "nvme"}
	got, err := tool.Scan(t.Context())
	want := []Device{{Name: "/dev/sda", Type: Auto}, {Name: "/dev/nvme0", Type: "nvme"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if scans, _ := f.Runs(); scans != 1 {
		t.Errorf("%d scans", scans)
	}
	log, err := os.ReadFile(filepath.Join(filepath.Dir(tool.path), "fleet/runs.log"))
	if err != nil || string(log) != "begin scan --json --scan --device=by-id --device=nvme\nend scan --json --scan --device=by-id --device=nvme\n" {
		t.Errorf("run as %q, %v", log, err)
	}
}

func TestScanOutcomes(t *testing.T) {
	text := func(s string) *string { return &s }
	tests := []struct {
		name string
		with fleet.Behaviour
		want int // devices
		err  error
	}{
		{"none", fleet.Behaviour{Print: text(`{"smartctl":{"exit_status":0}}`)}, 0, nil},
		{"a controller that cannot be asked", fleet.Behaviour{Exit: 2}, 1, nil},
		{"nothing could be asked", fleet.Behaviour{Exit: 2, Print: text(`{"smartctl":{"exit_status":2,"messages":[{"string":"scan failed","severity":"error"}]}}`)}, 0, ErrNoReport},
		{"command line", fleet.Behaviour{Exit: 1}, 0, ErrNoReport},
		{"half a JSON", fleet.Behaviour{Print: text(`{"smartctl":{},"devices":[{"na`)}, 0, report.ErrBadOutput},
		{"odd shapes", fleet.Behaviour{Print: text(`{"smartctl":{},"devices":[5,{"name":["x"]},{"name":"sda","type":"sat"},{"name":"/dev/sdb"},{"name":"/dev/sdc","type":"a b"}]}`)}, 1, nil},
		{"no list", fleet.Behaviour{Print: text(`{"smartctl":{},"devices":"all"}`)}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tool, f := fakeTool(t, fleet.ATA("/dev/sda", 1, 1))
			if err := f.SetScan(tt.with); err != nil {
				t.Fatal(err)
			}
			got, err := tool.Scan(t.Context())
			if len(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestScanHangs(t *testing.T) {
	tool, f := fakeTool(t)
	if err := f.SetScan(fleet.Behaviour{Hang: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tool.Scan(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseScan(f *testing.F) {
	f.Add([]byte(`{"devices":[{"name":"/dev/sda","type":"scsi"},{"name":"/dev/nvme0","type":"nvme"}]}`))
	f.Add([]byte(`{"devices":{}}`))
	f.Add([]byte(`{"devices":[{"name":"-x"},7,null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		devices, err := parseScan(b)
		if err != nil && (!errors.Is(err, report.ErrBadOutput) || devices != nil) {
			t.Fatalf("got %v, %v", devices, err)
		}
		for _, d := range devices {
			if !d.Valid() || d.Type == "scsi" {
				t.Errorf("%+v is listed", d)
			}
		}
	})
}
