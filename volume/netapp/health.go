package netapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"storage_exporter/internal/few"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	longestInfo  = 500 // characters
	longestFact  = 200
	longestState = 40
	mostNamed    = 5 // nodes or members that an info names
)

// Health is what ONTAP says about the volume and about the cluster's nodes.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	volumes, at, err := b.volumes.Get(ctx)
	if err != nil {
		return nil, err
	}
	c := b.cluster(ctx)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return nil, err
	}
	return volume.Each(b.objects, func(_ string, o object) (volume.Health, time.Time, error) {
		v, err := volumes.find(o)
		if err != nil {
			return volume.Health{}, at, err
		}
		var members []record
		if v.is(styleFlexGroup) && v.state() == stateMixed {
			groups, _, _ := b.groups.Get(ctx) // without them, their names are missing
			members = groups[v.UUID.String()].members
		}
		return c.health(v, members), at, nil
	}), nil
}

// cluster is what surrounds a volume.
type cluster struct {
	about    about
	nodes    []node
	nodesErr error // why they are not known
}

func (b *backend) cluster(ctx context.Context) cluster {
	var c cluster
	c.nodes, _, c.nodesErr = b.nodes.Get(ctx)
	c.about, _, _ = b.about.Get(ctx) // shown only
	return c
}

const (
	stateOnline = "online"
	stateMixed  = "mixed"
)

func (v *record) state() string { return strings.ToLower(v.State.String()) }

// health judges a volume. members are only needed for one that is mixed.
func (c *cluster) health(v record, members []record) volume.Health {
	var found volume.Verdict
	switch v.state() {
	case stateOnline:
	case stateMixed:
		found.Worsen(volume.Degraded, "some members of the FlexGroup are not online%s", others(members, stateOnline))
	case "offline":
		found.Worsen(volume.Offline, "the volume is offline")
	case "restricted":
		found.Worsen(volume.Offline, "the volume is restricted: clients have no access")
	case "error":
		found.Worsen(volume.Offline, "the volume is in the state error and cannot serve data")
	case "":
		found.Worsen(volume.Unavailable, "ONTAP does not tell the volume's state")
	default:
		found.Worsen(volume.Degraded, "unknown state %q", rest.Clean(v.State.String(), longestState))
	}
	if v.ErrorState.IsInconsistent.Value {
		found.Worsen(volume.Degraded, "the file system is inconsistent: ask NetApp's support")
	}
	if v.ErrorState.HasBadBlocks.Value {
		found.Worsen(volume.Degraded, "the volume has bad blocks")
	}
	if !found.Status().Worse(volume.Degraded) && v.NAS.Path == "" && strings.EqualFold(v.Type.String(), "rw") {
		found.Worsen(volume.Degraded, "the volume is not mounted in the SVM's namespace: clients cannot reach it")
	}
	var reported []string
	for _, sentence := range v.Status {
		// "is nearly full" is not meant.
		if strings.Contains(strings.ToLower(sentence.String()), "is full") {
			found.Add(volume.Degraded, sentence.String())
			continue
		}
		reported = append(reported, sentence.String())
	}
	found.Add(volume.Degraded, c.nodesDown())
	found.Add(volume.Healthy, reported...)
	if c.nodesErr != nil && !notOurs(c.nodesErr) {
		found.Note("the nodes' states are not known: %v", c.nodesErr)
	}
	return rest.Judged(found, longestInfo, c.metadata(v))
}

// notOurs is whether the account, as one of an SVM, may not see something.
func notOurs(err error) bool {
	return errors.Is(err, rest.ErrForbidden) || errors.Is(err, rest.ErrNotFound)
}

// nodesDown says which nodes are not up; empty when all are, or are not known.
func (c *cluster) nodesDown() string {
	up := c.nodesUp()
	if up == len(c.nodes) {
		return ""
	}
	states := make([]record, len(c.nodes))
	for i, n := range c.nodes {
		states[i] = record{Name: n.Name, State: n.State}
	}
	return fmt.Sprintf("%d of %d nodes of the cluster are up%s", up, len(c.nodes), others(states, stateUp))
}

const stateUp = "up"

func (c *cluster) nodesUp() int {
	up := 0
	for _, n := range c.nodes {
		if strings.EqualFold(n.State.String(), stateUp) {
			up++
		}
	}
	return up
}

// others names those that are in another state, as in ": node03 down, node04
// booting".
func others(all []record, good string) string {
	var named []string
	for _, one := range all {
		if one.state() != good {
			state := cmp.Or(rest.Clean(one.State.String(), longestState), "without a state")
			named = append(named, rest.Clean(one.Name.String(), longestState)+" "+state)
		}
	}
	if len(named) == 0 {
		return ""
	}
	slices.Sort(named)
	return ": " + few.Of(named, mostNamed, ", ")
}

// metadata describes the volume, as far as it is known.
func (c *cluster) metadata(v record) map[string]string {
	facts := map[string]string{
		"performance_scope": "volume",
		"volume_uuid":       v.UUID.String(),
		"svm":               v.SVM.Name.String(),
		"svm_uuid":          v.SVM.UUID.String(),
		"style":             v.Style.String(),
		"type":              v.Type.String(),
		"junction_path":     v.NAS.Path.String(),
		"cluster":           c.about.Name.String(),
		"ontap_version":     c.about.Version.Full.String(),
	}
	if len(c.nodes) > 0 {
		facts["nodes"] = fmt.Sprintf("%d of %d up", c.nodesUp(), len(c.nodes))
	}
	return rest.Facts(facts, longestFact)
}
