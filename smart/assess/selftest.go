package assess

import (
	"cmp"
	"slices"
	"strings"

	"storage_exporter/smart/report"
)

// selfTest speaks for a failed test that no later one has made good. smartctl
// knows it better than the log alone: its count and its exit status go before.
func (v view) selfTest() finding {
	open, failed, judged := v.failedTests()
	bad := open != nil
	if n, counted := v.countedTests(); counted {
		bad = n > 0
	}
	if s := v.ATA; !judged && s != nil && s.SelfTestStatus != nil && s.SelfTestStatus.Passed != nil {
		judged = true // the last test's result, of which the log has nothing
		if !*s.SelfTestStatus.Passed {
			open, bad = s.SelfTestStatus, true
		}
	}
	switch {
	case bad || v.Smartctl.ExitStatus&report.ExitSelfTestLog != 0:
	case judged:
		return well
	default:
		return nothing
	}
	text := "a self-test failed"
	if t := cmp.Or(open, failed); t != nil {
		if t.Type != "" {
			text = "a self-test (" + t.Type + ") failed"
		}
		if t.Result != "" {
			return speaks(Warning, 1, "%s, which no later one has made good: %s", text, t.Result)
		}
	}
	return speaks(Warning, 1, "%s, which no later one has made good", text)
}

// failedTests reads the log: the newest failed test without a newer one of the same
// or a fuller kind that passed, the newest failed one at all, and whether any came to
// a result. One that was broken off or still runs has none.
func (v view) failedTests() (open, failed *report.SelfTest, judged bool) {
	var passed []string
	for i := range v.SelfTests {
		t := &v.SelfTests[i]
		if t.Passed == nil {
			continue
		}
		judged = true
		kind := kindOfTest(t.Type)
		if *t.Passed {
			passed = append(passed, kind)
			continue
		}
		failed = cmp.Or(failed, t)
		if !slices.Contains(passed, kind) && !slices.Contains(passed, extended) {
			open = cmp.Or(open, t)
		}
	}
	return open, failed, judged
}

// countedTests is how many failed tests smartctl counts that no newer one has made
// good, where it counts them.
func (v view) countedTests() (n float64, counted bool) {
	if v.ATA == nil {
		return 0, false
	}
	log := cmp.Or(v.ATA.SelfTestsExtended, v.ATA.SelfTestsStandard)
	if log == nil || log.ErrorCount == nil || log.OutdatedErrorCount == nil {
		return 0, false
	}
	return *log.ErrorCount - *log.OutdatedErrorCount, true
}

// extended is the fullest kind of test: it reads all of the drive.
const extended = "extended"

// kindOfTest is the same for a test in the background and in the foreground, and in
// the words of all protocols.
func kindOfTest(name string) string {
	name = strings.ToLower(name)
	for _, kind := range []string{extended, "short", "conveyance", "selective"} {
		if strings.Contains(name, kind) {
			return kind
		}
	}
	if strings.Contains(name, "long") {
		return extended
	}
	return name
}
