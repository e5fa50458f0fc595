package exposition

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"storage_exporter/internal/inbound"
)

// ServeHTTP serves a scrape, whatever the method. It never fails because of what a collector does:
// what is not ready in time is left out, and its success is 0.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := e.layout.Load()
	collectors, own, err := asked(l, r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := e.scrapeContext(r)
	defer cancel()
	outcomes := e.gather(ctx, l, collectors)
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}

	format := formatFor(r)
	if format.FormatType() != expfmt.TypeTextPlain {
		e.serveFamilies(w, r, l, collectors, own, outcomes)
		return
	}
	e.serveText(w, r, format, l, collectors, own, outcomes)
}

// WantsText is whether a scrape is answered in text. That is what is kept from one
// scrape to the next; other formats are made anew and cost many times as much.
func WantsText(r *http.Request) bool { return formatFor(r).FormatType() == expfmt.TypeTextPlain }

// formatFor is what the client takes. OpenMetrics is not among the formats: it wants
// _total at the end of a counter's name, and smartctl_exporter's have none, so that they
// would be renamed for whoever asks for it.
func formatFor(r *http.Request) expfmt.Format {
	return expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
}

// serveFamilies serves the formats other than text, which are made of metric
// families.
func (e *Exporter) serveFamilies(w http.ResponseWriter, r *http.Request, l *layout, collectors []int, own bool, outcomes []outcome) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(&scrape{layout: l, collectors: collectors, outcomes: outcomes, metrics: e.cfg.Metrics, logger: e.cfg.Logger})
	gatherers := prometheus.Gatherers{reg}
	if own {
		gatherers = append(gatherers, e.gatherer...)
	}
	promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(e.cfg.Logger.Handler(), slog.LevelDebug),
	}).ServeHTTP(w, r)
}

// serveText joins the encoded series of the parts, and adds what changes with
// every scrape.
func (e *Exporter) serveText(w http.ResponseWriter, r *http.Request, format expfmt.Format, l *layout, collectors []int, own bool, outcomes []outcome) {
	p := &page{layout: l, texts: make([][]*partText, len(l.collectors))}
	for _, i := range collectors {
		p.texts[i] = outcomes[i].texts
	}
	for i, d := range e.pages.dedupe(p) {
		if d.series > 0 {
			name := l.collectors[i].Name()
			e.cfg.Metrics.dropped.WithLabelValues(name, droppedDuplicate).Add(float64(d.series))
			e.cfg.Logger.Log(r.Context(), e.level("collector "+name), "duplicate series are left out", "collector", name, "dropped", d.series, "example", d.example)
		}
	}
	tail := buffers.Get().(*bytes.Buffer)
	defer putBuffer(tail)
	writeOutcomes(tail, l, collectors, outcomes)
	if own {
		e.writeOwn(r.Context(), tail, l)
	}

	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Add("Vary", "Accept")
	header.Add("Vary", "Accept-Encoding")
	if inbound.AcceptsGzip(r.Header) {
		header.Set("Content-Encoding", "gzip")
		e.writeGzip(w, p, tail.Bytes())
		return
	}
	header.Set("Content-Length", strconv.Itoa(p.size()+tail.Len()))
	if r.Method == http.MethodHead {
		return
	}
	inbound.Made(w) // what is sent belongs to all scrapes
	send(w, func(out *bufio.Writer) {
		_ = p.chunks(func(c chunk) error { _, err := out.Write(c.text); return err })
		_, _ = out.Write(tail.Bytes())
	})
}

// send writes in large pieces. An error means that the client is gone: nobody is
// left to read it.
func send(w io.Writer, write func(*bufio.Writer)) {
	out := writers.Get().(*bufio.Writer)
	out.Reset(w)
	write(out)
	_ = out.Flush()
	out.Reset(io.Discard)
	writers.Put(out)
}

// writeGzip writes one gzip member (RFC 1952): the blocks of the page and those of
// the tail, of which what stays the same is kept.
func (e *Exporter) writeGzip(w http.ResponseWriter, p *page, tail []byte) {
	const start = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff" // deflate, no time, fastest, unknown system
	end := []byte{3, 0}                                      // a last block, which is empty
	head, after := e.pages.compress(p), e.pages.compressTail(tail)
	end = binary.LittleEndian.AppendUint32(end, crc32.Update(head.crc, crc32.IEEETable, tail))
	end = binary.LittleEndian.AppendUint32(end, uint32(head.size+len(tail)))
	length := len(start) + head.length + len(end)
	for i := range after {
		length += len(after[i].blocks)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	inbound.Made(w)
	send(w, func(out *bufio.Writer) {
		_, _ = out.WriteString(start)
		for _, s := range slices.Concat(head.segments, after) {
			_, _ = out.Write(s.blocks)
		}
		_, _ = out.Write(end)
	})
}

// writeOutcomes writes the families about the scrape.
func writeOutcomes(out *bytes.Buffer, l *layout, collectors []int, outcomes []outcome) {
	var b []byte
	for _, f := range []*textFamily{durationFamily, successFamily} {
		if len(collectors) > 0 {
			b = append(b, f.header...)
		}
		for _, i := range collectors {
			b, _ = f.appendSeries(b, []string{l.collectors[i].Name()})
			b = append(appendValue(b, outcomes[i].value(f)), '\n')
		}
	}
	out.Write(b)
}

// writeOwn writes the exporter's own families.
func (e *Exporter) writeOwn(ctx context.Context, out *bytes.Buffer, l *layout) {
	written := make(map[string]bool)
	taken := func(name string) bool {
		clash := written[name] || l.has(name)
		if clash { // a second block of the same family would make the page invalid
			e.cfg.Logger.Log(ctx, e.level("family "+name), "own metric family has the name of another", "family", name)
		}
		written[name] = true
		return clash
	}
	for _, own := range e.own {
		if err := own.appendTo(out, taken); err != nil {
			e.cfg.Logger.Log(ctx, e.level("own metrics"), "own metrics are incomplete", "err", err)
		}
	}
}

// value is the outcome's value in one of the families about the scrape.
func (o *outcome) value(f *textFamily) float64 {
	switch {
	case f == durationFamily:
		return o.elapsed.Seconds()
	case o.complete && o.ok:
		return 1
	}
	return 0
}

var (
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(io.Discard, 32<<10) }}
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// putBuffer gives a buffer back, unless it has grown beyond what is worth
// keeping.
func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		b.Reset()
		buffers.Put(b)
	}
}
