package exposition

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// seriesID stands for a series' name and label set within this process. Two
// different ones of a page of a million series are the same by chance once in
// ten million pages; nobody outside can bring that about, as the seed is random.
type seriesID uint64

var seriesSeed = maphash.MakeSeed()

// textFamily is a family with the constant text of its lines, as in the text
// exposition format 0.0.4.
type textFamily struct {
	*Family
	desc   *prometheus.Desc
	header []byte // the HELP and TYPE lines
	// headerSum is a hash of header, as partText's.
	headerSum uint64
	// lines are those that a series has: one, or of a histogram one for each
	// bucket, then the sum and the count.
	lines []textLine
}

// textLine is the constant text of a line.
type textLine struct {
	// order lists the labels as they are written: sorted by name, as
	// client_golang does.
	order []int
	// before[i] is written before the i-th label value, and the last one
	// before the sample's value.
	before []string
}

// newTextFamily panics if a name is not valid in every format and version:
// names are written in our code, never made of what comes from outside.
func newTextFamily(f *Family) *textFamily {
	if !model.LegacyValidation.IsValidMetricName(f.name) {
		panic(fmt.Sprintf("invalid metric name %q", f.name))
	}
	help := clean(f.help)
	t := &textFamily{Family: f, desc: prometheus.NewDesc(f.name, help, f.labels, nil)}
	for i, l := range f.labels {
		if !model.LegacyValidation.IsValidLabelName(l) || strings.HasPrefix(l, "__") || slices.Contains(f.labels[:i], l) || f.bounds != nil && l == model.BucketLabel {
			panic(fmt.Sprintf("invalid label name %q of %s", l, f.name))
		}
	}

	h := append(append([]byte("# HELP "), f.name...), ' ')
	h = appendEscaped(h, help, false)
	t.header = append(h, "\n# TYPE "+f.name+" "+f.typeName()+"\n"...)
	t.headerSum = maphash.Bytes(seriesSeed, t.header)

	if f.bounds == nil {
		t.lines = []textLine{newTextLine(f.name, f.labels, "")}
		return t
	}
	for _, bound := range append(slices.Clone(f.bounds), math.Inf(1)) {
		le := `le="` + strconv.FormatFloat(bound, 'g', -1, 64) + `"`
		t.lines = append(t.lines, newTextLine(f.name+"_bucket", f.labels, le))
	}
	t.lines = append(t.lines, newTextLine(f.name+"_sum", f.labels, ""), newTextLine(f.name+"_count", f.labels, ""))
	return t
}

// newTextLine makes the text of a line whose last label may be fixed.
func newTextLine(name string, labels []string, last string) textLine {
	l := textLine{order: make([]int, len(labels))}
	for i := range labels {
		l.order[i] = i
	}
	slices.SortFunc(l.order, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	start := name + "{"
	for _, i := range l.order {
		l.before = append(l.before, start+labels[i]+`="`)
		start = `",`
	}
	switch {
	case len(labels) == 0 && last == "":
		start = name + " "
	case len(labels) == 0:
		start += last + "} "
	case last == "":
		start = `"} `
	default:
		start += last + "} "
	}
	l.before = append(l.before, start)
	return l
}

// appendSeries appends the first line of a series; see textLine.
func (f *textFamily) appendSeries(b []byte, labelValues []string) ([]byte, seriesID) {
	return f.lines[0].appendSeries(b, labelValues)
}

// appendSeries appends a line up to the sample's value. There must be a label
// value for each label.
func (f *textLine) appendSeries(b []byte, labelValues []string) ([]byte, seriesID) {
	start := len(b)
	for i, l := range f.order {
		b = append(b, f.before[i]...)
		b = appendEscaped(b, labelValues[l], true)
	}
	b = append(b, f.before[len(f.order)]...)
	return b, seriesID(maphash.Bytes(seriesSeed, b[start:]))
}

// appendEscaped escapes as the text format has it: a label value with quotes,
// a HELP text without. What is not UTF-8 is replaced.
func appendEscaped(b []byte, s string, quotes bool) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendSpecial(b, s, quotes)
		}
	}
	return append(b, s...) // nearly always
}

func appendSpecial(b []byte, s string, quotes bool) []byte {
	s = clean(s)
	from := 0
	for i := range len(s) {
		var escaped string
		switch c := s[i]; {
		case c == '\\':
			escaped = `\\`
		case c == '\n':
			escaped = `\n`
		case c == '"' && quotes:
			escaped = `\"`
		default:
			continue
		}
		b = append(b, s[from:i]...)
		b = append(b, escaped...)
		from = i + 1
	}
	return append(b, s[from:]...)
}

// appendValue writes a sample's value as expfmt does.
func appendValue(b []byte, v float64) []byte {
	if v == 0 {
		return append(b, '0') // no minus before a zero
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
