package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"
)

// Every page has the strict policy and nothing that it forbids, and leads nowhere that
// is not there.
func TestPagesAreWellFormed(t *testing.T) {
	nodes := fleetRig(t, someNodes)
	r := newRig(t, host(30), func(c *Config) { c.Fleet = nodes })
	seen := map[string]bool{}
	for queue := []string{"/overview", "/drives?q=sd", "/drives/nope", "/fleet/nope"}; len(queue) > 0; queue = queue[1:] {
		path, _, _ := strings.Cut(queue[0], "#")
		if seen[path] || len(seen) > 150 {
			continue
		}
		seen[path] = true
		w := r.ask(path)
		if want := map[bool]int{false: 200, true: 404}[strings.HasSuffix(path, "/nope")]; w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
			continue
		}
		if h := w.Header(); h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		page := parsed(t, w.Body.String())
		ids := wellFormed(t, path, page)
		base, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range slices.Concat(page.all("a", ""), page.all("link", ""), page.all("script", ""), page.all("form", "")) {
			href := e.get("href") + e.get("src") + e.get("action")
			to, err := base.Parse(href)
			switch {
			case err != nil || href == "":
				t.Errorf("%s: link %q: %v", path, href, err)
			case to.Scheme == "data" || to.Host != "" || to.Path == "/metrics":
			case strings.HasPrefix(href, "#"):
				if !ids[href[1:]] {
					t.Errorf("%s: %q leads nowhere", path, href)
				}
			default:
				queue = append(queue, to.String())
			}
		}
	}
	for _, path := range []string{"/overview?show=pool", "/drives?sort=-errors", "/drives?state=failing", "/drives/sdaq", "/fleet", "/fleet/a", "/" + styleAsset.name, "/" + scriptAsset.name} {
		if !seen[path] {
			t.Errorf("nothing leads to %s", path)
		}
	}
}

// wellFormed checks what is in a page, and returns its ids.
func wellFormed(t *testing.T, path string, page document) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	headings := 0
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		e := document{Node: n}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
		}
		if id := e.get("id"); id != "" {
			if ids[id] {
				t.Errorf("%s: the id %s stands twice", path, id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "style", "iframe", "object", "embed", "base", "img":
			t.Errorf("%s: <%s>", path, n.Data)
		case "script":
			if e.get("src") == "" || e.text() != "" {
				t.Errorf("%s: inline script", path)
			}
		case "h1":
			headings++
		case "a":
			if e.text() == "" && e.get("aria-label") == "" {
				t.Errorf("%s: a link to %s without a name", path, e.get("href"))
			}
		}
	}
	if headings != 1 || len(page.all("main", "")) != 1 || len(page.all("title", "")) != 1 || len(page.all("header", "")) != 1 {
		t.Errorf("%s: %d headings of the page", path, headings)
	}
	for _, e := range page.all("", "") {
		for _, name := range []string{"aria-labelledby", "for"} {
			if to := e.get(name); to != "" && !ids[to] {
				t.Errorf("%s: %s=%q is of nothing", path, name, to)
			}
		}
	}
	return ids
}

func TestConditionalRequests(t *testing.T) {
	r := newRig(t, host(3))
	first := r.ask("/overview")
	tag := first.Header().Get("ETag")
	if got := parsed(t, first.Body.String()).all("html", "")[0].get("data-tag"); tag == "" || got != tag {
		t.Errorf("the page says %q, the header %q", got, tag)
	}
	for _, given := range []string{tag, `"x", ` + tag, strings.TrimPrefix(tag, "W/")} {
		w := r.ask("/overview", "If-None-Match", given)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Age") == "" {
			t.Errorf("%s: %d %v", given, w.Code, w.Header())
		}
	}
	for name, other := range map[string]func() string{
		"another overlay":    func() string { return "/overview?show=wear" },
		"another generation": func() string { r.show(host(3)); return "/overview" },
		"other columns":      func() string { r.columns.Store(NewColumns(map[string]int{"x": 3})); return "/overview" },
	} {
		tag := r.ask("/overview").Header().Get("ETag")
		if w := r.ask(other(), "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := r.ask("/overview?show=assessment&x=1"); w.Header().Get("ETag") != r.ask("/overview").Header().Get("ETag") {
		t.Error("the same page has two tags")
	}
	if newRig(t, host(3)).ask("/overview").Header().Get("ETag") == tag {
		t.Error("two processes have the same tag for what may differ")
	}
	if w := r.ask("/drives/nope", "If-None-Match", r.ask("/drives/nope").Header().Get("ETag")); w.Code != http.StatusNotFound {
		t.Errorf("what is not there: %d", w.Code)
	}
}

func TestCompression(t *testing.T) {
	r := newRig(t, host(78))
	plain, packed := r.ask("/overview"), r.ask("/overview", "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" || packed.Body.Len()*4 > plain.Body.Len() {
		t.Fatalf("%v, %d bytes of %d", packed.Header(), packed.Body.Len(), plain.Body.Len())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
		t.Errorf("not the same page: %v", err)
	}
}

func TestMethods(t *testing.T) {
	r := newRig(t, host(1))
	for _, path := range []string{"/overview", "/drives", "/" + styleAsset.name} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		w := httptest.NewRecorder()
		if r.mux.ServeHTTP(w, req); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
	if w := r.ask("/" + styleAsset.name); w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", w.Header())
	}
	if w := r.ask("/fleet"); w.Code != http.StatusNotFound {
		t.Errorf("without a fleet: %d", w.Code)
	}
	if strings.Contains(r.ask("/overview").Body.String(), `"fleet"`) {
		t.Error("a link leads to a fleet that is not shown")
	}
}

// A page is rendered once for all who ask, and again for the next generation.
func TestRenderedOnce(t *testing.T) {
	var r renderings
	var renders atomic.Int64
	for _, tag := range []string{"1", "1", "2"} {
		var wg, begun sync.WaitGroup
		r.making.Lock() // so that all ask before it is rendered
		for range 50 {
			begun.Add(1)
			wg.Go(func() {
				begun.Done()
				p, err := r.get("k", tag, true, func() ([]byte, error) { renders.Add(1); return []byte(tag), nil })
				if err != nil || string(p.body) != tag {
					t.Errorf("%v %v", p, err)
				}
			})
		}
		begun.Wait()
		for range 100 {
			runtime.Gosched()
		}
		r.making.Unlock()
		wg.Wait()
	}
	if n := renders.Load(); n != 2 {
		t.Errorf("rendered %d times", n)
	}
	if _, err := r.get("bad", "1", true, func() ([]byte, error) { return nil, errors.New("no") }); err == nil || r.find("bad", "1") != nil {
		t.Error("what was not rendered is kept")
	}
	rig := newRig(t, host(3))
	w := rig.ask("/overview")
	kept := rig.pages.kept.find("overview?assessment", w.Header().Get("ETag"))
	if kept == nil || !bytes.Equal(kept.body, w.Body.Bytes()) {
		t.Error("the overview is not kept")
	}
}

// What is kept has bounds, whatever is asked for.
func TestWhatIsKeptIsBounded(t *testing.T) {
	var r renderings
	page := bytes.Repeat([]byte("x"), 1<<20)
	for n := range 200 {
		_, _ = r.get(fmt.Sprint(n), "t", true, func() ([]byte, error) { return page, nil })
		_, _ = r.get("used", "t", true, func() ([]byte, error) { return page[:10], nil })
	}
	if r.bytes > maxKept || r.used.Len() != len(r.byKey) || r.used.Len() != 8 || r.find("used", "t") == nil {
		t.Errorf("%d bytes of %d pages, %d by their keys", r.bytes, r.used.Len(), len(r.byKey))
	}
	r = renderings{}
	for n := range 500 {
		_, _ = r.get(fmt.Sprint(n), "t", true, func() ([]byte, error) { return page[:10], nil })
	}
	if r.used.Len() != maxPages {
		t.Errorf("%d pages", r.used.Len())
	}
	_, _ = r.get("huge", "t", true, func() ([]byte, error) { return make([]byte, maxKept), nil })
	if r.bytes > maxKept {
		t.Errorf("%d bytes", r.bytes)
	}
	rig := newRig(t, host(78))
	rig.ask("/overview")
	for n := range 300 {
		rig.ask(fmt.Sprintf("/drives?q=%d", n))
		rig.ask(fmt.Sprintf("/drives/x%d", n))
		rig.ask(fmt.Sprintf("/overview?show=x%d&wrong=%d&y=%d", n, n, n))
		rig.ask(fmt.Sprintf("/drives?sort=x%d&state=x%d", n, n))
	}
	if n := rig.pages.kept.used.Len(); n != 2 {
		t.Errorf("%d pages are kept, want the overview and the list of drives", n)
	}
}
