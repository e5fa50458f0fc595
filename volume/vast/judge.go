package vast

import (
	"fmt"
	"strings"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// The bounds of what is shown, in characters.
const (
	maxInfo   = 500
	maxDetail = 100
)

// verdict is a state and the words that say why.
type verdict struct {
	status volume.Status
	words  []string
}

// note adds words without changing the state.
func (v *verdict) note(format string, args ...any) {
	v.words = append(v.words, fmt.Sprintf(format, args...))
}

// worsen notes what makes the state at least this bad. The worst comes first.
func (v *verdict) worsen(to volume.Status, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if severity[to] > severity[v.status] {
		v.status = to
		v.words = append([]string{said}, v.words...)
		return
	}
	v.words = append(v.words, said)
}

// severity orders the states: that something is not served is the worst.
var severity = map[volume.Status]int{volume.Healthy: 0, volume.Degraded: 1, volume.Unavailable: 2, volume.Offline: 3}

// info is the words on one line.
func (v *verdict) info() string { return rest.Clean(strings.Join(v.words, "; "), maxInfo) }

func detail(t rest.Text) string { return rest.Clean(t.String(), maxDetail) }

func word(t rest.Text) string { return strings.ToUpper(detail(t)) }

// judge is what the cluster's state means for what it serves.
func (c *cluster) judge() verdict {
	v := verdict{volume.Healthy, nil}
	switch state := word(c.State); state {
	case "ONLINE", "HEALTHY": // the latter is of old releases
	case "OFFLINE", "FAILED", "KILLED", "KILLING":
		v.worsen(volume.Offline, "the cluster is %s", state)
	case "INIT", "ACTIVATING", "DEACTIVATING", "INSTALLING", "PREPARE", "INSTALLED", "BOOTSTRAP":
		v.worsen(volume.Degraded, "the cluster is in the state %s", state)
	case "UNKNOWN":
		v.worsen(volume.Unavailable, "the cluster's state is UNKNOWN: its management has no contact with it")
	default:
		v.worsen(volume.Degraded, "unknown cluster state %q", detail(c.State))
	}
	if c.Enabled.Valid && !c.Enabled.Value {
		v.worsen(volume.Offline, "the cluster is disabled")
	}
	switch state := word(c.Leader); state {
	case "UP", "STEADY", "":
	case "DOWN":
		v.worsen(volume.Degraded, "the leader of the cluster is DOWN")
	case "UNKNOWN":
		v.note("the state of the cluster's leader is UNKNOWN")
	default:
		v.worsen(volume.Degraded, "unknown state of the cluster's leader %q", detail(c.Leader))
	}
	v.raid("SSD", c.SSD, c.SSDProgress)
	v.raid("NVRAM", c.NVRAM, c.NVRAMProgress)
	v.raid("memory", c.Memory, rest.Float{})
	if c.MayFail.Valid && c.MayFail.Value == 0 {
		v.worsen(volume.Degraded, "not one more drive may fail")
	}
	v.room("metadata", c.MetadataHealth)
	v.room("stripes", c.StripesHealth)
	if state := word(c.Upgrade); state != "DONE" && state != "" {
		v.note("the upgrade is %s", state)
	}
	return v
}

// raid judges the state of a RAID. Words that are not known are as bad as those
// that are known to be.
func (v *verdict) raid(name string, state rest.Text, progress rest.Float) {
	said := fmt.Sprintf("the %s RAID is %s", name, word(state))
	if progress.Value > 0 && progress.Value <= 100 {
		said += fmt.Sprintf(" at %.4g %%", progress.Value)
	}
	switch word(state) {
	case "HEALTHY", "":
	case "REBALANCE":
		v.note("%s", said)
	default:
		v.worsen(volume.Degraded, "%s", said)
	}
}

// room judges whether there is room left for something.
func (v *verdict) room(name string, state rest.Text) {
	switch said := word(state); said {
	case "HEALTHY", "UNKNOWN", "":
	case "LOW_RESOURCES", "EMPTY":
		v.worsen(volume.Degraded, "the room for %s is %s", name, said)
	default:
		v.worsen(volume.Degraded, "unknown state of the room for %s %q", name, detail(state))
	}
}

// serves is whether the cluster's figures are of now.
func (c *cluster) serves() bool { return severity[c.judge().status] <= severity[volume.Degraded] }

// judge adds what the quota of a view says. Nil is no quota.
func (q *quota) judge(v *verdict) {
	if q == nil {
		return
	}
	name := fmt.Sprintf("the quota %q", detail(q.Name))
	switch state := word(q.State); state {
	case "OK", "":
	case "SOFT_EXCEEDED", "INODE_SOFT_EXCEEDED", "SOFT_BOTH_EXCEEDED":
		v.note("%s is %s", name, state)
	case "HARD_EXCEEDED", "HARD_BOTH_EXCEEDED", "INODE_HARD_EXCEEDED", "GRACE_EXPIRED":
		v.worsen(volume.Degraded, "%s is %s: nothing more can be written", name, state)
	case "FAILED":
		v.worsen(volume.Degraded, "%s is FAILED: it is not kept", name)
	default:
		v.worsen(volume.Degraded, "%s is in the unknown state %q", name, detail(q.State))
	}
}
