package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"storage_exporter/cache"
	"storage_exporter/internal/outside"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// maxDocument bounds what is shown of the tool's own document, in bytes.
const maxDocument = 256 << 10

// maxReasons bounds the reasons and the pools of a drive that are shown.
const maxReasons = 64

// fact is a name with its value.
type fact struct{ Name, Value string }

// driveView is a drive's own page.
type driveView struct {
	Name    string
	State   state
	Place   string
	Href    string // of the enclosure's picture; empty where the drive is in none
	Reasons []problem
	Note    string // why there is no report, or none that is new
	Do      string
	Facts   []fact
	Pools   []memberView
	Rules   []ruleView
	Unasked []ruleView // rules about what the drive does not report
	// Attributes are ATA's, Figures those of the other protocols.
	Attributes []attributeView
	Figures    []fact
	Tests      []testView
	Document   string
	Whole      string // the address of the whole document, where it was cut
}

type memberView struct {
	Pool, Vdev, Role string
	State            state
}

// ruleView is what a rule says of the drive.
type ruleView struct {
	Rule, Value, Limit, Source string
	State                      state
	Says                       string
}

type testView struct {
	Type, Result, At string
	State            state
}

// readings are what the exporter has of a drive.
type readings struct {
	drive    *smart.Drive // nil: it is not monitored
	report   cache.Result[report.Report]
	document cache.Result[json.RawMessage]
}

// readingsOf finds a monitored drive by its label.
func (p *Pages) readingsOf(label string) (r readings) {
	if p.cfg.Drives == nil {
		return r
	}
	set := p.cfg.Drives()
	if set == nil {
		return r
	}
	drives, err := set.Known()
	if err != nil {
		return r
	}
	for _, d := range drives {
		if d.Label() == label {
			return readings{d, d.Report.Peek(), d.Document.Peek()}
		}
	}
	return r
}

// drive is a drive's own page. A drive is also found by its other names, its serial
// number and its WWN.
func (p *Pages) drive(_ context.Context, r *http.Request) (page, error) {
	name := strings.TrimPrefix(r.PathValue("device"), "/dev/")
	snap := p.cfg.Overview()
	list := p.listed.of(snap)
	i := slices.IndexFunc(list, func(l listed) bool { return l.Device == name && name != "" })
	if i < 0 {
		if label := otherwise(list, name); label != "" {
			return page{to: "../" + drivePage(label)}, nil
		}
		if why := snap.Value.Errors["drives"]; why != "" && why != overview.ErrNotObserved.Error() {
			return page{}, &refused{http.StatusServiceUnavailable, "The drives are not known now", sentence(why)}
		}
		return page{}, &refused{http.StatusNotFound, "No such drive", fmt.Sprintf("There is no drive %q now. The search above finds drives by serial number, WWN, device, slot, pool and model.", text(name))}
	}
	d, known := &list[i], p.readingsOf(name)
	shown := page{
		template: "drive", key: "drive/" + name, age: time.Since(snap.Value.BuiltAt),
		made: fmt.Sprint(snap.Revision, " ", known.report.Snapshot.Revision, " ", known.document.Snapshot.Revision),
		head: head{Title: name, Current: "", Root: "../", At: snap.Value.BuiltAt, Stale: snap.Value.Stale},
		body: func() any { return driveOf(d, known) },
	}
	if s := known.report.Snapshot; known.report.Err == nil && s.Value != nil && !s.Value.NotRead {
		shown.head.At, shown.age = s.ObservedAt, s.Age
	}
	return shown, nil
}

// otherwise is the label of the one drive with another name, a serial number or a WWN.
func otherwise(list []listed, name string) (label string) {
	for _, l := range list {
		if l.Device == "" || l.Serial != name && !strings.EqualFold(l.WWN, name) && !slices.Contains(l.Paths, name) || name == "" {
			continue
		}
		if label != "" {
			return ""
		}
		label = l.Device
	}
	return label
}

func driveOf(l *listed, known readings) *driveView {
	d := l.Drive
	v := &driveView{Name: text(d.Device), State: l.State, Place: l.Place}
	if letter, _, in := strings.Cut(l.Place, ","); in {
		v.Href = "overview#enclosure-" + letter
	}
	for _, r := range d.Assessment.Reasons[:min(len(d.Assessment.Reasons), maxReasons)] {
		why, do := explain(r)
		v.Reasons = append(v.Reasons, problem{State: stateOfVerdict(r.Severity), Reason: why, Do: do})
	}
	trouble, troubled := troubleWords[d.Trouble]
	switch {
	case d.NotMonitored:
		v.Note = "Only the enclosure knows this drive: smartctl does not list it, or the configuration leaves it out."
	case troubled:
		v.Note, v.Do = trouble.why, trouble.do
	case d.Error != "":
		v.Note = sentence(d.Error)
	case l.State == asleep:
		v.Note = "The drive sleeps, and is not woken. What is shown is its last report."
	}
	for _, m := range d.Pools[:min(len(d.Pools), maxReasons)] {
		v.Pools = append(v.Pools, memberView{text(m.Pool), text(m.Vdev), text(string(m.Role)), stateOfPool(m.State)})
	}
	r := known.report.Snapshot.Value
	if known.report.Err != nil || r == nil {
		r = &report.Report{}
	}
	v.Facts = factsOf(d, r)
	if known.drive != nil {
		v.Rules, v.Unasked = rulesOf(known.drive.Examine(known.report.Snapshot.Value))
	}
	v.Attributes, v.Figures, v.Tests = attributesOf(r), figuresOf(r), testsOf(r)
	if doc := known.document; doc.Err == nil && doc.Snapshot.Value != nil {
		var cut bool
		if v.Document, cut = documentOf(*doc.Snapshot.Value); cut {
			v.Whole = "api/" + drivePage(d.Device) + "/smartctl"
		}
	}
	return v
}

// factsOf is who the drive is.
func factsOf(d *overview.Drive, r *report.Report) []fact {
	kind := ""
	if r.RotationRate != nil {
		if kind = "SSD"; *r.RotationRate > 0 {
			kind = grouped(*r.RotationRate) + " turns/min"
		}
	}
	all := []fact{
		{"Serial", text(d.Serial)}, {"Model", text(d.Model)}, {"Family", text(r.ModelFamily)}, {"Firmware", text(r.FirmwareVersion)}, {"WWN", text(d.WWN)},
		{"Names", text(strings.Join(d.Paths[:min(len(d.Paths), 64)], ", "))}, {"Protocol", joined(", ", text(d.Protocol), kind, text(r.FormFactor))},
		{"Size", present(d.CapacityBytes, bytesOf)}, {"Power mode", text(string(d.PowerMode))},
		{"Temperature", joined(", ", present(d.TemperatureCelsius, celsius), prefixed("its limit is ", present(d.TemperatureLimit, celsius)))},
		{"Power-on time", joined(", ", present(d.PowerOnSeconds, years), present(d.PowerOnSeconds, hoursOf))},
		{"Power cycles", present(r.PowerCycles, grouped)}, {"Wear", present(d.WearPercent, percent)},
		{"Spare left", present(r.SparePercent, percent)}, {"Errors", present(d.Errors, grouped)},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

// present writes a number, and nothing where there is none.
func present(n *float64, write func(float64) string) string {
	if n == nil {
		return ""
	}
	return write(*n)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// rulesOf are all rules: those that judged, the ones that spoke first, and the rest.
func rulesOf(examined []assess.Examined) (list, rest []ruleView) {
	for _, e := range examined {
		v := ruleView{Rule: e.Rule, Value: present(e.Value, figure), Limit: present(e.Limit, figure), Source: sentence(e.Source), State: ok, Says: "nothing to complain of"}
		switch {
		case e.Off:
			v.State, v.Says, v.Limit = asleep.as("off", ""), "switched off by the configuration", "off"
		case !e.Judged:
			v.State, v.Says = unknown.as("not judged", ""), "the drive does not report it"
		case len(e.Reasons) > 0:
			v.State = stateOfVerdict(e.Reasons[0].Severity)
			var says []string
			for _, r := range e.Reasons[:min(len(e.Reasons), 8)] {
				says = append(says, sentence(r.Text))
			}
			v.Says = strings.Join(says, " ")
		}
		if v.Limit == "" && e.Value != nil {
			v.Limit = "the drive's own"
		}
		v.Value, v.Limit = orDash(v.Value), orDash(v.Limit)
		if e.Judged {
			list = append(list, v)
		} else {
			rest = append(rest, v)
		}
	}
	slices.SortStableFunc(list, func(a, b ruleView) int { return cmp.Compare(a.State.rank, b.State.rank) })
	return list, rest
}

func figure(v float64) string {
	if v == float64(int64(v)) {
		return grouped(v)
	}
	return round(v)
}

func testsOf(r *report.Report) []testView {
	var list []testView
	for _, t := range r.SelfTests {
		v := testView{Type: orDash(t.Type), Result: orDash(t.Result), At: dash, State: unknown.as("no result", "")}
		if t.PowerOnHours != nil {
			v.At = grouped(*t.PowerOnHours) + " h"
		}
		if t.Passed != nil {
			v.State = ok.as("passed", "")
			if !*t.Passed {
				v.State = failing.as("failed", "")
			}
		}
		list = append(list, v)
	}
	return list
}

// documentOf is the tool's document as people read it; cut says that its end is missing.
func documentOf(raw []byte) (shown string, cut bool) {
	var compact, b bytes.Buffer
	if json.Compact(&compact, raw) != nil || json.Indent(&b, outside.PrintableJSON(compact.Bytes()), "", "  ") != nil {
		return "", false
	}
	text := b.Bytes()
	if len(text) > maxDocument {
		text, cut = text[:maxDocument], true
		for len(text) > 0 && !utf8.Valid(text[max(0, len(text)-utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
	}
	return string(text), cut
}
