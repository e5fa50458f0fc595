package web

import (
	"net/url"
	"strings"
	"time"

	"storage_exporter/event"
	"storage_exporter/overview"
)

// maxEnclosures and maxPools bound what a page shows.
const maxEnclosures, maxPools = 500, 200

// overviewView is what the overview's template shows, of this host or of a node.
type overviewView struct {
	wrongView
	Path      string    // of the page, from the root
	Node      *nodeHead // nil: this host's own
	Counts    []count
	Show      overlay
	Overlays  []choice
	Legend    string // of the steps
	Pools     []poolView
	Marks     []poolMark // the legend of the pools; nil: another overlay is shown
	Enclosure []enclosureView
	Outside   []tile
	OutsideN  int
	Volumes   []volumeView
	Proxies   []proxyView
	Events    *eventsView // nil: they are not shown
}

// Steps are those of heat.
func (v *overviewView) Steps() [5]struct{} { return [5]struct{}{} }

// count is a tile with a number.
type count struct{ N, What, Says, Href string }

// choice is a link to another way to see the page.
type choice struct {
	Title, Href string
	Current     bool
}

// proxyView is a row of the table of proxies.
type proxyView struct {
	Name, Reason, Volumes, Checked string
	State                          state
}

// asked is what an address asks of the overview.
type asked struct {
	show overlay
	all  bool // problems
}

func askedOf(query url.Values) asked {
	return asked{overlayOf(query.Get("show")), query.Get("wrong") == "all"}
}

// key is the same for all addresses that ask for the same.
func (a asked) key() string {
	key := string(a.show)
	if a.all {
		key += "&wrong=all"
	}
	return key
}

// href is the address of the page with another overlay, from the root.
func (a asked) href(path string, show overlay, all bool) string {
	query := url.Values{}
	if show != showAssessment {
		query.Set("show", string(show))
	}
	if all {
		query.Set("wrong", "all")
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// viewOf shapes an overview. drive is the address of a drive's page, nil where there is
// none.
func viewOf(o *overview.Overview, path string, a asked, columns *Columns, drive driveLinks) *overviewView {
	c := &scene{show: a.show, pools: marksOf(o), places: placesOf(o), drive: drive, tiles: maxTiles, vdevs: maxVdevs}
	v := &overviewView{Path: path, Show: a.show, Legend: a.show.meaning()}
	v.Headline, v.Calm = "Nothing is wrong", calm(o)
	if list := problemsOf(o, c.places, c.drive); len(list) > 0 {
		v.wrongView = wrongOf(list, len(list), a.all, a.href(path, a.show, true))
	}
	for _, show := range overlays {
		v.Overlays = append(v.Overlays, choice{show.title(), a.href(path, show, a.all) + "#enclosures", show == a.show})
	}
	for i := range o.Enclosures[:min(len(o.Enclosures), maxEnclosures)] {
		e := &o.Enclosures[i]
		v.Enclosure = append(v.Enclosure, c.enclosure(e, columns.of(e.ID, len(e.Slots))))
	}
	v.OutsideN = len(o.Outside)
	for i := range o.Outside[:min(len(o.Outside), c.tiles)] {
		v.Outside = append(v.Outside, c.loose(&o.Outside[i]))
	}
	for i := range o.Pools[:min(len(o.Pools), maxPools)] {
		p := &o.Pools[i]
		v.Pools = append(v.Pools, c.pool(p, o.BuiltAt))
		if a.show == showPool {
			v.Marks = append(v.Marks, c.pools[p.Name])
		}
	}
	for i := range o.Volumes[:min(len(o.Volumes), maxRows)] {
		v.Volumes = append(v.Volumes, volumeOf(&o.Volumes[i]))
	}
	for i := range o.Proxies[:min(len(o.Proxies), maxRows)] {
		v.Proxies = append(v.Proxies, proxyOf(&o.Proxies[i]))
	}
	drives := "drives"
	if path != "overview" {
		drives = "#enclosures"
	}
	v.Counts = countsOf(o, drives)
	return v
}

// calm says that all is well.
func calm(o *overview.Overview) string {
	var parts []string
	if d := o.Counts.Drives; d != nil && d.Total > 0 {
		parts = append(parts, plural(o.Counts.Drives.Total, "drive", "drives"))
	}
	if len(o.Pools) > 0 {
		parts = append(parts, plural(len(o.Pools), "pool", "pools"))
	}
	if len(o.Volumes) > 0 {
		parts = append(parts, plural(len(o.Volumes), "volume", "volumes"))
	}
	if len(o.Proxies) > 0 {
		parts = append(parts, plural(len(o.Proxies), "proxy", "proxies"))
	}
	if len(parts) == 0 {
		return "Nothing is observed here yet."
	}
	return "All is well: " + strings.Join(parts, ", ") + "."
}

func proxyOf(p *overview.Proxy) proxyView {
	v := proxyView{Name: text(p.Name), Reason: sentence(p.Reason), State: stateOfProxy(p.Status), Checked: dash, Volumes: dash}
	if p.CheckedAt != nil {
		v.Checked = clock(*p.CheckedAt)
	}
	if p.Volumes.Total > 0 {
		v.Volumes = tallied(stateOfVolume, p.Volumes.ByStatus)
	}
	return v
}

// eventsView are the newest events.
type eventsView struct {
	Error string
	Rows  []eventView
}

type eventView struct {
	Time, Machine       string // Machine is the time for programs
	Kind, Subject, Href string
	From, To            state
	Reason, Host        string
}

func eventsOf(page event.Page, err error) *eventsView {
	v := &eventsView{}
	if err != nil {
		v.Error = sentence(err.Error())
	}
	for i := range page.Events {
		e := &page.Events[i]
		row := eventView{
			Time: clock(e.Time), Machine: e.Time.UTC().Format(time.RFC3339), Kind: text(string(e.Subject.Kind)), Subject: text(e.Subject.Name),
			From: stateOfEvent(e.Previous), To: stateOfEvent(e.State), Reason: sentence(e.Reason), Host: text(e.Host),
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// stateOfEvent is that of any subject by the word for it.
func stateOfEvent(word string) state {
	word = text(word)
	switch word {
	case "ok", "healthy":
		return ok.as(word, "")
	case "failing", "offline", "unhealthy":
		return failing.as(word, "F")
	case "warning", "degraded", "unavailable":
		return warning.as(word, "W")
	}
	return unknown.as(word, "?")
}
