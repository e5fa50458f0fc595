package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"storage_exporter/smart/assess"
)

// Fleet is all nodes at one look.
type Fleet struct {
	Totals Totals `json:"totals"`
	// Worst are the things that are not well, of all live nodes: the failing ones
	// first, then by node.
	Worst        []Row  `json:"worst"`
	WorstLeftOut int    `json:"worst_left_out,omitempty"`
	Nodes        []Node `json:"nodes"` // by name
	// NodesLeftOut is how many nodes there are at least beyond what is read.
	NodesLeftOut int `json:"nodes_left_out,omitempty"`

	unread error // why some node is not known, of which nothing is known from before
}

// Totals add up what the live nodes say.
type Totals struct {
	Nodes NodeCounts `json:"nodes"`
	Counts
}

// NodeCounts count the nodes by their state.
type NodeCounts struct {
	Total   int `json:"total"`
	Live    int `json:"live"`
	Silent  int `json:"silent"`
	Unknown int `json:"unknown"`
}

// State is a node's state.
type State string

// The states of a node.
const (
	Live    State = "live"    // its digest lives
	Silent  State = "silent"  // it has put none for 90 s
	Unknown State = "unknown" // its digest cannot be read or used
)

// States lists every state.
var States = []State{Live, Silent, Unknown}

// Node is one node. What a silent one had is not shown.
type Node struct {
	Node  string `json:"node"`
	State State  `json:"state"`
	// Error says why the state is unknown.
	Error string `json:"error,omitempty"`
	// LastSeen is how long ago the node put something, by the store's clock.
	LastSeen float64 `json:"last_seen_seconds"`
	URL      string  `json:"url,omitempty"`
	Version  string  `json:"version,omitempty"`
	Counts   *Counts `json:"counts,omitempty"`

	digest *Digest // nil: none is known
}

// Row is one thing that is not well.
type Row struct {
	Node    string         `json:"node"`
	Kind    Kind           `json:"kind"`
	Name    string         `json:"name"`
	Verdict assess.Verdict `json:"verdict"`
	Reason  string         `json:"reason,omitempty"`
	Place   string         `json:"place,omitempty"`
}

// maxRows bounds the worst that are shown.
const maxRows = 1000

// newNode shows a node's digest; nil: it is not known.
func newNode(name string, state State, lastSeen time.Duration, d *Digest) Node {
	n := Node{Node: name, State: state, LastSeen: max(lastSeen, 0).Round(100 * time.Millisecond).Seconds()}
	if d != nil && state != Silent {
		n.URL, n.Version, n.Counts, n.digest = d.URL, d.Version, &d.Counts, d
	}
	return n
}

// Worst is what is not well of a node.
func (n *Node) Worst() []Row {
	rows := []Row{}
	if n.digest != nil {
		for _, t := range n.digest.Worst {
			rows = append(rows, Row{n.Node, t.Kind, t.Name, t.Verdict, t.Reason, t.Place})
		}
	}
	return rows
}

// assemble makes one view of nodes, of whose troubles only those with one of the
// verdicts are shown; all if there are none.
func assemble(nodes []Node, verdicts []assess.Verdict) *Fleet {
	f := &Fleet{Nodes: nodes, Worst: []Row{}}
	var buckets [len(ranks)][]Row
	rows := 0
	for i := range nodes {
		n := &nodes[i]
		f.Totals.Nodes.add(n.State)
		if n.State != Live {
			continue
		}
		f.Totals.add(n.Counts)
		if len(verdicts) == 0 {
			rows += n.digest.LeftOut
		}
		for _, t := range n.digest.Worst {
			if len(verdicts) > 0 && !slices.Contains(verdicts, t.Verdict) {
				continue
			}
			rows++
			if b := &buckets[rank(t.Verdict)]; len(*b) < maxRows {
				*b = append(*b, Row{n.Node, t.Kind, t.Name, t.Verdict, t.Reason, t.Place})
			}
		}
	}
	for _, b := range buckets {
		f.Worst = append(f.Worst, b[:min(len(b), maxRows-len(f.Worst))]...)
	}
	f.WorstLeftOut = rows - len(f.Worst)
	return f
}

func (c *NodeCounts) add(s State) {
	c.Total++
	switch s {
	case Live:
		c.Live++
	case Silent:
		c.Silent++
	default:
		c.Unknown++
	}
}

// Find is a node by its name.
func (f *Fleet) Find(name string) (*Node, bool) {
	i, ok := slices.BinarySearchFunc(f.Nodes, name, func(n Node, name string) int { return strings.Compare(n.Node, name) })
	if !ok {
		return nil, false
	}
	return &f.Nodes[i], true
}

// Filter is what to show of a fleet. What is empty filters nothing.
type Filter struct {
	Nodes  []string
	States []State
	// Verdicts are of drives, and of what is not well: a node passes that has one.
	Verdicts []assess.Verdict
}

// Empty says that the filter leaves everything as it is.
func (f Filter) Empty() bool { return len(f.Nodes) == 0 && len(f.States) == 0 && len(f.Verdicts) == 0 }

// Filter is the part of the fleet that passes; its totals are of that.
func (f *Fleet) Filter(by Filter) *Fleet {
	if by.Empty() {
		return f
	}
	var nodes []Node
	if len(by.Nodes) == 0 {
		nodes = f.Nodes
	}
	for _, name := range sorted(by.Nodes) {
		if n, ok := f.Find(name); ok {
			nodes = append(nodes, *n)
		}
	}
	shown := []Node{}
	for i := range nodes {
		if by.passes(&nodes[i]) {
			shown = append(shown, nodes[i])
		}
	}
	out := assemble(shown, by.Verdicts)
	out.NodesLeftOut = f.NodesLeftOut
	return out
}

func sorted(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func (f Filter) passes(n *Node) bool {
	if len(f.States) > 0 && !slices.Contains(f.States, n.State) {
		return false
	}
	return len(f.Verdicts) == 0 || n.State == Live && slices.ContainsFunc(f.Verdicts, func(v assess.Verdict) bool {
		return n.Counts.has(v) || slices.ContainsFunc(n.digest.Worst, func(t Trouble) bool { return t.Verdict == v })
	})
}

// Target is where a node's exporter is scraped.
type Target struct {
	Node, Scheme, Address string // Address is host:port
}

// Targets are those of the nodes that are not silent, by name: one whose digest cannot
// be read for the moment keeps its own. An error says that the list is not complete, or
// that no node is live, which is no fleet but a store that has just lost it.
func (f *Fleet) Targets() ([]Target, error) {
	if f.unread != nil {
		return nil, f.unread
	}
	if f.Totals.Nodes.Live == 0 {
		return nil, errNoneLive
	}
	var targets []Target
	for i := range f.Nodes {
		n := &f.Nodes[i]
		if n.URL == "" {
			continue
		}
		if scheme, address, err := parseURL(n.URL); err == nil {
			targets = append(targets, Target{n.Node, scheme, address})
		}
	}
	return targets, nil
}

func byName(a, b Node) int { return cmp.Compare(a.Node, b.Node) }
