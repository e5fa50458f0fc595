package web

import (
	"slices"
	"strconv"

	"storage_exporter/smart/report"
)

// attributeView is a row of the table of ATA's attributes.
type attributeView struct {
	ID, Name, Raw, Value, Worst, Thresh, Failed string
	Wrong                                       bool
}

// telling are the attributes by which people judge a drive: those that the rules count,
// and age, temperature, cable and wear.
var telling = []int{1, 4, 5, 9, 10, 12, 169, 173, 177, 184, 187, 188, 190, 193, 194, 196, 197, 198, 199, 202, 230, 231, 233, 241, 242}

func attributesOf(r *report.Report) []attributeView {
	if r.ATA == nil {
		return nil
	}
	var list []attributeView
	for i := range r.ATA.Attributes {
		a := &r.ATA.Attributes[i]
		failed := a.WhenFailed != "" && a.WhenFailed != "-"
		if !failed && !slices.Contains(telling, a.ID) {
			continue
		}
		raw := orDash(a.RawString)
		if raw == dash {
			raw = known(a.Raw, grouped)
		}
		v := attributeView{ID: strconv.Itoa(a.ID), Name: orDash(a.Name), Raw: raw, Value: known(a.Value, grouped), Worst: known(a.Worst, grouped), Thresh: known(a.Thresh, grouped), Failed: dash, Wrong: failed}
		if failed {
			v.Failed = text(a.WhenFailed)
		}
		list = append(list, v)
	}
	return list
}

// figuresOf are what drives of the other protocols are judged by.
func figuresOf(r *report.Report) []fact {
	var list []fact
	add := func(name string, n *float64, write func(float64) string) {
		if n != nil {
			list = append(list, fact{name, write(*n)})
		}
	}
	if n := r.NVMe; n != nil {
		if h := n.Health; h != nil {
			add("Critical warning (bits)", h.CriticalWarning, grouped)
			add("Available spare", h.AvailableSpare, percent)
			add("Spare threshold", h.AvailableSpareThreshold, percent)
			add("Percentage used", h.PercentageUsed, percent)
			add("Media errors", h.MediaErrors, grouped)
			add("Error log entries", h.ErrorLogEntries, grouped)
			add("Unsafe shutdowns", h.UnsafeShutdowns, grouped)
			add("Read", h.BytesRead, bytesOf)
			add("Written", h.BytesWritten, bytesOf)
			add("Minutes above the warning temperature", h.WarningTemperatureMin, grouped)
			add("Minutes above the critical temperature", h.CriticalTemperatureMin, grouped)
		}
		add("Warning temperature", n.WarningTemperature, celsius)
		add("Critical temperature", n.CriticalTemperature, celsius)
	}
	if s := r.SCSI; s != nil {
		add("Grown defects", s.GrownDefects, grouped)
		add("Pending defects", r.PendingDefects, grouped)
		for _, c := range []struct {
			of   string
			from *report.ErrorCounter
		}{{"Reads", s.Read}, {"Writes", s.Write}, {"Verifies", s.Verify}} {
			if c.from != nil {
				add(c.of+" corrected", c.from.TotalCorrected, grouped)
				add(c.of+" failed for good", c.from.TotalUncorrected, grouped)
				add(c.of+", bytes", c.from.BytesProcessed, bytesOf)
			}
		}
		add("Start-stop cycles", s.StartStopCycles, grouped)
		add("Load-unload cycles", s.LoadUnloadCycles, grouped)
	}
	return list
}
