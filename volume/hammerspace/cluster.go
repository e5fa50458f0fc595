package hammerspace

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"storage_exporter/internal/few"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	longestInfo = 600 // characters
	longestWord = 60
)

// cluster is what the API says, as far as it could be asked.
type cluster struct {
	nodes []node
	at    time.Time // when the nodes were asked for
	disks []storageVolume
	state state

	exports    exports
	exportsErr error // why the shares are not known

	unknown []string // what could not be asked now, and why
	hidden  []string // what the account may not see
}

// ask asks what is due: for the state first, as Usage does, for where we are not
// let in one call is enough; then in parallel, because the time for a volume of
// this host is short. An error is about all.
func (b *anvil) ask(ctx context.Context, shares bool) (cluster, error) {
	var c cluster
	var stateErr, nodesErr, disksErr error
	if c.state, _, stateErr = b.state.Get(ctx); shutOut(ctx, stateErr) {
		return c, stateErr
	}
	var asking sync.WaitGroup
	asking.Go(func() { c.nodes, c.at, nodesErr = b.nodes.Get(ctx) })
	asking.Go(func() { c.disks, _, disksErr = b.disks.Get(ctx) })
	if shares {
		asking.Go(func() { c.exports, _, c.exportsErr = b.exports.Get(ctx) })
	}
	asking.Wait()
	if nodesErr != nil {
		return c, nodesErr
	}
	if rest.Refused(stateErr) {
		c.hidden = append(c.hidden, "cluster") // only its name is missed
	}
	if rest.Refused(c.exportsErr) {
		c.hidden = append(c.hidden, "share_states")
	}
	switch {
	case disksErr == nil:
	case shutOut(ctx, disksErr):
		return c, disksErr
	case rest.Refused(disksErr):
		c.hidden = append(c.hidden, "data_volumes")
	default:
		c.unknown = append(c.unknown, "the state of the storage volumes is not known: "+disksErr.Error())
	}
	return c, nil
}

// shutOut is whether an error makes it pointless to ask for anything else.
func shutOut(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled) ||
		errors.Is(err, rest.ErrUnauthorized) || errors.Is(err, rest.ErrThrottled) || errors.Is(err, rest.ErrClosed))
}

// health is that of the whole cluster.
func (c cluster) health() volume.Health {
	var found volume.Verdict
	var bad []string
	away, all := map[string]int{}, map[string]int{}
	for _, n := range c.nodes {
		kind := strings.ToUpper(n.Kind.String())
		all[kind]++
		if mode := strings.ToUpper(n.Mode.String()); mode == "OFFLINE" || mode == "DISABLED" {
			away[kind]++
		}
		if text := n.trouble(); text != "" {
			bad = append(bad, text)
		}
	}
	for _, kind := range []string{"ANVIL", "DSX"} {
		if all[kind] > 0 && away[kind] == all[kind] {
			found.Worsen(volume.Offline, "all %s nodes are offline", kind)
		}
	}
	if len(bad) > 0 {
		found.Worsen(volume.Degraded, "%d of %d nodes are online and well: %s", len(c.nodes)-len(bad), len(c.nodes), firstOf(bad))
	}
	bad = nil
	for _, d := range c.disks {
		if text := d.trouble(); text != "" {
			bad = append(bad, text)
		}
	}
	if len(bad) > 0 {
		found.Worsen(volume.Degraded, "%d of %d storage volumes are well: %s", len(c.disks)-len(bad), len(c.disks), firstOf(bad))
	}
	found.Add(volume.Degraded, c.unknown...)
	return rest.Judged(found, longestInfo, nil)
}

// trouble says what is wrong with a node; empty for nothing.
func (n node) trouble() string {
	name := rest.Clean(n.Name.String(), longestWord)
	if n.Kind != "" {
		name += " (" + rest.Clean(n.Kind.String(), longestWord) + ")"
	}
	switch mode := strings.ToUpper(n.Mode.String()); mode {
	case "ONLINE":
	case "OFFLINE", "DISABLED", "MAINTENANCE", "UPDATE":
		return name + " is in mode " + mode
	default:
		return name + " " + strange(n.Mode)
	}
	return n.flags.trouble(name)
}

func (f flags) trouble(name string) string {
	up := func(state rest.Text) bool { return state == "" || strings.EqualFold(state.String(), "UP") }
	switch {
	case !up(f.Oper):
		return name + " is not up: its operational state is " + rest.Clean(f.Oper.String(), longestWord)
	case !up(f.Admin):
		return name + " is not up: its administrative state is " + rest.Clean(f.Admin.String(), longestWord)
	}
	return ""
}

// trouble says what is wrong with a storage volume. A state that is missing is
// none: not every kind of storage has each.
func (d storageVolume) trouble() string {
	name := rest.Clean(d.Name.String(), longestWord)
	switch service := strings.ToUpper(d.Logical.Service.String()); service {
	case "RUNNING":
	case "FAILED", "STOPPED", "INITIALIZING", "UNKNOWN":
		return name + " is " + service
	case "":
		if d.Oper == "" && d.State == "" {
			return name + " tells no state"
		}
	default:
		return name + " " + strange(d.Logical.Service)
	}
	if s := d.State; s != "" && !strings.EqualFold(s.String(), "OK") {
		return name + " is in state " + rest.Clean(s.String(), longestWord)
	}
	return d.flags.trouble(name)
}

// strange is about a word that is not known here.
func strange(state rest.Text) string {
	if state == "" {
		return "tells no state"
	}
	return fmt.Sprintf("is in a state that is not known here, %q", rest.Clean(state.String(), longestWord))
}

// firstOf lists the first of them.
func firstOf(bad []string) string { return few.Of(bad, maxNamed, ", ") }

// metadata is what the cluster is.
func (c cluster) metadata() map[string]string {
	m := map[string]string{"performance_scope": "client"}
	if c.state.Name != "" {
		m["cluster"] = rest.Clean(c.state.Name.String(), longestWord)
	}
	count := map[string]int{}
	for _, n := range c.nodes {
		count[strings.ToLower(n.Kind.String())]++
	}
	for _, kind := range []string{"anvil", "dsx"} {
		m[kind+"_nodes"] = strconv.Itoa(count[kind])
	}
	if len(c.disks) > 0 {
		m["data_volumes"] = strconv.Itoa(len(c.disks))
	}
	for _, what := range c.hidden {
		m[what] = "not shown to this account"
	}
	return m
}
