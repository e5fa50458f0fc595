// Package web is the page for people: what is wrong, where it is and what to do, from
// snapshots alone. What drives, proxies and other hosts say is shown as text, never
// trusted.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"storage_exporter/cache"
	"storage_exporter/event"
	"storage_exporter/fleet"
	"storage_exporter/internal/inbound"
	"storage_exporter/internal/outside"
	"storage_exporter/overview"
	"storage_exporter/smart"
)

// Config is what the pages are made of.
type Config struct {
	Host    string // as people know it
	Note    string // beside the host's name; empty for none
	Metrics string // the path of the metrics
	// Overview is what is known of everything; it does not wait.
	Overview func() cache.Snapshot[overview.Overview]
	// Drives are those observed now; nil: drives are not observed.
	Drives func() *smart.Drives
	// NoDrives says that nothing here knows of drives: neither they nor enclosures are
	// observed.
	NoDrives bool
	// Events are the changes of state that were sent; nil: they are not shown.
	Events func(ctx context.Context, f event.Filter, before string, n int) (event.Page, error)
	// Fleet is all hosts that share the store; nil: they are not shown.
	Fleet *fleet.Reader
	// Columns are those of enclosures; a reload may exchange them. It returns nil where
	// none are given.
	Columns func() *Columns
	Logger  *slog.Logger
}

// maxNote bounds a note, in bytes.
const maxNote = 40

// CheckNote says what is wrong with a note.
func CheckNote(s string) error {
	switch {
	case len(s) > maxNote:
		return fmt.Errorf("must have at most %d bytes, and has %d", maxNote, len(s))
	case s != outside.Printable(s) || strings.TrimFunc(s, unicode.IsSpace) != s:
		return errors.New("must be a word or two that print, without blanks around them")
	}
	return nil
}

// Pages serves the pages.
type Pages struct {
	cfg    Config
	nonce  string // distinguishes this process's generations from those of others
	kept   renderings
	recent recentEvents
	listed newestList
}

// New makes the pages.
func New(cfg Config) *Pages {
	p := &Pages{cfg: cfg, nonce: rand.Text()}
	if cfg.Columns == nil {
		p.cfg.Columns = func() *Columns { return nil }
	}
	return p
}

// Mux is where handlers are registered, as with an http.ServeMux.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Register adds the pages and what they use to mux.
func (p *Pages) Register(mux Mux) {
	mux.Handle("/overview", p.serve(p.overview))
	if !p.cfg.NoDrives {
		mux.Handle("/drives", p.serve(p.drives))
		mux.Handle("/drives/{device}", p.serve(p.drive))
	}
	if p.cfg.Fleet != nil {
		mux.Handle("/fleet", p.serve(p.fleet))
		mux.Handle("/fleet/{node}", p.serve(p.node))
	}
	for _, a := range []*asset{styleAsset, scriptAsset} {
		mux.Handle("/"+a.name, inbound.ReadOnly(a))
	}
}

// IsPage says whether a path is that of a page, or of what pages use.
func IsPage(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == "overview" || first == "drives" || first == "fleet" || first == "assets"
}

// page is what an address shows.
type page struct {
	template string
	head     head
	// key is what of the address is shown, and made what it is made of: the same two
	// make the same page. age is that of what it is made of.
	key, made string
	age       time.Duration
	status    int    // 200 if 0
	once      bool   // it is not kept: anybody can think up its key
	to        string // where the page is instead; empty: here
	body      func() any
}

// handler says what an address shows, or why there is nothing.
type handler func(ctx context.Context, r *http.Request) (page, error)

// policy is for the pages and what they use: our script and our style, no others; the
// search goes to us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// setPolicy says what a browser may do. Who sets a policy in --web.config.file knows
// better.
func setPolicy(h http.Header) {
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", policy)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// timeout bounds how long a page may wait for the store.
const timeout = 10 * time.Second

// serve runs a handler: GET and HEAD only, with a deadline. An error or a panic becomes
// a page that says so.
func (p *Pages) serve(h handler) http.Handler {
	return inbound.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		defer func() {
			if v := recover(); v != nil {
				p.cfg.Logger.Error("page panicked", "path", outside.Text(r.URL.Path), "err", fmt.Sprint(v))
				inbound.Problem{Status: http.StatusInternalServerError, Title: "Internal error"}.Write(w)
			}
		}()
		shown, err := h(ctx, r)
		if err != nil {
			shown = p.refusal(err, r)
		}
		if shown.to != "" {
			setPolicy(w.Header())
			w.Header().Set("Location", shown.to) // as it is: a proxy may have put us below a path
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		p.answer(w, r, shown)
	}))
}

// answer sends a page, or says that the client has it.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request, shown page) {
	tag := p.tag(&shown)
	h := w.Header()
	setPolicy(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Age", strconv.Itoa(max(int(shown.age/time.Second), 0)))
	h.Set("ETag", tag)
	if shown.status == 0 && has(r, tag) {
		h.Del("Content-Type")
		h.Add("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, err := p.kept.get(shown.key, tag, !shown.once, func() ([]byte, error) { return p.render(&shown, tag) })
	if err != nil {
		p.cfg.Logger.Error("page not rendered", "path", outside.Text(r.URL.Path), "err", err)
		inbound.Problem{Status: http.StatusInternalServerError, Title: "Internal error"}.Write(w)
		return
	}
	status := shown.status
	if status == 0 {
		status = http.StatusOK
	}
	body.send(w, r, status)
}

// tag is the page's entity tag: weak, as it is the same whether compressed or not.
func (p *Pages) tag(shown *page) string {
	sum := sha256.Sum256([]byte(p.nonce + "\x00" + shown.key + "\x00" + shown.made))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// has is whether the client has what has the tag.
func has(r *http.Request, tag string) bool {
	for _, header := range r.Header.Values("If-None-Match") {
		for given := range strings.SplitSeq(header, ",") {
			if strings.TrimPrefix(strings.TrimSpace(given), "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}

func (p *Pages) render(shown *page, tag string) ([]byte, error) {
	view := struct {
		Head head
		Body any
	}{p.headOf(shown, tag), shown.body()}
	var b bytes.Buffer
	if err := templates[shown.template].ExecuteTemplate(&b, "page", view); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// overview is the page of this host.
func (p *Pages) overview(ctx context.Context, r *http.Request) (page, error) {
	a := askedOf(r.URL.Query())
	snap, columns := p.cfg.Overview(), p.cfg.Columns()
	events, read := p.newestEvents(ctx)
	o := snap.Value
	return page{
		template: "overview", key: "overview?" + a.key(), made: fmt.Sprint(snap.Revision, " ", columns.mark(), " ", read),
		age:  time.Since(o.BuiltAt),
		head: head{Title: "Overview", Current: "overview", At: o.BuiltAt, Stale: o.Stale},
		body: func() any {
			v := viewOf(o, "overview", a, columns, drivePage)
			v.Events = events
			return v
		},
	}, nil
}
