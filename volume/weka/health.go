package weka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// Health is what the cluster says of itself and of each file system. An account
// that may not see the cluster, as one of an organization other than Root, has
// the file system's word alone.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	list, at, err := b.filesystems.Get(ctx)
	c, clusterErr := b.fetchCluster(ctx)
	hidden := errors.Is(clusterErr, rest.ErrForbidden)
	if clusterErr != nil && !hidden {
		return nil, clusterErr
	}
	var common verdict
	if hidden {
		common.Note("the account may not see the cluster's state")
	} else {
		common = c.judge()
	}
	switch {
	case err != nil && common.Status() != volume.Offline: // else the cluster's word is enough
		return nil, err
	case !hidden && c.Alerts.Value > 0 && common.Words() != "":
		alerts, _, _ := b.alerts.Get(ctx) // they only explain
		common.explain(alerts)
	}
	name := b.scopeName(ctx)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Health, time.Time, error) {
		v := verdict{common.Clone()}
		f, err := list.find(o)
		switch {
		case err == nil:
			f.judge(&v, hidden)
		case list != nil:
			return volume.Health{}, at, err
		}
		return rest.Judged(v.Verdict, maxInfo, metadata(c, f, name)), at, nil
	}), nil
}

// The bounds of what is shown, in characters, and of alerts that are named.
const (
	maxInfo   = 500
	maxDetail = 100
	maxAlerts = 3
)

// verdict is about a cluster or one of its file systems.
type verdict struct{ volume.Verdict }

// explain names the alerts.
func (v *verdict) explain(alerts []alert) {
	for i, a := range alerts {
		if i == maxAlerts {
			v.Note("and %d more alerts", len(alerts)-i)
			return
		}
		v.Note("alert: %s", a)
	}
}

// judge is what the cluster's state means for its file systems. Counts alone do
// not degrade it: a healthy one can miss a drive for long.
func (c *cluster) judge() verdict {
	var v verdict
	switch word := strings.ToUpper(c.Status.String()); word {
	case "OK":
	case "REBUILDING", "PARTIALLY_PROTECTED", "UNPROTECTED", "REDISTRIBUTING":
		v.Worsen(volume.Degraded, "the cluster is %s%s", word, c.Rebuild)
	case "UNAVAILABLE", "UNINITIALIZED":
		v.Worsen(volume.Offline, "the cluster is %s%s", word, c.Rebuild)
	case "UNKNOWN":
		v.Worsen(volume.Unavailable, "the cluster's state is UNKNOWN to itself")
	default:
		v.Worsen(volume.Degraded, "unknown cluster state %q", detail(c.Status))
	}
	switch word := strings.ToUpper(c.IOStatus.String()); word {
	case "STARTED", "":
	case "STARTING", "STOPPING", "STOPPED", "PAUSING", "PAUSED", "NOT_STARTED":
		v.Worsen(volume.Offline, "I/O is %s", word)
	default:
		v.Worsen(volume.Degraded, "unknown I/O state %q", detail(c.IOStatus))
	}
	if c.Buckets.short() {
		v.Worsen(volume.Degraded, "%s buckets active", c.Buckets)
	}
	servers, what := c.backends()
	for _, n := range []struct {
		count
		what string
	}{{servers, what}, {c.Drives, "drives"}, {c.IONodes, "I/O processes"}} {
		if n.short() {
			v.Note("%s %s active", n.count, n.what)
		}
	}
	return v
}

// String is empty where nothing is lost.
func (r rebuild) String() string {
	var said []string
	for _, p := range r.Protection {
		if p.Failures.Value > 0 && p.Percent.Value > 0 && len(said) < 4 {
			said = append(said, fmt.Sprintf("%.4g %% of the data with %d failures", p.Percent.Value, p.Failures.Value))
		}
	}
	if r.Unavailable.Value > 0 {
		said = append(said, fmt.Sprintf("%.4g %% unavailable", r.Unavailable.Value))
	}
	if r.Progress.Value > 0 {
		said = append(said, fmt.Sprintf("rebuild at %.4g %%", r.Progress.Value))
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, ", ") + ")"
}

// judge adds what the file system's own record says. Where the cluster's state is
// hidden, the record must say in so many words that it is well.
func (f filesystem) judge(v *verdict, alone bool) {
	status := strings.ToUpper(f.Status.String())
	switch {
	case f.Removing.Value, status == "REMOVING":
		v.Worsen(volume.Offline, "the file system is being removed")
	case f.Creating.Value, status == "CREATING":
		v.Worsen(volume.Degraded, "the file system is being created")
	case f.Ready.Valid && !f.Ready.Value:
		v.Worsen(volume.Degraded, "the file system is not ready (%s)", detail(f.Status))
	case alone && status != "READY" && !f.Ready.Value:
		v.Worsen(volume.Degraded, "unknown file system state %q", detail(f.Status))
	}
}

// metadata are details, as short texts. c is nil where the cluster is hidden.
func metadata(c *cluster, f filesystem, scope string) map[string]string {
	facts := map[string]string{
		"performance_scope": scope,
		"filesystem_id":     f.ID.String(),
		"filesystem_uid":    f.UID.String(),
		"filesystem_group":  f.Group.String(),
		"filesystem_status": f.Status.String(),
	}
	if c == nil {
		return rest.Facts(facts, maxDetail)
	}
	maps.Copy(facts, map[string]string{
		"cluster_name":    c.Name.String(),
		"cluster_guid":    c.GUID.String(),
		"cluster_release": c.Release.String(),
		"cluster_status":  c.Status.String(),
		"io_status":       c.IOStatus.String(),
		"licensing_mode":  c.Licensing.Mode.String(),
	})
	if c.Alerts.Valid {
		facts["active_alerts"] = fmt.Sprint(c.Alerts.Value)
	}
	servers, what := c.backends()
	for _, n := range []struct {
		count
		what string
	}{{servers, what}, {c.Drives, "drives"}, {c.IONodes, "io_nodes"}, {c.Buckets, "buckets"}} {
		if n.Active.Valid && n.Total.Valid {
			facts[strings.ReplaceAll(n.what, " ", "_")] = n.count.String()
		}
	}
	return rest.Facts(facts, maxDetail)
}

func detail(t rest.Text) string { return rest.Clean(t.String(), maxDetail) }
