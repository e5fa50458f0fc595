package assess

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"storage_exporter/smart/report"
	"storage_exporter/smart/report/reporttest"
)

// Rule by rule there are the same reasons as in the assessment.
func TestExamineAgreesWithDrive(t *testing.T) {
	spoke := 0
	for name, doc := range reporttest.Documents(t) {
		r := parse(t, doc)
		for _, limits := range []Thresholds{nil, {"temperature": 20}, allOff()} {
			var reasons []Reason
			examined := Examine(r, limits)
			for _, e := range examined {
				if e.Off && (e.Judged || len(e.Reasons) > 0) {
					t.Errorf("%s: %s is off, and speaks", name, e.Rule)
				}
				reasons = append(reasons, e.Reasons...)
			}
			slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(a.Severity, b.Severity) })
			if diff := gocmp.Diff(Drive(r, limits).Reasons, reasons); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if len(examined) != len(rules) {
				t.Errorf("%s: %d rules of %d", name, len(examined), len(rules))
			}
			spoke += len(reasons)
		}
	}
	if spoke < 10 {
		t.Errorf("%d reasons only", spoke)
	}
}

func TestExamine(t *testing.T) {
	of := func(r *report.Report, rule string, limits Thresholds) Examined {
		t.Helper()
		for _, e := range Examine(r, limits) {
			if e.Rule == rule {
				return e
			}
		}
		t.Fatalf("no rule %s", rule)
		return Examined{}
	}
	sectors := disk(5, "Reallocated_Sector_Ct", 2)
	if e := of(sectors, "reallocated_sectors", nil); !e.Judged || *e.Value != 2 || *e.Limit != 5 || !e.Own || e.Source == "" || len(e.Reasons) > 0 {
		t.Errorf("%+v", e)
	}
	if e := of(sectors, "reallocated_sectors", Thresholds{"reallocated_sectors": 2}); *e.Limit != 2 || e.Own || len(e.Reasons) != 1 || *e.Value != 2 {
		t.Errorf("%+v", e)
	}
	if e := of(sectors, "media_errors", nil); e.Judged || e.Value != nil || *e.Limit != 1 {
		t.Errorf("%+v", e)
	}
	if e := of(and(sectors, func(r *report.Report) { r.Passed = new(true) }), "smart_status", nil); !e.Judged || e.Value != nil || e.Limit != nil {
		t.Errorf("nothing is counted: %+v", e)
	}
	for _, e := range Examine(nil, nil) {
		if e.Judged || e.Value != nil {
			t.Errorf("no report: %+v", e)
		}
	}
}

func TestFigures(t *testing.T) {
	at := func(n float64) *float64 { return &n }
	for name, tt := range map[string]struct {
		report *report.Report
		want   Figures
	}{
		"nothing": {&report.Report{}, Figures{}},
		"disk": {and(disk(5, "Reallocated_Sector_Ct", 12), func(r *report.Report) {
			r.ATA.Attributes = append(r.ATA.Attributes, report.Attribute{ID: 197, Name: "Current_Pending_Sector", Raw: at(3)}, report.Attribute{ID: 198, Name: "Offline_Uncorrectable", Raw: at(4)},
				report.Attribute{ID: 187, Name: "Reported_Uncorrect", Raw: at(1)}, report.Attribute{ID: 188, Name: "Command_Timeout", Raw: at(500)})
			r.Temperatures = map[string]float64{"op_limit_max": 60, "drive_trip": 85, "critical_limit_max": 0}
		}), Figures{Errors: at(17), TemperatureLimit: at(60)}},
		"packed count":    {disk(5, "Reallocated_Sector_Ct", 7<<16|2), Figures{Errors: at(2)}},
		"another meaning": {disk(5, "Vendor_Thing", 12), Figures{}},
		"flash":           {&report.Report{EnduranceUsedPercent: at(7), NVMe: &report.NVMe{Health: &report.NVMeHealth{MediaErrors: at(2)}, WarningTemperature: at(80)}}, Figures{WearPercent: at(7), Errors: at(2), TemperatureLimit: at(80)}},
		"SAS":             {sas(func(s *report.SCSI) { s.GrownDefects, s.Read = at(3), &report.ErrorCounter{TotalUncorrected: at(4)} }), Figures{Errors: at(7)}},
	} {
		if diff := gocmp.Diff(tt.want, FiguresOf(tt.report)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
