package assess

import (
	"fmt"

	"storage_exporter/smart/report"
)

// The additional sense codes of an informational exception (SPC).
const (
	ascWarning    = 0x0b
	ascPrediction = 0x5d
	ascqTest      = 0xff // of a prediction: a drive that was told to try its reports
)

// exception is what a drive that did not pass means by that.
type exception int

const (
	prediction   exception = iota // it fails: also the word of a drive that gives no code
	caution                       // something of its own: a background scan, its cache, its firmware
	heat                          // its temperature
	surroundings                  // not the drive: the enclosure, its power, its climate
	trial                         // nothing: it was told to
)

// exception sorts the code of a SCSI drive that did not pass. Of all codes only a
// prediction is of a failure; smartctl takes each for one.
func (v view) exception() exception {
	if v.SCSI == nil || v.SCSI.ExceptionASC == nil {
		return prediction
	}
	ascq := -1
	if v.SCSI.ExceptionASCQ != nil {
		ascq = *v.SCSI.ExceptionASCQ
	}
	switch *v.SCSI.ExceptionASC {
	case ascPrediction:
		if ascq == ascqTest {
			return trial
		}
		return prediction
	case ascWarning:
		switch ascq {
		case 0x01, 0x0a, 0x0c: // the specified, the critical, the operating limit
			return heat
		case 0x02, 0x08, 0x0b, 0x0d, 0x0e, 0x0f, 0x10, 0x11: // enclosure, power loss, cold, humidity
			return surroundings
		}
	}
	return caution
}

// exceptionWords are smartctl's, or the code.
func (v view) exceptionWords() string {
	if v.SCSI.Exception != "" {
		return v.SCSI.Exception
	}
	code := fmt.Sprintf("code %02X", *v.SCSI.ExceptionASC)
	if v.SCSI.ExceptionASCQ != nil {
		code += fmt.Sprintf("/%02X", *v.SCSI.ExceptionASCQ)
	}
	return code
}

func (v view) scsiWarning() finding {
	if v.SCSI == nil || v.SCSI.ExceptionASC == nil {
		return nothing
	}
	switch v.exception() {
	case caution:
		return speaks(Warning, 1, "the drive warns, though of no failure: %s", v.exceptionWords())
	case surroundings:
		return speaks(Warning, 1, "the drive warns of its surroundings, which is no reason to replace it: %s", v.exceptionWords())
	}
	return well
}

func (v view) grownDefects() finding {
	if v.SCSI == nil {
		return nothing
	}
	return v.count(v.SCSI.GrownDefects, "grown defect", "grown defects")
}

// uncorrected is the rule of one of SCSI's error counters.
func uncorrected(what string, of func(*report.SCSI) *report.ErrorCounter) func(view) finding {
	return func(v view) finding {
		if v.SCSI == nil || of(v.SCSI) == nil {
			return nothing
		}
		return v.count(of(v.SCSI).TotalUncorrected, "uncorrected "+what+" error", "uncorrected "+what+" errors")
	}
}
