package web

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"storage_exporter/smart"
	"storage_exporter/smart/assess"
)

// A new rule needs words.
func TestEveryRuleHasWords(t *testing.T) {
	limits := assess.DefaultLimits()
	delete(limits, assess.FailingRate)
	if got, want := slices.Sorted(maps.Keys(wordings)), slices.Sorted(maps.Keys(limits)); !slices.Equal(got, want) {
		t.Fatalf("words of the rules\n%v\nwant those of\n%v", got, want)
	}
	for rule := range limits {
		for _, value := range []float64{1, 24} {
			for _, severity := range []assess.Verdict{assess.Warning, assess.Failing} {
				why, do := explain(assess.Reason{Rule: rule, Severity: severity, Value: value, Text: "the reason's own words"})
				if why == "" || strings.Contains(why+do, "%s") || strings.Contains(why, "%!") || !strings.HasSuffix(why, ".") || do != "" && !strings.HasSuffix(do, ".") {
					t.Errorf("%s: %q %q", rule, why, do)
				}
				if w := wordings[rule]; w.one != "" && value == 1 && why != strings.Replace(w.one, "%s", "1", 1) {
					t.Errorf("%s of one: %q", rule, why)
				}
				if w := wordings[rule]; w.many != "" && !strings.Contains(why, map[float64]string{1: "1 ", 24: "24 "}[value]) {
					t.Errorf("%s does not say %v: %q", rule, value, why)
				}
			}
		}
	}
	if why, do := explain(assess.Reason{Rule: "pending_sectors", Severity: assess.Failing, Value: 24}); why != "24 sectors could not be read and wait to be replaced." || do != "Replace the drive." {
		t.Errorf("%q %q", why, do)
	}
	if why, _ := explain(assess.Reason{Rule: "of a later version", Severity: assess.Warning, Text: "something new"}); why != "Something new." {
		t.Errorf("a rule without words: %q", why)
	}
}

func TestEveryTroubleHasWords(t *testing.T) {
	for _, trouble := range []smart.Trouble{smart.TroubleNotInstalled, smart.TroubleNotFound, smart.TroublePermission, smart.TroubleTimeout, smart.TroubleStuck,
		smart.TroubleNoSMART, smart.TroubleOpenFailed, smart.TroubleBadOutput, smart.TroubleOther} {
		if troubleWords[trouble].why == "" {
			t.Errorf("%s has no words", trouble)
		}
	}
}
