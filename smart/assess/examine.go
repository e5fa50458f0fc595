package assess

import "storage_exporter/smart/report"

// Examined is what one rule says of a drive.
type Examined struct {
	Rule   string
	Source string // where its limit comes from
	// Off says that the operator has switched the rule off; else Judged says that the
	// drive reports what the rule is about.
	Off, Judged bool
	// Value is what was compared with Limit, which is the operator's if Own is not set.
	// Both are nil where nothing is counted; Limit also where it is the drive's own.
	Value, Limit *float64
	Own          bool
	Reasons      []Reason // none: the rule has nothing to complain of
}

// Examine is Drive rule by rule, in the order of the rules. A drive without a report is
// judged by none.
func Examine(r *report.Report, t Thresholds) []Examined {
	list := make([]Examined, len(rules))
	failingRate, _ := t.limit(FailingRate)
	for i := range rules {
		rule := &rules[i]
		limit, overridden := t.limit(rule.name)
		e := Examined{Rule: rule.name, Source: rule.source, Off: limit < 0, Own: !overridden}
		if !rule.yesNo && limit > 0 {
			e.Limit = &limit
		}
		if r != nil && !r.NotRead && !e.Off {
			found := rule.look(view{Report: r, limit: limit, overridden: overridden, failingRate: failingRate})
			e.Judged, e.Reasons = found.judged, named(rule, found.reasons)
			if !rule.yesNo {
				e.Value = found.value
			}
		}
		list[i] = e
	}
	return list
}
