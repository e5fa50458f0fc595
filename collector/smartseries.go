package collector

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"storage_exporter/collector/exposition"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// emit sends a drive's series but for the assessment. What the report does not hold
// has none.
func (f *driveFamilies) emit(s exposition.Sink, label string, r *report.Report, observedAt time.Time) {
	if r.PowerMode != "" {
		s.Add(f.powerMode, 1, label, string(r.PowerMode))
	}
	if r.SerialNumber != "" || r.WWN != "" || r.ModelName != "" {
		s.Add(f.info, 1, label, r.SerialNumber, r.WWN, r.ModelName)
	}
	if r.NotRead {
		return
	}
	s.Add(f.lastObserved, float64(observedAt.UnixMilli())/1e3, label)
	f.emitIdentity(s, label, r)

	add := func(fam *exposition.Family, v *float64, labels ...string) {
		if v != nil {
			s.Add(fam, *v, append([]string{label}, labels...)...)
		}
	}
	add(f.capacityBlocks, r.CapacityBlocks)
	capacity := r.CapacityBytes
	if n := r.NVMe; n != nil {
		capacity = cmp.Or(capacity, n.TotalCapacityBytes)
		add(f.nvmeCapacityBytes, n.TotalCapacityBytes)
	}
	add(f.capacityBytes, capacity)
	add(f.blockSize, r.LogicalBlockBytes, "logical")
	add(f.blockSize, r.PhysicalBlockBytes, "physical")
	add(f.powerOnSeconds, r.PowerOnSeconds)
	if r.RotationRate != nil && *r.RotationRate > 0 {
		add(f.rotationRate, r.RotationRate)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Temperatures)) {
		s.Add(f.temperature, r.Temperatures[kind], label, kind)
	}
	add(f.powerCycleCount, r.PowerCycles)
	if r.Passed != nil {
		s.Add(f.smartStatus, boolValue(*r.Passed), label)
	}
	s.Add(f.exitStatus, float64(r.Smartctl.ExitStatus), label)

	if r.ATA != nil {
		f.emitATA(s, add, label, r.ATA)
	}
	if r.NVMe != nil && r.NVMe.Health != nil {
		f.emitNVMe(add, r.NVMe.Health)
	}
	if r.SCSI != nil {
		f.emitSCSI(add, r.SCSI)
	}
}

// emitAssessment sends each rule once, though several attributes may speak by it.
func (f *driveFamilies) emitAssessment(s exposition.Sink, label, serial string, a assess.Result) {
	for _, v := range assess.Verdicts {
		s.Add(f.assessment, boolValue(a.Verdict == v), label, serial, string(v))
	}
	type spoken struct {
		rule     string
		severity assess.Verdict
	}
	said := make(map[spoken]bool)
	for _, r := range a.Reasons {
		key := spoken{r.Rule, r.Severity}
		if !said[key] {
			said[key] = true
			s.Add(f.assessmentReason, 1, label, serial, r.Rule, string(r.Severity))
		}
	}
}

func (f *driveFamilies) emitIdentity(s exposition.Sink, label string, r *report.Report) {
	var productID, ataVersion, sataVersion string
	if a := r.ATA; a != nil {
		productID, ataVersion, sataVersion = a.AdditionalProductID, a.Version, a.SATAVersion
	}
	var scsi report.SCSI
	if r.SCSI != nil {
		scsi = *r.SCSI
	}
	s.Add(f.device, 1, label, r.Device.Type, r.Device.Protocol,
		cmp.Or(r.ModelFamily, "unknown"), cmp.Or(r.ModelName, "unknown"), r.SerialNumber, cmp.Or(productID, "unknown"), r.FirmwareVersion,
		ataVersion, sataVersion, r.FormFactor, scsi.Vendor, scsi.Product, scsi.Revision, scsi.Version)
}

// addFunc sends a value of the drive, unless it is absent.
type addFunc func(f *exposition.Family, v *float64, labels ...string)

func (f *driveFamilies) emitATA(s exposition.Sink, add addFunc, label string, a *report.ATA) {
	add(f.interfaceSpeed, a.InterfaceSpeedMax, "max")
	add(f.interfaceSpeed, a.InterfaceSpeedCurrent, "current")
	for i := range a.Attributes {
		at := &a.Attributes[i]
		id := strconv.Itoa(at.ID)
		for _, v := range [...]struct {
			kind  string
			value *float64
		}{{"value", at.Value}, {"worst", at.Worst}, {"thresh", at.Thresh}, {"raw", at.Raw}} {
			if v.value != nil {
				s.Add(f.attribute, *v.value, label, at.Name, at.Flags, at.FlagsLong, v.kind, id)
			}
		}
	}
	add(f.errorLogCount, a.ErrorsSummary, "summary")
	add(f.errorLogCount, a.ErrorsExtended, "extended")
	if l := a.SelfTestsStandard; l != nil {
		add(f.selfTestLogCount, l.Count, "standard")
		add(f.selfTestLogErrorCount, l.ErrorCount, "standard")
	}
	if l := a.SelfTestsExtended; l != nil {
		add(f.selfTestLogCount, l.Count, "extended")
		add(f.selfTestLogErrorCount, l.ErrorCount, "extended")
	}
	add(f.state, a.SCTState)
	add(f.ercSeconds, a.ERCReadSeconds, "read")
	add(f.ercSeconds, a.ERCWriteSeconds, "write")
	for i := range a.Statistics {
		st := &a.Statistics[i]
		add(f.statistics, st.Value, st.Table, st.Name, st.Flags, st.FlagsLong)
	}
}

func (f *driveFamilies) emitNVMe(add addFunc, h *report.NVMeHealth) {
	add(f.percentageUsed, h.PercentageUsed)
	add(f.availableSpare, h.AvailableSpare)
	add(f.availableSpareThreshold, h.AvailableSpareThreshold)
	add(f.criticalWarning, h.CriticalWarning)
	add(f.mediaErrors, h.MediaErrors)
	add(f.numErrLogEntries, h.ErrorLogEntries)
	add(f.bytesRead, h.BytesRead)
	add(f.bytesWritten, h.BytesWritten)
}

func (f *driveFamilies) emitSCSI(add addFunc, c *report.SCSI) {
	add(f.grownDefects, c.GrownDefects)
	if c.Read != nil {
		f.read.emit(add, c.Read)
		add(f.bytesRead, c.Read.BytesProcessed)
	}
	if c.Write != nil {
		f.write.emit(add, c.Write)
		add(f.bytesWritten, c.Write.BytesProcessed)
	}
}

func (f *scsiFamilies) emit(add addFunc, c *report.ErrorCounter) {
	add(f.rereads, c.CorrectedByRereads)
	add(f.eccFast, c.CorrectedByECCFast)
	add(f.eccDelayed, c.CorrectedByECCDelayed)
	add(f.uncorrected, c.TotalUncorrected)
}
