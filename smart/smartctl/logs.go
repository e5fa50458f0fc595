package smartctl

import "storage_exporter/smart/report"

// Logs is a set of the logs that are asked for beside what smartctl_exporter
// asks for. All of them are cheap, only read, and known to smartctl since 7.0;
// a log of another protocol than the drive's is passed over by smartctl.
type Logs uint8

// The logs. Deliberately left out are those that cost seconds, spoil the
// temperature object with lifetime limits (scttempsts) or fail behind many SAS
// adapters (sataphy, sasphy).
const (
	LogSelfTest         Logs = 1 << iota // results of self-tests, all protocols
	LogDeviceStatistics                  // ATA; the same command line switch as SCSI's LogEndurance for older drives
	LogERC                               // ATA: error recovery control
	LogBackgroundScan                    // SCSI
	LogEndurance                         // SCSI: how much of an SSD is used
	allLogs             = 1<<iota - 1
)

// logNames are smartctl's, in the order of the bits.
var logNames = [...]string{"selftest", "devstat", "scterc", "background", "ssd"}

func (l Logs) args() []string {
	var args []string
	for i, name := range logNames {
		if l&(1<<i) != 0 {
			args = append(args, "--log="+name)
		}
	}
	return args
}

// relevantLogs are those that the drive's protocol knows and whose lack
// smartctl counts as a failed command.
func relevantLogs(r *report.Report) Logs {
	switch r.Device.Protocol {
	case report.ProtocolATA:
		// smartctl takes "ssd" for device statistics on ATA.
		return LogSelfTest | LogDeviceStatistics | LogERC | LogEndurance
	case report.ProtocolSCSI:
		return LogSelfTest | LogBackgroundScan
	}
	return 0
}

// foundLogs are those that left something in the report.
func foundLogs(r *report.Report) Logs {
	var found Logs
	set := func(l Logs, ok bool) {
		if ok {
			found |= l
		}
	}
	if a := r.ATA; a != nil {
		set(LogSelfTest, a.SelfTestsStandard != nil || a.SelfTestsExtended != nil)
		set(LogDeviceStatistics|LogEndurance, len(a.Statistics) > 0)
		set(LogERC, a.ERCEnabled != nil || a.ERCReadSeconds != nil || a.ERCWriteSeconds != nil)
	}
	if s := r.SCSI; s != nil {
		set(LogSelfTest, len(r.SelfTests) > 0)
		set(LogBackgroundScan, s.BackgroundScan != "")
	}
	return found
}
