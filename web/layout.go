package web

import (
	"cmp"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates are those of the pages, by name, each with what all have in common.
var templates = parseTemplates("overview", "drives", "drive", "fleet", "message")

func parseTemplates(names ...string) map[string]*template.Template {
	all := make(map[string]*template.Template, len(names))
	for _, name := range names {
		t := template.New(name).Funcs(template.FuncMap{"link": link, "dict": dict})
		all[name] = template.Must(t.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html"))
	}
	return all
}

// link is an address as the page at a root has it: one below the root, one on the page,
// or one of another host.
func link(root, href string) string {
	if strings.HasPrefix(href, "#") || strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://") {
		return href
	}
	return root + href
}

var errDict = errors.New("a name and a value are wanted")

// dict gives a template more than one value.
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, isName := pairs[i].(string)
		if !isName {
			return nil, errDict
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// head is what all pages have.
type head struct {
	Title   string
	Current string // which of the ways
	Root    string // the way to the root: "", or "../" once for each folder
	Query   string // what is searched for
	Search  bool   // there is something to search
	At      time.Time
	Stale   bool
	Still   bool // the page does not change

	Host, Note    string
	Tag           string
	Style, Script string
	Ways          []choice
}

// Time and Machine are when the data was put together, for people and for programs.
func (h head) Time() string { return h.At.UTC().Format("15:04:05 UTC") }

// Machine is that time for programs.
func (h head) Machine() string { return h.At.UTC().Format(time.RFC3339) }

// headOf completes the head of a page.
func (p *Pages) headOf(shown *page, tag string) head {
	h := shown.head
	h.Host, h.Note, h.Tag = text(p.cfg.Host), p.cfg.Note, tag
	h.Style, h.Script = h.Root+styleAsset.name, h.Root+scriptAsset.name
	way := func(title, href string) {
		h.Ways = append(h.Ways, choice{title, h.Root + href, h.Current != "" && h.Current == href})
	}
	way("Overview", "overview")
	if h.Search = !p.cfg.NoDrives; h.Search {
		way("Drives", "drives")
	}
	if p.cfg.Fleet != nil {
		way("Fleet", "fleet")
	}
	if p.cfg.Metrics != "" {
		way("Metrics", cmp.Or(strings.TrimPrefix(p.cfg.Metrics, "/"), "./"))
	}
	return h
}

// messageView is a page that says why there is no other.
type messageView struct{ Title, Text string }

// refused is why a page is not shown, as people read it.
type refused struct {
	status      int
	title, text string
}

// Error is the reason.
func (r *refused) Error() string { return r.title + ": " + r.text }

// refusal is the page for an error.
func (p *Pages) refusal(err error, r *http.Request) page {
	why := &refused{http.StatusServiceUnavailable, "Not known now", sentence(err.Error())}
	if !errors.As(err, &why) {
		p.cfg.Logger.Debug("page not shown", "err", err)
	}
	root := strings.Repeat("../", max(strings.Count(r.URL.EscapedPath(), "/")-1, 0))
	return page{
		template: "message", key: "message", made: why.title + why.text, status: why.status, once: true,
		head: head{Title: why.title, Root: root, At: time.Now(), Still: why.status == http.StatusNotFound},
		body: func() any { return messageView{why.title, text(why.text)} },
	}
}
