package gpfs

import (
	"fmt"
	"strconv"
	"strings"

	"storage_exporter/volume/rest"
)

// metadata is what else there is to know about a volume, as text; what is not
// known is left out. Every text is short, however large the cluster is.
func (o *observed) metadata(v volumeOptions, fs filesystem, states []state) map[string]string {
	facts := map[string]string{
		"performance_scope":  "volume",
		"filesystem":         v.filesystem,
		"cluster_name":       o.cluster.Cluster.Summary.Name.String(),
		"cluster_id":         o.cluster.Cluster.Summary.ID.String(),
		"filesystem_uuid":    fs.UUID.String(),
		"filesystem_version": fs.Version.String(),
		"filesystem_type":    fs.Type.String(),
		"mount_point":        fs.Mount.MountPoint.String(),
		"bad_components":     o.badComponents(v.filesystem),
	}
	if fs.Mount.ReadWrite != nil || fs.Mount.ReadOnly != nil {
		facts["nodes_mounted"] = strconv.Itoa(len(fs.Mount.ReadWrite) + len(fs.Mount.ReadOnly))
	}
	if len(o.nodes) > 0 {
		active := 0
		for _, n := range o.nodes {
			if strings.EqualFold(n.Status.GPFSState.String(), "active") {
				active++
			}
		}
		facts["nodes_total"] = strconv.Itoa(len(o.nodes))
		facts["nodes_active"] = strconv.Itoa(active)
	}
	if total, free, ok := space(o.pools[v.filesystem], func(p pool) (rest.Int, rest.Int) { return p.TotalMeta, p.FreeMeta }); ok {
		facts["metadata_capacity_bytes"] = strconv.FormatUint(total, 10)
		facts["metadata_free_bytes"] = strconv.FormatUint(free, 10)
	}
	var tips []string
	for _, s := range states {
		if s.word() == "TIPS" {
			tips = append(tips, s.ReportingNode.String()+": "+s.reasons())
		}
	}
	facts["tips"] = names(tips)
	return rest.Facts(facts, longestFact)
}

// badComponents is all that is not well on the cluster, other file systems left
// out: NODE:COMPONENT:ENTITY=STATE(REASONS).
func (o *observed) badComponents(fs string) string {
	var bad []string
	for _, states := range [][]state{o.monitored.filesystems[fs], o.disks[fs], o.daemons, o.elsewhere} {
		for _, s := range states {
			if s.well() || len(bad) == longestFact { // the rest would be cut off
				continue
			}
			text := fmt.Sprintf("%s:%s:%s=%s", s.ReportingNode, s.Component, s.EntityName, s.word())
			if reasons := s.reasons(); reasons != "" {
				text += "(" + reasons + ")"
			}
			bad = append(bad, text)
		}
	}
	return strings.Join(bad, " ")
}
