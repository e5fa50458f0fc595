package vast

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"storage_exporter/volume/rest"
)

// cluster is what a cluster says of itself. It has some 250 fields: only these
// are asked for.
type cluster struct {
	Name, GUID rest.Text
	Version    rest.Text `json:"sw_version"`
	State      rest.Text
	Enabled    rest.Flag
	Leader     rest.Text `json:"leader_state"`

	SSD            rest.Text  `json:"ssd_raid_state"`
	NVRAM          rest.Text  `json:"nvram_raid_state"`
	Memory         rest.Text  `json:"memory_raid_state"`
	SSDProgress    rest.Float `json:"ssd_raid_rebuild_progress"` // percent
	NVRAMProgress  rest.Float `json:"nvram_raid_rebuild_progress"`
	MayFail        rest.Int   `json:"raid_drives_can_fail"`
	MetadataHealth rest.Text  `json:"md_usage_health"`
	StripesHealth  rest.Text  `json:"remaining_stripes_health"`
	Upgrade        rest.Text  `json:"upgrade_state"`
	Expansion      rest.Text  `json:"expansion_state"`
	Physical       rest.Int   `json:"physical_space"` // bytes, less a reserve
	PhysicalUsed   rest.Int   `json:"physical_space_in_use"`
	InodesUsed     rest.Int   `json:"logical_inodes_in_use_num"`
	Usable         rest.Text  `json:"usable_capacity_bytes"` // shown only, as all that follow
	UsableFree     rest.Text  `json:"free_usable_capacity"`
	Logical        rest.Text  `json:"logical_space"`
	LogicalUsed    rest.Text  `json:"logical_space_in_use"`
	LogicalFree    rest.Text  `json:"free_logical_space"`
	DataReduction  rest.Text  `json:"drr"`
	ReadOps        rest.Float `json:"rd_iops"` // a second, without those on metadata
	WriteOps       rest.Float `json:"wr_iops"`
	ReadBytes      rest.Float `json:"rd_bw"` // a second; rd_bw_mb is rounded
	WriteBytes     rest.Float `json:"wr_bw"`
	ReadLatency    rest.Float `json:"rd_latency"` // microseconds; rd_latency_ms is rounded
	WriteLatency   rest.Float `json:"wr_latency"`
}

// clusterFields are the names of the fields above.
var clusterFields = []string{
	"name", "guid", "sw_version", "state", "enabled", "leader_state",
	"ssd_raid_state", "nvram_raid_state", "memory_raid_state", "ssd_raid_rebuild_progress", "nvram_raid_rebuild_progress",
	"raid_drives_can_fail", "md_usage_health", "remaining_stripes_health", "upgrade_state", "expansion_state",
	"physical_space", "physical_space_in_use", "logical_inodes_in_use_num",
	"usable_capacity_bytes", "free_usable_capacity", "logical_space", "logical_space_in_use", "free_logical_space", "drr",
	"rd_iops", "wr_iops", "rd_bw", "wr_bw", "rd_latency", "wr_latency",
}

// fields asks for these alone.
func fields(names ...string) url.Values {
	return url.Values{"fields": {strings.Join(names, ",")}}
}

// fetchCluster asks a cluster how it is.
func (b *backend) fetchCluster(id int) func(context.Context) (*cluster, error) {
	return func(ctx context.Context) (*cluster, error) {
		r := rest.Request{Path: fmt.Sprintf("/clusters/%d/", id), Query: fields(clusterFields...)}
		c, err := rest.Fetch(ctx, b.client, r, clusterOf)
		if refusal, ok := errors.AsType[*rest.Error](err); ok && errors.Is(refusal, rest.ErrNotFound) && refusal.Detail != "" {
			return nil, rest.Absent("cluster %d (vast_cluster_id)", id) // it is the API that says so
		}
		return c, err
	}
}

func clusterOf(answer *rest.Answer) (*cluster, error) {
	var c cluster
	if err := answer.Decode(&c); err != nil {
		return nil, err
	}
	if c.State == "" {
		return nil, rest.Nonsense("the answer does not say what state the cluster is in")
	}
	return &c, nil
}
