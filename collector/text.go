package collector

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"log/slog"
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
	*family
	desc   *prometheus.Desc
	header []byte // the HELP and TYPE lines
	// order lists the labels as they are written: sorted by name, as
	// client_golang does.
	order []int
	// before[i] is written before the i-th label value, and the last one
	// before the sample's value.
	before []string
}

// newTextFamily panics if a name is not valid in every format and version:
// names are written in our code, never made of what comes from outside.
func newTextFamily(f *family) *textFamily {
	if !model.LegacyValidation.IsValidMetricName(f.name) {
		panic(fmt.Sprintf("invalid metric name %q", f.name))
	}
	help := clean(f.help)
	t := &textFamily{family: f, desc: prometheus.NewDesc(f.name, help, f.labels, nil)}
	for i, l := range f.labels {
		if !model.LegacyValidation.IsValidLabelName(l) || strings.HasPrefix(l, "__") || slices.Contains(f.labels[:i], l) {
			panic(fmt.Sprintf("invalid label name %q of %s", l, f.name))
		}
		t.order = append(t.order, i)
	}
	slices.SortFunc(t.order, func(a, b int) int { return strings.Compare(f.labels[a], f.labels[b]) })

	kind := "untyped"
	switch f.kind {
	case prometheus.CounterValue:
		kind = "counter"
	case prometheus.GaugeValue:
		kind = "gauge"
	}
	h := append(append([]byte("# HELP "), f.name...), ' ')
	h = appendEscaped(h, help, false)
	t.header = append(h, "\n# TYPE "+f.name+" "+kind+"\n"...)

	if len(f.labels) == 0 {
		t.before = []string{f.name + " "}
		return t
	}
	start := f.name + "{"
	for _, i := range t.order {
		t.before = append(t.before, start+f.labels[i]+`="`)
		start = `",`
	}
	t.before = append(t.before, `"} `)
	return t
}

// appendSeries appends a line up to the sample's value. There must be a label
// value for each label.
func (f *textFamily) appendSeries(b []byte, labelValues []string) ([]byte, seriesID) {
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
	if !utf8.ValidString(s) {
		s = clean(s)
	}
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

// partText is the encoded series of one part. It is never changed.
type partText struct {
	version any
	// sum is a hash of text: texts of the same sum are the same, with the
	// certainty of a seriesID.
	sum uint64
	// text has the lines of all families, one after the other.
	text []byte
	ends []uint32 // where each family of the collector ends in text
	// series has the id of each line. Versions of a part that differ only in
	// the samples' values share it.
	series *[]seriesID
}

// family is the lines of the collector's i-th family.
func (p *partText) family(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.text[start:p.ends[i]]
}

// without leaves out lines by number, which must be in order, and returns the
// last of them too. What is left has the sum of the whole: on pages of the same
// texts the same lines are left out.
func (p *partText) without(lines []int) (q *partText, dropped string) {
	q = &partText{sum: p.sum, ends: make([]uint32, len(p.ends))}
	n := 0
	for i := range p.ends {
		for line := range bytes.Lines(p.family(i)) {
			if len(lines) > 0 && lines[0] == n {
				lines = lines[1:]
				dropped = string(bytes.TrimSuffix(line, []byte("\n")))
			} else {
				q.text = append(q.text, line...)
			}
			n++
		}
		q.ends[i] = uint32(len(q.text))
	}
	return q, dropped
}

// encoder encodes the parts of one collector and remembers the text of those
// that the last read had. It is not safe for concurrent use.
type encoder struct {
	collector *Collector
	texts     map[string]*partText // by part id

	// What the part that emits now has sent so far, by family; scratch.
	lines   [][]byte
	series  [][]seriesID
	invalid int
}

func newEncoder(c *Collector) encoder {
	return encoder{
		collector: c,
		lines:     make([][]byte, len(c.families)),
		series:    make([][]seriesID, len(c.families)),
	}
}

// encoded is what one read came to.
type encoded struct {
	texts   []*partText
	invalid int // series that were dropped, in parts that were encoded anew
	panics  int // parts that are left out
}

func (e *encoder) encode(parts []part, logger *slog.Logger) encoded {
	out := encoded{texts: make([]*partText, 0, len(parts))}
	texts := make(map[string]*partText, len(parts))
	for i := range parts {
		p := &parts[i]
		old := e.texts[p.id]
		_, again := texts[p.id]
		if !again && old != nil && p.version != nil && old.version == p.version {
			texts[p.id] = old
			out.texts = append(out.texts, old)
			continue
		}
		e.reset()
		if !e.collector.emit(p, e, logger) {
			out.panics++
			continue
		}
		t := e.text(p.version, old)
		out.invalid += e.invalid
		out.texts = append(out.texts, t)
		if again {
			t = nil // the id is not unique: whose text it is could not be told
		}
		texts[p.id] = t
	}
	e.texts = texts
	return out
}

func (e *encoder) reset() {
	for i := range e.lines {
		e.lines[i] = e.lines[i][:0]
		e.series[i] = e.series[i][:0]
	}
	e.invalid = 0
}

// add implements sink.
func (e *encoder) add(f *family, value float64, labelValues ...string) {
	i, ok := e.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) {
		e.invalid++
		return
	}
	line, id := e.collector.families[i].appendSeries(e.lines[i], labelValues)
	e.lines[i] = append(appendValue(line, value), '\n')
	e.series[i] = append(e.series[i], id)
}

// text is what was sent since reset; old is the part's text so far, or nil.
func (e *encoder) text(version any, old *partText) *partText {
	size, lines := 0, 0
	for i := range e.lines {
		size += len(e.lines[i])
		lines += len(e.series[i])
	}
	t := &partText{
		version: version,
		text:    make([]byte, 0, size),
		ends:    make([]uint32, len(e.lines)),
	}
	series := make([]seriesID, 0, lines)
	for i := range e.lines {
		t.text = append(t.text, e.lines[i]...)
		t.ends[i] = uint32(len(t.text))
		series = append(series, e.series[i]...)
	}
	t.sum = maphash.Bytes(seriesSeed, t.text)
	if old != nil && slices.Equal(*old.series, series) {
		t.series = old.series
	} else {
		t.series = &series
	}
	return t
}
