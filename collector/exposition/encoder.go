package exposition

import (
	"bytes"
	"hash/maphash"
	"log/slog"
	"slices"
)

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
	texts     map[string]*partText // by part id; nil where the id is not unique
	last      []Part               // those of the last read, without Emit
	encoded   encoded              // what they came to

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

func (e *encoder) encode(parts []Part, logger *slog.Logger) encoded {
	if e.encoded.panics == 0 && slices.EqualFunc(parts, e.last, func(p, q Part) bool {
		return p.ID == q.ID && p.Version != nil && p.Version == q.Version
	}) {
		return encoded{texts: e.encoded.texts}
	}
	out := encoded{texts: make([]*partText, 0, len(parts))}
	texts := make(map[string]*partText, len(parts))
	e.last = e.last[:0]
	for i := range parts {
		p := &parts[i]
		e.last = append(e.last, Part{ID: p.ID, Version: p.Version})
		old := e.texts[p.ID]
		_, again := texts[p.ID]
		if !again && old != nil && p.Version != nil && old.version == p.Version {
			texts[p.ID] = old
			out.texts = append(out.texts, old)
			continue
		}
		e.reset()
		if !e.collector.emit(p, e, logger) {
			out.panics++
			continue
		}
		t := e.text(p.Version, old)
		out.invalid += e.invalid
		out.texts = append(out.texts, t)
		if again {
			t = nil // the id is not unique: the text may be either part's
		}
		texts[p.ID] = t
	}
	e.texts, e.encoded = texts, out
	return out
}

func (e *encoder) reset() {
	for i := range e.lines {
		e.lines[i] = e.lines[i][:0]
		e.series[i] = e.series[i][:0]
	}
	e.invalid = 0
}

// Add implements Sink.
func (e *encoder) Add(f *Family, value float64, labelValues ...string) {
	i, ok := e.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) || f.bounds != nil {
		e.invalid++
		return
	}
	e.line(i, 0, value, labelValues)
}

// AddHistogram implements Sink.
func (e *encoder) AddHistogram(f *Family, h *Distribution, labelValues ...string) {
	i, ok := e.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) || f.bounds == nil || len(h.UpTo) != len(f.bounds) {
		e.invalid++
		return
	}
	for n, v := range h.UpTo {
		e.line(i, n, float64(v), labelValues)
	}
	n := len(h.UpTo)
	e.line(i, n, float64(h.Count), labelValues)
	e.line(i, n+1, h.Sum, labelValues)
	e.line(i, n+2, float64(h.Count), labelValues)
}

// line adds the n-th line of a series of the i-th family.
func (e *encoder) line(i, n int, value float64, labelValues []string) {
	line, id := e.collector.families[i].lines[n].appendSeries(e.lines[i], labelValues)
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
