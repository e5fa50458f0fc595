// Package assess judges a drive by its report.
package assess

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"storage_exporter/internal/outside"
	"storage_exporter/smart/report"
)

// Verdict is what an assessment comes to.
type Verdict string

// The verdicts. Warning and Failing are also the severities of reasons.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warning" // look at it, plan its replacement
	Failing Verdict = "failing" // replace it
	Unknown Verdict = "unknown" // nothing to judge by
)

// Verdicts lists all verdicts, the best first.
var Verdicts = []Verdict{OK, Warning, Failing, Unknown}

// Result is what a report says about a drive's health, and why.
type Result struct {
	Verdict Verdict `json:"verdict"`
	// Reasons are those of a Warning or Failing: the failing ones first, then
	// in the order of the rules. They hold whole sentences for people.
	Reasons []Reason `json:"reasons,omitempty"`
}

// Reason is one rule that spoke.
type Reason struct {
	Rule     string  `json:"rule"` // its name
	Severity Verdict `json:"severity"`
	Text     string  `json:"text"`  // "12 reallocated sectors (id 5): ..."
	Value    float64 `json:"value"` // what was compared with the rule's limit; 1 where there is nothing to count
}

// Thresholds are limits that go before those of the rules, by the rule's name
// (or FailingRate); a negative one switches the rule off. Of a rule that counts
// nothing, that is all that a threshold can do.
type Thresholds map[string]float64

// Off is the threshold of a rule that is switched off.
const Off = -1

// Check reports a name that no rule has, and a limit where nothing is counted.
func (t Thresholds) Check(wrong func(name, format string, args ...any)) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		limit := t[name]
		standard, known := defaultLimits[name]
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		switch {
		case !known:
			wrong(name, "is no rule")
		case i >= 0 && rules[i].yesNo && limit != standard && limit >= 0:
			wrong(name, `must be "off": the rule counts nothing, so it can only be switched off`)
		}
	}
}

// limit is the one in force; overridden says that it is not the rule's own.
func (t Thresholds) limit(name string) (limit float64, overridden bool) {
	standard := defaultLimits[name]
	if v, ok := t[name]; ok && v != standard {
		return v, true
	}
	return standard, false
}

// maxReasons bounds an assessment: a table of attributes may fail as a whole.
const maxReasons = 64

// Drive judges a report by the rules. It is Unknown for nil, for a drive
// that slept whenever it was asked, and where no rule found anything to judge: a
// drive is not well because nothing is known of it. That of a sleeping drive is
// the assessment of its last report.
func Drive(r *report.Report, t Thresholds) Result {
	if r == nil || r.NotRead {
		return Result{Verdict: Unknown}
	}
	a := Result{Verdict: Unknown}
	failingRate, _ := t.limit(FailingRate)
	for i := range rules {
		rule := &rules[i]
		limit, overridden := t.limit(rule.name)
		if limit < 0 {
			continue
		}
		found := rule.look(view{Report: r, limit: limit, overridden: overridden, failingRate: failingRate})
		if found.judged && !rule.minor && a.Verdict == Unknown {
			a.Verdict = OK
		}
		a.Reasons = append(a.Reasons, named(rule, found.reasons)...)
	}
	// Of the two severities, failing comes first by the alphabet too.
	slices.SortStableFunc(a.Reasons, func(x, y Reason) int { return cmp.Compare(x.Severity, y.Severity) })
	a.Reasons = a.Reasons[:min(len(a.Reasons), maxReasons)]
	if len(a.Reasons) > 0 {
		a.Verdict = a.Reasons[0].Severity
	}
	return a
}

// named are the reasons of a rule, fit to be shown.
func named(r *rule, reasons []Reason) []Reason {
	for i := range reasons {
		reasons[i].Rule, reasons[i].Text = r.name, outside.Text(reasons[i].Text)
	}
	return reasons
}

// view is what a rule looks at.
type view struct {
	*report.Report
	limit       float64
	overridden  bool    // the limit is the operator's
	failingRate float64 // as FailingRate has it
}

// finding is what a rule saw. judged says that there was something to judge; value is
// what was compared with the limit, nil where nothing is counted.
type finding struct {
	judged  bool
	value   *float64
	reasons []Reason
}

// nothing is the finding of a rule that had nothing to judge.
var nothing finding

// well is the finding of a rule that has nothing to complain of.
var well = finding{judged: true}

// fine is well with what was counted.
func fine(value *float64) finding { return finding{judged: true, value: value} }

func speaks(severity Verdict, value float64, format string, args ...any) finding {
	return finding{judged: true, value: &value, reasons: []Reason{{Severity: severity, Value: value, Text: fmt.Sprintf(format, args...)}}}
}

// count judges a number that may be absent: it warns from the limit on. The
// noun stands in the singular and the plural.
func (v view) count(n *float64, one, many string) finding {
	if n == nil {
		return nothing
	}
	if *n < v.limit {
		return fine(n)
	}
	return speaks(Warning, *n, "%s", quantity(*n, one, many))
}
