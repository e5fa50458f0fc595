package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/outside"
	"storage_exporter/smart/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(tb testing.TB, name string) *Report {
	tb.Helper()
	r, err := Parse(reporttest.Documents(tb)[name])
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return r
}

// The golden files are the whole reports as they are stored: review them when
// they change.
func TestParseGolden(t *testing.T) {
	for name, doc := range reporttest.Documents(t) {
		t.Run(name, func(t *testing.T) {
			r, err := Parse(doc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			path := filepath.Join("testdata/reports", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("report differs (-want +got):\n%s", diff)
			}
			checkReport(t, r)
		})
	}
}

// checkReport is what must hold for every report.
func checkReport(t *testing.T, r *Report) {
	t.Helper()
	stored, err := json.Marshal(r)
	if err != nil {
		t.Fatalf("report cannot be stored: %v", err)
	}
	var again Report
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatalf("stored report cannot be read: %v", err)
	}
	if diff := cmp.Diff(r, &again); diff != "" {
		t.Fatalf("report changed in the store (-before +after):\n%s", diff)
	}
	for name, v := range map[string]*float64{
		"capacity": r.CapacityBytes, "blocks": r.CapacityBlocks, "power on": r.PowerOnSeconds, "cycles": r.PowerCycles,
		"rotation": r.RotationRate, "used": r.EnduranceUsedPercent, "logical": r.LogicalBlockBytes, "physical": r.PhysicalBlockBytes,
	} {
		if v != nil && (*v < 0 || math.IsInf(*v, 0) || math.IsNaN(*v)) {
			t.Errorf("%s is %v", name, *v)
		}
	}
	for _, v := range []*float64{r.CapacityBytes, r.CapacityBlocks, r.LogicalBlockBytes, r.PhysicalBlockBytes} {
		if v != nil && *v == 0 {
			t.Error("a size of zero in place of an unknown one")
		}
	}
	if r.ATA != nil {
		seen := make(map[int]bool)
		for _, a := range r.ATA.Attributes {
			if a.ID < 1 || a.ID > 255 || seen[a.ID] {
				t.Errorf("attribute id %d", a.ID)
			}
			seen[a.ID] = true
		}
	}
	if s := r.SCSI; s != nil && s.ExceptionASC != nil && (*s.ExceptionASC>>8 != 0 || r.Passed == nil || *r.Passed) {
		t.Errorf("exception %d", *s.ExceptionASC)
	}
	if r.Smartctl.ExitStatus < 0 || r.Smartctl.ExitStatus > 255 {
		t.Errorf("exit status %d", r.Smartctl.ExitStatus)
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string // of the document
		what string
		get  func(*Report) any
		want any
	}{
		{"ata-hdd-7.4", "WWN", func(r *Report) any { return r.WWN }, "0x5000c500abcdef01"},
		{"ata-hdd-7.4", "power on", func(r *Report) any { return *r.PowerOnSeconds }, 33812*3600.0 + 24*60},
		{"ata-hdd-7.4", "speed", func(r *Report) any { return *r.ATA.InterfaceSpeedMax }, 6e9},
		{"ata-hdd-7.4", "flags", func(r *Report) any { return r.ATA.Attributes[0].Flags + " " + r.ATA.Attributes[0].FlagsLong }, "POSR-- prefailure,updated_online,performance,error_rate"},
		{"ata-hdd-7.4", "ERC read", func(r *Report) any { return *r.ATA.ERCReadSeconds }, 7.0},
		{"ata-hdd-7.4", "ERC write is off", func(r *Report) any { return r.ATA.ERCWriteSeconds == nil }, true},
		{"ata-hdd-7.4", "failed self-test", func(r *Report) any { return *r.SelfTests[1].Passed }, false},
		{"ata-hdd-7.4", "aborted self-test", func(r *Report) any { return r.SelfTests[2].Passed == nil }, true},
		{"ata-hdd-7.4", "vendor page is left out", func(r *Report) any { return len(r.ATA.Statistics) }, 7},
		{"ata-hdd-7.4", "power mode", func(r *Report) any { return r.PowerMode }, Active},
		{"ata-hdd-failing-7.2", "numbers as strings", func(r *Report) any { return *r.ATA.Attributes[0].Raw }, 3960.0},
		{"ata-hdd-failing-7.2", "capacity as string", func(r *Report) any { return *r.CapacityBytes }, 8001563222016.0},
		{"ata-hdd-failing-7.2", "trimmed", func(r *Report) any { return r.SerialNumber }, "EXH0000D4"},
		{"ata-hdd-failing-7.2", "passed", func(r *Report) any { return *r.Passed }, false},
		{"ata-hdd-failing-7.2", "exit status", func(r *Report) any { return r.Smartctl.ExitStatus }, 120},
		{"ata-ssd-7.0", "no support object", func(r *Report) any { return r.SMARTAvailable == nil }, true},
		{"ata-ssd-7.0", "SSD", func(r *Report) any { return *r.RotationRate }, 0.0},
		{"ata-ssd-7.5", "power mode", func(r *Report) any { return r.PowerMode }, Idle},
		{"ata-ssd-7.5", "SCT state", func(r *Report) any { return *r.ATA.SCTState }, 2.0},
		{"scsi-hdd-7.1", "old keys", func(r *Report) any {
			return []string{r.SCSI.Vendor, r.SCSI.Product, r.SCSI.Revision, r.SCSI.Version, r.ModelName}
		}, []string{"EXAMPLE", "OLDSAS600", "0008", "SPC-4", "EXAMPLE OLDSAS600"}},
		{"scsi-hdd-7.1", "missing leaf", func(r *Report) any { return r.SCSI.Read.TotalUncorrected == nil }, true},
		{"scsi-hdd-7.3", "temperatures in two objects", func(r *Report) any { return r.Temperatures }, map[string]float64{"current": 41, "drive_trip": 60}},
		{"scsi-hdd-7.3", "exception", func(r *Report) any { return strings.HasPrefix(r.SCSI.Exception, "HARDWARE IMPENDING FAILURE") }, true},
		{"scsi-hdd-7.3", "code of the exception", func(r *Report) any { return []int{*r.SCSI.ExceptionASC, *r.SCSI.ExceptionASCQ} }, []int{0x5d, 0x10}},
		{"scsi-hdd-7.3", "no grown defect list", func(r *Report) any { return r.SCSI.GrownDefects == nil }, true},
		{"scsi-hdd-7.4", "gigabytes as string", func(r *Report) any { return *r.SCSI.Read.BytesProcessed }, 123456.789e9},
		{"scsi-hdd-7.4", "model", func(r *Report) any { return r.ModelName }, "EXAMPLE EXSAS12T"},
		{"scsi-hdd-7.4", "cycles", func(r *Report) any { return *r.PowerCycles }, 47.0},
		{"scsi-hdd-7.4", "self-tests", func(r *Report) any {
			return []bool{*r.SelfTests[0].Passed, *r.SelfTests[1].Passed, r.SelfTests[2].Passed == nil}
		}, []bool{true, false, true}},
		{"scsi-ssd-7.5", "endurance", func(r *Report) any { return *r.EnduranceUsedPercent }, 7.0},
		{"scsi-ssd-7.5", "pending defects", func(r *Report) any { return *r.PendingDefects }, 2.0},
		{"scsi-virtual-disk-7.3", "temperature of a drive without one", func(r *Report) any { return r.Temperatures == nil }, true},
		{"nvme-7.4", "bytes written", func(r *Report) any { return *r.NVMe.Health.BytesWritten }, 98765432 * 512000.0},
		{"nvme-7.4", "WWN", func(r *Report) any { return r.WWN }, "eui.0025385573900122"},
		{"nvme-7.4", "running self-test", func(r *Report) any { return *r.NVMe.SelfTestCompletePercent }, 43.0},
		{"nvme-7.4", "self-tests", func(r *Report) any {
			return []bool{*r.SelfTests[0].Passed, *r.SelfTests[1].Passed, r.SelfTests[2].Passed == nil}
		}, []bool{true, false, true}},
		{"nvme-huge-counters-7.3", "128 bits", func(r *Report) any { return *r.NVMe.Health.BytesRead }, float64(1<<64) * float64(1<<64) * 512000},
		{"nvme-huge-counters-7.3", "beyond all bits", func(r *Report) any { return r.NVMe.Health.HostReads == nil }, true},
		{"nvme-huge-counters-7.3", "0 K", func(r *Report) any { return r.Temperatures == nil }, true},
		{"nvme-huge-counters-7.3", "capacity 0", func(r *Report) any { return r.NVMe.TotalCapacityBytes == nil }, true},
		{"nvme-sntjmicron-7.2", "behind a bridge", func(r *Report) any { return r.NVMe != nil && r.NVMe.Health != nil }, true},
		{"nvme-no-health-7.0", "no health log", func(r *Report) any { return r.NVMe.Health == nil && r.Passed == nil }, true},
		{"asleep-ata-7.4", "power mode", func(r *Report) any { return r.PowerMode }, Standby},
		{"asleep-ata-7.5", "power mode", func(r *Report) any { return r.PowerMode }, Standby},
		{"asleep-os-7.4", "power mode", func(r *Report) any { return r.PowerMode }, Standby},
		{"asleep-scsi-7.2", "power mode", func(r *Report) any { return r.PowerMode }, Standby},
		{"idle-ata-7.4", "power mode", func(r *Report) any { return r.PowerMode }, Idle},
		{"open-failed-7.4", "no power mode", func(r *Report) any { return r.PowerMode }, PowerMode("")},
		{"odd-shapes-7.4", "one attribute is left", func(r *Report) any { return len(r.ATA.Attributes) }, 1},
		{"odd-shapes-7.4", "negative temperature", func(r *Report) any { return r.Temperatures }, map[string]float64{"lifetime_min": -11.5, "lifetime_max": 55}},
		{"odd-shapes-7.4", "ERC write", func(r *Report) any { return *r.ATA.ERCWriteSeconds }, 6.5},
		{"odd-shapes-7.4", "nothing is made up", func(r *Report) any {
			return r.ModelName == "" && r.CapacityBytes == nil && r.LogicalBlockBytes == nil && r.RotationRate == nil && r.Passed == nil && r.PowerOnSeconds == nil && r.PowerCycles == nil
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name+"/"+tt.what, func(t *testing.T) {
			if got := tt.get(parse(t, tt.name)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A test that was broken off or still runs has no result, whatever else is said.
func TestATASelfTestResult(t *testing.T) {
	for status, want := range map[string]string{
		`{"value":0}`: "passed", `{"value":121,"passed":false}`: "failed", `{"value":137}`: "failed", `{"value":57}`: "failed",
		`{"value":25,"passed":false}`: "none", `{"value":36}`: "none", `{"value":249}`: "none", `{"value":160}`: "none",
		`{"passed":false}`: "failed", `{"value":"odd","passed":true}`: "passed", `{"value":512,"passed":true}`: "passed", `{}`: "none",
	} {
		doc := `{"smartctl":{},"device":{"protocol":"ATA"},"ata_smart_self_test_log":{"standard":{"table":[{"type":{"string":"Short offline"},"status":` + status + `}]}}}`
		r, err := Parse([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if passed := r.SelfTests[0].Passed; passed != nil {
			got = map[bool]string{true: "passed", false: "failed"}[*passed]
		}
		if got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, in string }{
		{"nothing", ""},
		{"blanks", " \n"},
		{"text", "smartctl 7.4 2023-08-01 r5530"},
		{"half", `{"smartctl":{"version":[7,4]},"device":{"na`},
		{"two", `{"smartctl":{}} {"smartctl":{}}`},
		{"list", `[{"smartctl":{}}]`},
		{"another program's", `{"disk":{"name":"sda"}}`},
		{"too large", `{"smartctl":{},"x":"` + strings.Repeat("x", MaxDocument) + `"}`},
		{"too deep", `{"smartctl":{},"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse([]byte(tt.in))
			if !errors.Is(err, ErrBadOutput) || r != nil {
				t.Errorf("got %v, %v; want ErrBadOutput", r, err)
			}
		})
	}
}

func TestParseIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"smartctl":{},"device":{"protocol":"ATA"},"model_name":"` + strings.Repeat("é", 4000) + `","ata_device_statistics":{"pages":[{"name":"P","table":[`)
	for range 20000 {
		b.WriteString(`{"name":"s","value":1},`)
	}
	b.WriteString(`{"name":"last","value":1}]}]}}`)
	r, err := Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.ATA.Statistics) != maxStatistics || len(r.ModelName) > outside.MaxText {
		t.Errorf("%d statistics and a name of %d bytes", len(r.ATA.Statistics), len(r.ModelName))
	}
	checkReport(t, r)
}

func TestReportIsCompact(t *testing.T) {
	docs := reporttest.Documents(t)
	stored, _ := json.Marshal(parse(t, "nvme-7.4"))
	if len(stored) > len(docs["nvme-7.4"])*2/3 {
		t.Errorf("stored report has %d bytes, the document %d", len(stored), len(docs["nvme-7.4"]))
	}
	if bytes.Contains(stored, []byte("null")) {
		t.Errorf("absent fields are stored: %s", stored)
	}
}

func FuzzParse(f *testing.F) {
	for _, doc := range reporttest.Documents(f) {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrBadOutput) || r != nil {
				t.Fatalf("got %v, %v", r, err)
			}
			return
		}
		checkReport(t, r)
	})
}

func BenchmarkParse(b *testing.B) {
	doc := reporttest.Documents(b)["ata-hdd-7.4"]
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeStoredReport(b *testing.B) {
	stored, err := json.Marshal(parse(b, "ata-hdd-7.4"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(stored)))
	b.ReportAllocs()
	for b.Loop() {
		var r Report
		if err := json.Unmarshal(stored, &r); err != nil {
			b.Fatal(err)
		}
	}
}
