package exposition

import (
	"bytes"
	"hash/crc32"
	"hash/maphash"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

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
// without a window, which costs up to a kilobyte. Where one part has as much as
// loneChunk of a family, as a drive of its attributes, that is one: else few parts
// with new snapshots would have all of the family compressed again.
const (
	minSegment = 2 << 10
	maxSegment = 256 << 10
	loneChunk  = 8 << 10
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

func (c *compressedPage) fill(p *page, last []segment) {
	texts := cut(p.chunks)
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, chunks := range texts {
			for _, b := range chunks {
				c.crc = crc32.Update(c.crc, crc32.IEEETable, b.text)
				c.size += len(b.text)
			}
		}
	})
	c.segments = compressSegments(texts, last)
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
	segments := compressSegments(cut(func(write func(chunk) error) error { return families(tail, write) }), last)
	s.mu.Lock()
	s.tail = segments
	s.mu.Unlock()
	return segments
}

// compressSegments takes the segments that the last page had from there.
func compressSegments(texts [][]chunk, last []segment) []segment {
	before := make(map[uint64][]byte, len(last))
	for _, s := range last {
		before[s.sum] = s.blocks
	}
	segments := make([]segment, len(texts))
	var changed []int
	for i, chunks := range texts {
		sums := make([]uint64, len(chunks))
		for j, c := range chunks {
			sums[j] = c.sum
		}
		sum := joinSums(sums)
		segments[i] = segment{sum, before[sum]}
		if segments[i].blocks == nil {
			changed = append(changed, i)
		}
	}
	share(len(changed), func(turns iter.Seq[int]) {
		w := deflaters.Get().(*flate.Writer)
		defer deflaters.Put(w)
		for n := range turns {
			segments[changed[n]].blocks = deflate(w, texts[changed[n]])
		}
	})
	return segments
}

// deflate compresses the chunks. It ends at a byte's border, so that more can follow.
func deflate(w *flate.Writer, chunks []chunk) []byte {
	var out bytes.Buffer
	w.Reset(&out)
	for _, c := range chunks {
		_, _ = w.Write(c.text)
	}
	_ = w.Flush() // writing to a buffer does not fail
	return bytes.Clone(out.Bytes())
}

// share has the work of n turns done by as many goroutines as there are processors,
// and waits for them.
func share(n int, work func(turns iter.Seq[int])) {
	if n == 0 {
		return
	}
	var next atomic.Int64
	turns := func(yield func(int) bool) {
		for {
			i := next.Add(1)
			if i > int64(n) || !yield(int(i-1)) {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wg.Go(func() { work(turns) })
	}
	work(turns) // one of them is the caller's own
	wg.Wait()
}

// families calls write for each family of the text.
func families(text []byte, write func(chunk) error) error {
	const help = "# HELP "
	for start := 0; start < len(text); {
		end := start
		for {
			i := bytes.Index(text[end+1:], []byte(help)) // rare: a line's end in front is not
			if i < 0 {
				end = len(text)
				break
			}
			if end += 1 + i; text[end-1] == '\n' {
				break
			}
		}
		family := text[start:end]
		if err := write(chunk{family, maphash.Bytes(seriesSeed, family)}); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// cut makes segments of a text's chunks: where families of another subject begin, by
// the first two words of their names, as those seldom change together; and where a
// segment or a chunk is long.
func cut(chunks func(write func(chunk) error) error) (segments [][]chunk) {
	subject, size := "", maxSegment
	_ = chunks(func(c chunk) error {
		if name, ok := bytes.CutPrefix(c.text, []byte("# HELP ")); ok {
			name, _, _ = bytes.Cut(name, []byte(" "))
			words := bytes.SplitN(name, []byte("_"), 3)
			if now := string(bytes.Join(words[:min(2, len(words))], []byte("_"))); now != subject {
				subject = now
				if size >= minSegment {
					size = maxSegment
				}
			}
		}
		if size >= maxSegment || len(c.text) >= loneChunk {
			segments, size = append(segments, nil), 0
		}
		segments[len(segments)-1] = append(segments[len(segments)-1], c)
		if size += len(c.text); len(c.text) >= loneChunk {
			size = maxSegment
		}
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
