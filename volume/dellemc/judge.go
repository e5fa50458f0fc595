package dellemc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"storage_exporter/internal/few"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	longestInfo  = 500 // characters
	longestFact  = 300
	longestWord  = 80
	mostShown    = 5    // of a kind
	fewBytesLeft = 0.02 // of the capacity: full
)

// findings are what is wrong with a cluster: the worst counts, all are shown.
type findings struct{ volume.Verdict }

// judge is the cluster's health.
func (o *observed) judge() *findings {
	f := &findings{}
	known := f.nodes(o.cluster, o.statistics)
	f.pools(o.pools)
	f.space(o.statistics)
	f.events(o.events)
	f.whole(o.statistics.values[keyHealth], known, o.serving())
	switch {
	case o.statisticsErr == nil:
	case errors.Is(o.statisticsErr, rest.ErrForbidden):
		f.Note("the statistics are not known: %v", o.statisticsErr)
	default: // the cluster's own word should be there
		f.Worsen(volume.Unavailable, "the statistics are not known: %v", o.statisticsErr)
	}
	for _, part := range []struct {
		what string
		err  error
	}{
		{"nodes", o.clusterErr}, {"disk pools", o.poolsErr}, {"events", o.eventsErr},
	} {
		if part.err != nil {
			f.Note("the %s are not known: %v", part.what, part.err)
		}
	}
	return f
}

// nodes is about which nodes are up; it is false where that is not known.
func (f *findings) nodes(c cluster, s statistics) bool {
	var down, silent []string
	for _, d := range c.Devices {
		name := "node " + strconv.FormatInt(d.Number.Value, 10)
		if !d.Number.Valid {
			name = "a node without a number"
		}
		switch {
		case !d.Up.Valid:
			silent = append(silent, name)
		case !d.Up.Value:
			down = append(down, name)
		}
	}
	all := len(c.Devices)
	if c.Quorum.Valid && !c.Quorum.Value {
		f.Worsen(volume.Offline, "the cluster has no quorum: bring its nodes back")
	}
	switch n := s.values[keyNodesDown].Value; {
	case len(down) > 0 && len(down) == all:
		f.Worsen(volume.Offline, "all %d nodes are down", all)
	case len(down) > 0:
		f.Worsen(volume.Degraded, "%d of %d nodes are down: %s", len(down), all, some(down))
	case n > 0:
		f.Worsen(volume.Degraded, "nodes that are down: %d", n)
	}
	if len(silent) > 0 && len(silent) < all {
		f.Worsen(volume.Degraded, "nodes that do not tell whether they are up: %s", some(silent))
	}
	return all > len(silent) && c.Quorum.Valid
}

// pools is about disks.
func (f *findings) pools(pools []diskPool) {
	for i, p := range pools {
		if i == mostShown {
			f.Worsen(volume.Degraded, "disk pools that are not well besides: %d", len(pools)-i)
			break
		}
		var flags, parts []string
		for _, flag := range p.Flags {
			flags = append(flags, word(flag))
		}
		for _, a := range p.Affected {
			parts = append(parts, a.text())
		}
		text := fmt.Sprintf("disk pool %s is not well: %s", word(p.Pool.Name), some(flags))
		if len(parts) > 0 {
			text += " (" + some(parts) + ")"
		}
		f.Worsen(volume.Degraded, "%s", text)
	}
}

// text names a drive or a node, and says what is wrong with it.
func (a affected) text() string {
	words := []string{word(a.Type)}
	if a.Device.Bay.Valid {
		words = append(words, fmt.Sprintf("in bay %d", a.Device.Bay.Value))
	}
	if a.Device.LNN.Valid {
		words = append(words, fmt.Sprintf("of node %d", a.Device.LNN.Value))
	}
	for _, state := range []struct {
		is   rest.Flag
		word string
	}{{a.Down, "down"}, {a.SmartFailed, "smartfailed"}, {a.Restriping, "restriping"}} {
		if state.is.Value {
			words = append(words, state.word)
		}
	}
	return strings.Join(words, " ")
}

func (f *findings) space(s statistics) {
	u, err := clusterUsage(s)
	if err != nil || u.AvailableBytes == nil {
		return
	}
	if left := float64(*u.AvailableBytes) / float64(*u.CapacityBytes); left < fewBytesLeft {
		f.Worsen(volume.Degraded, "the cluster is full (%.1f %% left): delete files or add nodes", 100*left)
	}
}

// events is about what an operator has not resolved. Warnings and information do
// not count.
func (f *findings) events(events []event) {
	shown := 0
	for _, e := range events {
		severity := strings.ToLower(e.Severity.String())
		switch severity {
		case "warning", "information":
			continue
		case "":
			severity = "unknown"
		}
		if shown++; shown <= mostShown {
			f.Worsen(volume.Degraded, "event of severity %s: %s", word(rest.Text(severity)), rest.Clean(e.text(), longestWord))
		}
	}
	if shown > mostShown {
		f.Worsen(volume.Degraded, "open events besides: %d", shown-mostShown)
	}
}

// serving are the nodes that are up in a cluster with a quorum, in words. It is empty
// where that is not known to hold while the statistics do.
func (o *observed) serving() string {
	up := 0
	for _, d := range o.cluster.Devices {
		if d.Up.Value {
			up++
		}
	}
	if up == 0 || !o.cluster.Quorum.Value || o.clusterAt.Before(o.statisticsAt) {
		return ""
	}
	return fmt.Sprintf("%d of %d nodes are up and have a quorum", up, len(o.cluster.Devices))
}

// whole is about the cluster's own word. Where it is missing, the nodes' word
// counts; where serving contradicts it, neither decides alone.
func (f *findings) whole(health rest.Int, nodesKnown bool, serving string) {
	switch {
	case !health.Valid && !nodesKnown:
		f.Worsen(volume.Unavailable, "the cluster does not tell its health")
	case !health.Valid, health.Value == 0:
	case health.Value == 1:
		f.Worsen(volume.Degraded, "the cluster says that it needs attention")
	case health.Value == healthDown && serving != "":
		f.Worsen(volume.Degraded, "the cluster says that it is down, but %s", serving)
	case health.Value == healthDown:
		f.Worsen(volume.Offline, "the cluster says that it is down")
	default:
		f.Worsen(volume.Degraded, "the cluster's health is %d, which is not known", health.Value)
	}
}

// metadata is what else there is to know about a volume, as text; what is not
// known is left out.
func (o *observed) metadata(v volumeOptions) map[string]string {
	facts := map[string]string{
		"performance_scope":     "cluster",
		"ifs_path":              v.path,
		"performance_dataset":   v.dataset,
		"performance_protocols": strings.Join(v.protocols, ","),
		"cluster_name":          o.cluster.Name.String(),
		"cluster_guid":          o.cluster.GUID.String(),
		"onefs_version":         o.cluster.Version.Release.String(),
	}
	if v.dataset != "" {
		facts["performance_scope"] = "volume"
	}
	if n := o.statistics.values[keyNodes].Amount(); n != nil {
		facts["nodes_total"] = strconv.FormatUint(*n, 10)
	}
	if n := o.statistics.values[keyNodesDown].Amount(); n != nil {
		facts["nodes_down"] = strconv.FormatUint(*n, 10)
	}
	if o.eventsErr == nil {
		facts["open_events"] = strconv.Itoa(len(o.events))
	}
	return rest.Facts(facts, longestFact)
}

// word is a word from outside, short.
func word(t rest.Text) string {
	if t == "" {
		return "(not told)"
	}
	return rest.Clean(t.String(), longestWord)
}

// some is a list that stays short however long it is.
func some(list []string) string {
	if len(list) == 0 {
		return "(not told)"
	}
	return few.Of(list, mostShown, " and ")
}
