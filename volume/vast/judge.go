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

// verdict is about a cluster and what it serves.
type verdict struct{ volume.Verdict }

func detail(t rest.Text) string { return rest.Clean(t.String(), maxDetail) }

func word(t rest.Text) string { return strings.ToUpper(detail(t)) }

// judge is what the cluster's state means for what it serves.
func (c *cluster) judge() verdict {
	var v verdict
	switch state := word(c.State); state {
	case "ONLINE", "HEALTHY": // the latter is of old releases
	case "OFFLINE", "FAILED", "KILLED", "KILLING":
		v.Worsen(volume.Offline, "the cluster is %s", state)
	case "INIT", "ACTIVATING", "DEACTIVATING", "INSTALLING", "PREPARE", "INSTALLED", "BOOTSTRAP":
		v.Worsen(volume.Degraded, "the cluster is in the state %s", state)
	case "UNKNOWN":
		v.Worsen(volume.Unavailable, "the cluster's state is UNKNOWN: its management has no contact with it")
	default:
		v.Worsen(volume.Degraded, "unknown cluster state %q", detail(c.State))
	}
	if c.Enabled.Valid && !c.Enabled.Value {
		v.Worsen(volume.Offline, "the cluster is disabled")
	}
	switch state := word(c.Leader); state {
	case "UP", "STEADY", "":
	case "DOWN":
		v.Worsen(volume.Degraded, "the leader of the cluster is DOWN")
	case "UNKNOWN":
		v.Note("the state of the cluster's leader is UNKNOWN")
	default:
		v.Worsen(volume.Degraded, "unknown state of the cluster's leader %q", detail(c.Leader))
	}
	v.raid("SSD", c.SSD, c.SSDProgress)
	v.raid("NVRAM", c.NVRAM, c.NVRAMProgress)
	v.raid("memory", c.Memory, rest.Float{})
	if c.MayFail.Valid && c.MayFail.Value == 0 {
		v.Worsen(volume.Degraded, "not one more drive may fail")
	}
	v.room("metadata", c.MetadataHealth)
	v.room("stripes", c.StripesHealth)
	if state := word(c.Upgrade); state != "DONE" && state != "" {
		v.Note("the upgrade is %s", state)
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
		v.Note("%s", said)
	default:
		v.Worsen(volume.Degraded, "%s", said)
	}
}

// room judges whether there is room left for something.
func (v *verdict) room(name string, state rest.Text) {
	switch said := word(state); said {
	case "HEALTHY", "UNKNOWN", "":
	case "LOW_RESOURCES", "EMPTY":
		v.Worsen(volume.Degraded, "the room for %s is %s", name, said)
	default:
		v.Worsen(volume.Degraded, "unknown state of the room for %s %q", name, detail(state))
	}
}

// serves is whether the cluster's figures are of now.
func (c *cluster) serves() bool {
	judged := c.judge()
	return !judged.Status().Worse(volume.Degraded)
}

// judge adds what a quota of a view says.
func (q *quota) judge(v *verdict) {
	name := fmt.Sprintf("the quota %q", detail(q.Name))
	switch state := word(q.State); state {
	case "OK", "":
	case "SOFT_EXCEEDED", "INODE_SOFT_EXCEEDED", "SOFT_BOTH_EXCEEDED":
		v.Note("%s is %s", name, state)
	case "HARD_EXCEEDED", "HARD_BOTH_EXCEEDED", "INODE_HARD_EXCEEDED", "GRACE_EXPIRED":
		v.Worsen(volume.Degraded, "%s is %s: nothing more can be written", name, state)
	case "FAILED":
		v.Worsen(volume.Degraded, "%s is FAILED: it is not kept", name)
	default:
		v.Worsen(volume.Degraded, "%s is in the unknown state %q", name, detail(q.State))
	}
}
