package vast

import (
	"context"
	"errors"
	"strconv"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// Health is what the cluster says of itself and, for a view, of its quota. A view
// of a cluster that is down is offline, whether it can be listed or not.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	var s surroundings
	if b.ofViews() {
		s.views, _, s.viewsErr = b.list(ctx)
	}
	clusters := b.ask(ctx)
	b.explain(ctx, &s, clusters)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Health, time.Time, error) {
		c := clusters[o.cluster]
		if c.err != nil {
			return volume.Health{}, c.at, c.err
		}
		verdict, facts := c.judge(), c.facts()
		facts["performance_scope"] = b.scope
		if b.ofViews() {
			if err := s.judge(o, &verdict, facts); err != nil && verdict.Status() != volume.Offline {
				return volume.Health{}, c.at, err
			}
		}
		facts["alarms"] = notKnown
		if s.alarmsErr == nil {
			facts["alarms"] = s.alarms.String()
			verdict.Add(volume.Healthy, s.alarms.words())
		}
		return rest.Judged(verdict.Verdict, maxInfo, rest.Facts(facts, maxDetail)), c.at, nil
	}), nil
}

// notKnown stands for what cannot be asked.
const notKnown = "unknown"

// surroundings are what health needs beside the clusters' own words. The quotas
// and the alarms only explain: health can do without.
type surroundings struct {
	views     views
	viewsErr  error
	quotas    quotas
	quotasErr error
	alarms    alarms
	alarmsErr error
}

// explain asks for the quotas and the alarms, where a cluster answered at all.
func (b *backend) explain(ctx context.Context, s *surroundings, clusters map[int]condition) {
	answered := false
	for _, c := range clusters {
		answered = answered || c.err == nil
	}
	if !answered {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, besides)
	defer cancel()
	if b.ofViews() {
		s.quotas, _, s.quotasErr = b.quotas.Get(ctx)
	}
	s.alarms, _, s.alarmsErr = b.alarms.Get(ctx)
}

// judge adds what is known of a volume's view. The error is the volume's.
func (s surroundings) judge(o options, v *verdict, facts map[string]string) error {
	if s.viewsErr != nil {
		return s.viewsErr
	}
	found, err := s.views.find(o)
	if err != nil {
		return err
	}
	found.describe(facts)
	facts["quota_state"] = notKnown
	if s.quotasErr != nil {
		if !rest.Refused(s.quotasErr) {
			v.Note("the quotas are not known: %s", s.quotasErr)
		}
		return nil
	}
	facts["quota_state"] = "none"
	for i, q := range s.quotas.of(found) {
		if q.judge(v); i == 0 {
			q.describe(facts)
		}
	}
	return nil
}

// facts are details for the metadata.
func (c *cluster) facts() map[string]string {
	return map[string]string{
		"cluster_name":          c.Name.String(),
		"cluster_guid":          c.GUID.String(),
		"sw_version":            c.Version.String(),
		"state":                 c.State.String(),
		"leader_state":          c.Leader.String(),
		"ssd_raid_state":        c.SSD.String(),
		"nvram_raid_state":      c.NVRAM.String(),
		"memory_raid_state":     c.Memory.String(),
		"raid_drives_can_fail":  number(c.MayFail),
		"upgrade_state":         c.Upgrade.String(),
		"expansion_state":       c.Expansion.String(),
		"usable_capacity_bytes": c.Usable.String(),
		"free_usable_capacity":  c.UsableFree.String(),
		"logical_space":         c.Logical.String(),
		"logical_space_in_use":  c.LogicalUsed.String(),
		"free_logical_space":    c.LogicalFree.String(),
		"data_reduction":        c.DataReduction.String(),
	}
}

func (v view) describe(facts map[string]string) {
	facts["view_id"] = number(v.ID)
	facts["view_name"] = v.Name.String()
	facts["tenant"] = v.Tenant.String()
	facts["view_logical_capacity"] = number(v.Logical)
	facts["view_physical_capacity"] = number(v.Physical)
}

func (q *quota) describe(facts map[string]string) {
	facts["quota_name"] = q.Name.String()
	facts["quota_state"] = q.State.String()
	facts["quota_hard_limit"] = number(q.Hard)
	facts["quota_soft_limit"] = number(q.Soft)
}

func number(i rest.Int) string {
	if !i.Valid {
		return ""
	}
	return strconv.FormatInt(i.Value, 10)
}
