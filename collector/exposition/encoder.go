package exposition

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"log/slog"
	"slices"
	"sync/atomic"
)

// partText is the encoded series of one part. It is never changed.
type partText struct {
	version any
	// text has the lines of all families, one after the other.
	text []byte
	ends []uint32 // where each family of the collector ends in text
	// sums are hashes of each family's lines, and sum is one of them all: texts of
	// the same sum are the same, with the certainty of a seriesID.
	sums []uint64
	sum  uint64
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

// hash sets the sums.
func (p *partText) hash() {
	p.sums = make([]uint64, len(p.ends))
	for i := range p.sums {
		p.sums[i] = maphash.Bytes(seriesSeed, p.family(i))
	}
	p.sum = joinSums(p.sums)
}

// joinSums is one hash of several.
func joinSums(sums []uint64) uint64 {
	b := make([]byte, 0, 512)
	for _, sum := range sums {
		b = binary.LittleEndian.AppendUint64(b, sum)
	}
	return maphash.Bytes(seriesSeed, b)
}

// without leaves out lines by number, which must be in order, and returns the
// last of them too.
func (p *partText) without(lines []int) (q *partText, dropped string) {
	q = &partText{ends: make([]uint32, len(p.ends))}
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
	q.hash()
	return q, dropped
}

// encoder encodes the parts of one collector and remembers the text of those
// that the last read had. It is not safe for concurrent use.
type encoder struct {
	collector *Collector
	texts     map[string]*partText // by part id, where that is unique
	last      []Part               // those of the last read, without Emit
	encoded   encoded              // what they came to
}

// encoded is what one read came to.
type encoded struct {
	texts   []*partText
	invalid int // series that were dropped, in parts that were encoded anew
	panics  int // parts that are left out
}

// encode encodes what has changed since the last read, several parts at once.
func (e *encoder) encode(parts []Part, logger *slog.Logger) encoded {
	if e.encoded.panics == 0 && slices.EqualFunc(parts, e.last, func(p, q Part) bool {
		return p.ID == q.ID && p.Version != nil && p.Version == q.Version
	}) {
		return encoded{texts: e.encoded.texts}
	}
	texts := make([]*partText, len(parts))
	named := make(map[string]int, len(parts)) // how many parts have the id
	var changed []int
	e.last = e.last[:0]
	for i, p := range parts {
		old := e.texts[p.ID]
		if old != nil && named[p.ID] == 0 && p.Version != nil && old.version == p.Version {
			texts[i] = old
		} else {
			changed = append(changed, i)
		}
		named[p.ID]++
		e.last = append(e.last, Part{ID: p.ID, Version: p.Version})
	}
	out := e.emit(parts, changed, texts, logger)
	out.texts = make([]*partText, 0, len(parts))
	e.texts = make(map[string]*partText, len(parts))
	for i := range parts {
		t, id := texts[i], parts[i].ID
		if t == nil {
			continue
		}
		out.texts = append(out.texts, t)
		if named[id] == 1 {
			e.texts[id] = t
		}
	}
	e.encoded = out
	return out
}

// emit fills in the texts of the parts that changed. One that panics has none.
func (e *encoder) emit(parts []Part, changed []int, texts []*partText, logger *slog.Logger) encoded {
	var invalid, panics atomic.Int64
	share(len(changed), func(turns iter.Seq[int]) {
		s := newTextSink(e.collector)
		for n := range turns {
			i := changed[n]
			s.reset()
			if !e.collector.emit(&parts[i], s, logger) {
				panics.Add(1)
				continue
			}
			texts[i] = s.text(parts[i].Version, e.texts[parts[i].ID])
			invalid.Add(int64(s.invalid))
		}
	})
	return encoded{invalid: int(invalid.Load()), panics: int(panics.Load())}
}

// textSink is what one part after the other emits into.
type textSink struct {
	collector *Collector
	lines     [][]byte // by family
	series    [][]seriesID
	invalid   int
}

func newTextSink(c *Collector) *textSink {
	return &textSink{collector: c, lines: make([][]byte, len(c.families)), series: make([][]seriesID, len(c.families))}
}

func (s *textSink) reset() {
	for i := range s.lines {
		s.lines[i] = s.lines[i][:0]
		s.series[i] = s.series[i][:0]
	}
	s.invalid = 0
}

// Add implements Sink.
func (s *textSink) Add(f *Family, value float64, labelValues ...string) {
	i, ok := s.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) || f.bounds != nil {
		s.invalid++
		return
	}
	s.line(i, 0, value, labelValues)
}

// AddHistogram implements Sink.
func (s *textSink) AddHistogram(f *Family, h *Distribution, labelValues ...string) {
	i, ok := s.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) || f.bounds == nil || len(h.UpTo) != len(f.bounds) {
		s.invalid++
		return
	}
	for n, v := range h.UpTo {
		s.line(i, n, float64(v), labelValues)
	}
	n := len(h.UpTo)
	s.line(i, n, float64(h.Count), labelValues)
	s.line(i, n+1, h.Sum, labelValues)
	s.line(i, n+2, float64(h.Count), labelValues)
}

// line adds the n-th line of a series of the i-th family.
func (s *textSink) line(i, n int, value float64, labelValues []string) {
	line, id := s.collector.families[i].lines[n].appendSeries(s.lines[i], labelValues)
	s.lines[i] = append(appendValue(line, value), '\n')
	s.series[i] = append(s.series[i], id)
}

// text is what was sent since reset; old is the part's text so far, or nil.
func (s *textSink) text(version any, old *partText) *partText {
	size, lines := 0, 0
	for i := range s.lines {
		size += len(s.lines[i])
		lines += len(s.series[i])
	}
	t := &partText{
		version: version,
		text:    make([]byte, 0, size),
		ends:    make([]uint32, len(s.lines)),
	}
	series := make([]seriesID, 0, lines)
	for i := range s.lines {
		t.text = append(t.text, s.lines[i]...)
		t.ends[i] = uint32(len(t.text))
		series = append(series, s.series[i]...)
	}
	t.hash()
	if old != nil && slices.Equal(*old.series, series) {
		t.series = old.series
	} else {
		t.series = &series
	}
	return t
}
