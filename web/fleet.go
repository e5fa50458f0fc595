package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"storage_exporter/fleet"
	"storage_exporter/smart"
)

// maxNodes bounds the nodes that are listed.
const maxNodes = 1000

// fleetView is all nodes.
type fleetView struct {
	wrongView
	Counts  []count
	Nodes   []nodeView
	LeftOut int
}

// nodeView is a row of the table of nodes.
type nodeView struct {
	Name, Href      string
	State           state
	Note            string // why its state is unknown
	Seen            string
	Drives, Failing string
	Warning         string
	Pools, Volumes  string
	Proxies         string
	Version         string
	Own             string // the address of the node's own page; empty where none is known
}

// fleet is the page with all nodes.
func (p *Pages) fleet(ctx context.Context, r *http.Request) (page, error) {
	all := r.URL.Query().Get("wrong") == "all"
	snap, err := p.cfg.Fleet.Get(ctx)
	if err != nil {
		return page{}, &refused{http.StatusServiceUnavailable, "The fleet is not known now", sentence(err.Error())}
	}
	return page{
		template: "fleet", key: fmt.Sprint("fleet?", all), made: fmt.Sprint(snap.Revision), age: snap.Age,
		head: head{Title: "Fleet", Current: "fleet", At: snap.ObservedAt},
		body: func() any { return fleetOf(snap.Value, all) },
	}, nil
}

func fleetOf(f *fleet.Fleet, all bool) *fleetView {
	v := &fleetView{}
	list := problemsOfFleet(f)
	total := len(list) + f.WorstLeftOut
	switch {
	case total > 0:
		v.wrongView = wrongOf(list, total, all, "fleet?wrong=all")
		v.Headline += " on " + plural(f.Totals.Nodes.Total, "host", "hosts")
	case f.Totals.Nodes.Total == 0:
		v.Headline, v.Calm = "No host has reported yet", "Hosts with a node name on the same Redis appear here within a minute."
	default:
		v.Headline, v.Calm = "Nothing is wrong", "All is well: "+plural(f.Totals.Nodes.Live, "host is", "hosts are")+" live."
	}
	v.Counts = countsOfFleet(&f.Totals)
	for _, n := range worstFirst(f.Nodes) {
		v.Nodes = append(v.Nodes, nodeOf(n))
	}
	v.LeftOut = len(f.Nodes) - len(v.Nodes) + f.NodesLeftOut
	return v
}

// problemsOfFleet are what the nodes say, and the nodes that do not report: those before
// what only warns.
func problemsOfFleet(f *fleet.Fleet) (list []problem) {
	shown := make(map[[2]string]bool)
	for i := range f.Worst {
		if r := &f.Worst[i]; r.Kind == fleet.Drive {
			shown[[2]string{r.Node, r.Place}] = true
		}
	}
	for i := range f.Worst {
		r := &f.Worst[i]
		if r.Kind == fleet.Slot && shown[[2]string{r.Node, r.Place}] {
			continue // the light of a drive that is listed
		}
		list = append(list, problemOfRow(r))
	}
	for i := range f.Nodes {
		n := &f.Nodes[i]
		s := stateOfNode(n)
		if n.State == fleet.Live {
			continue
		}
		x := problem{State: s, Name: text(n.Node), Href: nodePage(n.Node), Place: "host", Reason: "It has not reported for " + seconds(n.LastSeen) + "."}
		if n.Error != "" {
			x.Reason = sentence(n.Error)
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.State.rank, b.State.rank), last(a.Kind != "", b.Kind != ""))
	})
	return list
}

// problemOfRow is what a node says is not well.
func problemOfRow(r *fleet.Row) problem {
	s := stateOfVerdict(r.Verdict)
	switch {
	case r.Kind == fleet.Volume && s == failing:
		s = s.as("offline", "O")
	case r.Kind == fleet.Proxy && s == failing:
		s = s.as("down", "D")
	}
	x := problem{
		State: s, Kind: r.Kind, Name: text(r.Name), Href: nodePage(r.Node),
		Place: joined(" · ", text(r.Node), string(r.Kind), placeOfRow(r)), Reason: sentence(cmp.Or(r.Reason, "no reason was given")),
	}
	if trouble, is := troubleWords[smart.Trouble(r.Reason)]; is && r.Kind == fleet.Drive {
		x.Reason, x.Do = trouble.why, trouble.do
	}
	return x
}

// placeOfRow is where a drive or a slot is, or what serves a volume.
func placeOfRow(r *fleet.Row) string {
	i := strings.LastIndexByte(r.Place, '/')
	if i < 0 || r.Kind != fleet.Drive && r.Kind != fleet.Slot {
		return text(r.Place)
	}
	return "slot " + text(r.Place[i+1:]) + " of " + text(r.Place[:i])
}

func stateOfNode(n *fleet.Node) state {
	switch n.State {
	case fleet.Live:
		return ok.as("live", "")
	case fleet.Silent:
		return warning.as("silent", "!")
	}
	return unknown
}

// worstFirst are the nodes to list: those that do not report, then those with most that
// fails.
func worstFirst(nodes []fleet.Node) []*fleet.Node {
	list := make([]*fleet.Node, len(nodes))
	for i := range nodes {
		list[i] = &nodes[i]
	}
	slices.SortStableFunc(list, func(a, b *fleet.Node) int {
		failsA, warnsA := troubles(a)
		failsB, warnsB := troubles(b)
		return cmp.Or(cmp.Compare(stateOfNode(a).rank, stateOfNode(b).rank), cmp.Compare(failsB, failsA), cmp.Compare(warnsB, warnsA))
	})
	return list[:min(len(list), maxNodes)]
}

// troubles is how much of a node fails, and how much warns.
func troubles(n *fleet.Node) (fails, warns int) {
	c := n.Counts
	if c == nil {
		return 0, 0
	}
	if d := c.Drives; d != nil {
		fails, warns = fails+d.Failing, warns+d.Warning
	}
	if p := c.Pools; p != nil {
		fails, warns = fails+p.Faulted+p.Other, warns+p.Degraded
	}
	if v := c.Volumes; v != nil {
		fails, warns = fails+v.Offline, warns+v.Degraded+v.Unavailable
	}
	if x := c.Proxies; x != nil {
		fails += x.Unhealthy
	}
	return fails, warns
}

func nodeOf(n *fleet.Node) nodeView {
	v := nodeView{
		Name: text(n.Node), Href: nodePage(n.Node), State: stateOfNode(n), Note: text(n.Error), Seen: seconds(n.LastSeen) + " ago",
		Drives: dash, Failing: dash, Warning: dash, Pools: dash, Volumes: dash, Proxies: dash, Version: orDash(n.Version), Own: ownPage(n),
	}
	if n.Counts == nil {
		return v
	}
	if d := n.Counts.Drives; d != nil {
		v.Drives, v.Failing, v.Warning = grouped(float64(d.Total)), grouped(float64(d.Failing)), grouped(float64(d.Warning))
	}
	if p := n.Counts.Pools; p != nil {
		v.Pools = outOf(p.Online, p.Total, "online")
	}
	if x := n.Counts.Volumes; x != nil {
		v.Volumes = outOf(x.Healthy, x.Total, "healthy")
	}
	if x := n.Counts.Proxies; x != nil {
		v.Proxies = outOf(x.Healthy, x.Total, "healthy")
	}
	return v
}

func outOf(good, total int, word string) string {
	if good == total {
		return grouped(float64(total))
	}
	return grouped(float64(good)) + " of " + grouped(float64(total)) + " " + word
}

func countsOfFleet(t *fleet.Totals) []count {
	say := func(parts ...any) string {
		var said []string
		for i := 0; i+1 < len(parts); i += 2 {
			if n, isCount := parts[i].(int); isCount && (n > 0 || i == 0) {
				said = append(said, fmt.Sprintf("%s %s", grouped(float64(n)), parts[i+1]))
			}
		}
		return strings.Join(said, " · ")
	}
	tile := func(n int, one, many, says string) count {
		return count{grouped(float64(n)), nouns(n, one, many), says, "#nodes"}
	}
	list := []count{tile(t.Nodes.Total, "host", "hosts", say(t.Nodes.Live, "live", t.Nodes.Silent, "silent", t.Nodes.Unknown, "unknown"))}
	if d := t.Drives; d != nil {
		list = append(list, tile(d.Total, "drive", "drives", say(d.OK, "ok", d.Warning, "warning", d.Failing, "failing", d.Unknown, "unknown")))
	}
	if s := t.Slots; s != nil && s.Total > 0 {
		list = append(list, tile(s.Total, "slot", "slots", say(s.Populated, "populated", s.Empty, "empty", s.Fault, "fault")))
	}
	if p := t.Pools; p != nil && p.Total > 0 {
		list = append(list, tile(p.Total, "pool", "pools", say(p.Online, "online", p.Degraded, "degraded", p.Faulted, "faulted", p.Other, "other")))
	}
	if v := t.Volumes; v != nil && v.Total > 0 {
		list = append(list, tile(v.Total, "volume", "volumes", say(v.Healthy, "healthy", v.Degraded, "degraded", v.Offline, "offline", v.Unavailable, "unavailable", v.Unknown, "unknown")))
	}
	if x := t.Proxies; x != nil && x.Total > 0 {
		list = append(list, tile(x.Total, "proxy", "proxies", say(x.Healthy, "healthy", x.Unhealthy, "down", x.Unknown, "unknown")))
	}
	return list
}

// nodePage is the address of a node's page here, from the root.
func nodePage(node string) string { return "fleet/" + url.PathEscape(node) }

// ownURL is that of a node's exporter; empty where it is not one to lead anybody to.
func ownURL(n *fleet.Node) string {
	if n.URL == "" || fleet.CheckURL(n.URL) != nil {
		return ""
	}
	return n.URL
}

func ownPage(n *fleet.Node) string {
	if u := ownURL(n); u != "" {
		return u + "/overview"
	}
	return ""
}

var errNoOverview = errors.New("the node puts no overview into the store")
