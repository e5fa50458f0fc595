package exposition

import (
	"bytes"
	"hash/crc32"
	"hash/maphash"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
)

// compressedPage is a page as deflate blocks that more can follow.
type compressedPage struct {
	sums []uint64 // of the parts, in order: what the page consists of
	once sync.Once
	// Set once:
	segments []segment
	length   int    // of their blocks
	crc      uint32 // of the text
	size     int    // of the text
}

// segment is a piece of a page that is compressed by itself: at the same time as the
// others, and again only when it changes.
type segment struct {
	sum    uint64 // a hash of the text
	blocks []byte
}

// A segment is not ended before the one size and ends at the other: each begins
// without a window, which costs up to a kilobyte.
const (
	minSegment = 2 << 10
	maxSegment = 256 << 10
)

// compress compresses the page, or returns what that gave before if the page is
// the same as then. Scrapes that come together share one compression.
func (s *pages) compress(p *page) *compressedPage {
	sums := make([]uint64, 0, 64)
	for _, texts := range p.texts {
		for _, t := range texts {
			sums = append(sums, t.sum)
		}
	}
	s.mu.Lock()
	c := recall(&s.compressed,
		func(c *compressedPage) bool { return slices.Equal(c.sums, sums) },
		func() *compressedPage { return &compressedPage{sums: sums} })
	last := s.segments
	s.mu.Unlock()
	c.once.Do(func() {
		c.fill(p, last)
		s.mu.Lock()
		s.segments = c.segments
		s.mu.Unlock()
	})
	return c
}

// fill takes the segments that the last page had from there.
func (c *compressedPage) fill(p *page, last []segment) {
	segments := cut(p.chunks)
	c.segments = make([]segment, len(segments))
	var wg sync.WaitGroup
	for i, chunks := range segments {
		wg.Go(func() { c.segments[i] = compressSegment(chunks, last) })
	}
	for _, b := range slices.Concat(segments...) {
		c.crc = crc32.Update(c.crc, crc32.IEEETable, b)
		c.size += len(b)
	}
	wg.Wait()
	for i := range c.segments {
		c.length += len(c.segments[i].blocks)
	}
}

// compressTail compresses what follows the page, likewise.
func (s *pages) compressTail(tail []byte) []segment {
	s.mu.Lock()
	last := s.tail
	s.mu.Unlock()
	var segments []segment
	for _, chunks := range cut(func(write func([]byte) error) error { return families(tail, write) }) {
		segments = append(segments, compressSegment(chunks, last))
	}
	s.mu.Lock()
	s.tail = segments
	s.mu.Unlock()
	return segments
}

// families calls write for each family of the text.
func families(text []byte, write func([]byte) error) error {
	for len(text) > 0 {
		end := len(text)
		if i := bytes.Index(text, []byte("\n# HELP ")); i >= 0 {
			end = i + 1
		}
		if err := write(text[:end]); err != nil {
			return err
		}
		text = text[end:]
	}
	return nil
}

func compressSegment(chunks [][]byte, last []segment) segment {
	var hash maphash.Hash
	hash.SetSeed(seriesSeed)
	for _, b := range chunks {
		_, _ = hash.Write(b)
	}
	sum := hash.Sum64()
	if i := slices.IndexFunc(last, func(s segment) bool { return s.sum == sum }); i >= 0 {
		return last[i]
	}
	var out bytes.Buffer
	deflate(&out, func(w io.Writer) {
		for _, b := range chunks {
			_, _ = w.Write(b)
		}
	})
	return segment{sum, bytes.Clone(out.Bytes())}
}

// cut makes segments of a text's chunks: where families of another subject begin, by
// the first two words of their names, as those seldom change together; and where a
// segment is long.
func cut(chunks func(write func([]byte) error) error) (segments [][][]byte) {
	subject, size := "", maxSegment
	_ = chunks(func(b []byte) error {
		if name, ok := bytes.CutPrefix(b, []byte("# HELP ")); ok {
			name, _, _ = bytes.Cut(name, []byte(" "))
			words := bytes.SplitN(name, []byte("_"), 3)
			if now := string(bytes.Join(words[:min(2, len(words))], []byte("_"))); now != subject {
				subject = now
				if size >= minSegment {
					size = maxSegment
				}
			}
		}
		if size >= maxSegment {
			segments, size = append(segments, nil), 0
		}
		segments[len(segments)-1] = append(segments[len(segments)-1], b)
		size += len(b)
		return nil
	})
	return segments
}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is valid
	}
	return w
}}

// deflate compresses what write writes into out. It ends at a byte's border, so that
// more can follow.
func deflate(out *bytes.Buffer, write func(io.Writer)) {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(out)
	write(w)
	_ = w.Flush() // writing to a buffer does not fail
}
