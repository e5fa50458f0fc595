package gpfs

import (
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// said is a state of a component on a node; entity is the file system or the disk.
func said(component, entity, where, word string, reasons ...rest.Text) state {
	s := state{
		Component: rest.Text(component), EntityName: rest.Text(entity), ParentName: "fs1", ReportingNode: rest.Text(where),
		State: rest.Text(word), Reasons: reasons,
	}
	switch component {
	case "FILESYSTEM":
		s.EntityType = "FILESYSTEM"
	case "DISK":
		s.EntityType = "NSD"
	}
	return s
}

func nodesIn(words ...string) []node {
	nodes := make([]node, len(words))
	for i, w := range words {
		nodes[i].Name = rest.Text("n" + string(rune('1'+i)))
		nodes[i].Status.GPFSState = rest.Text(w)
	}
	return nodes
}

func TestJudge(t *testing.T) {
	well := func(more ...state) []state {
		return append([]state{said("FILESYSTEM", "fs1", "n1", "HEALTHY"), said("FILESYSTEM", "fs1", "n2", "HEALTHY")}, more...)
	}
	on := func(word1, word2 string) []state {
		return []state{said("FILESYSTEM", "fs1", "n1", word1), said("FILESYSTEM", "fs1", "n2", word2)}
	}
	mounted := func(rw, ro, inside []rest.Text, word string) filesystem {
		var fs filesystem
		fs.Name, fs.Mount.ReadWrite, fs.Mount.ReadOnly, fs.Mount.Internally, fs.Mount.Status = "fs1", rw, ro, inside, rest.Text(word)
		return fs
	}
	full := rest.Int{Value: 1000, Valid: true}
	tests := []struct {
		name     string
		states   []state
		nodes    []node
		fs       filesystem
		pools    []pool
		readOnly bool
		want     volume.Status
		info     string
	}{
		{name: "healthy", states: well(), nodes: nodesIn("active", "ACTIVE"), want: volume.Healthy},
		{name: "hints", states: on("TIPS", "TIPS"), want: volume.Healthy},
		{name: "starting", states: on("CHECKING", "HEALTHY"), want: volume.Healthy},
		{name: "not monitored", states: on("DISABLED", "HEALTHY"), want: volume.Healthy},
		{name: "failed on one", states: on("FAILED", "HEALTHY"), want: volume.Degraded, info: "file system fs1 is FAILED on n1"},
		{name: "failed on all", states: on("FAILED", "DEPEND"), want: volume.Offline, info: "file system fs1 is DEPEND on n2; file system fs1 is FAILED on n1"},
		{name: "degraded on all", states: on("DEGRADED", "DEGRADED"), want: volume.Degraded, info: "file system fs1 is DEGRADED on n1, n2"},
		{name: "unknown on one", states: on("UNKNOWN", "HEALTHY"), want: volume.Degraded, info: "file system fs1 is UNKNOWN on n1"},
		{name: "unknown on all", states: on("UNKNOWN", ""), want: volume.Unavailable, info: "file system fs1 is UNKNOWN on n1, n2"},
		{name: "failed and unknown", states: on("FAILED", "UNKNOWN"), want: volume.Degraded, info: "file system fs1 is FAILED on n1; file system fs1 is UNKNOWN on n2"},
		{name: "a new word", states: on("SIDEWAYS", "healthy"), want: volume.Degraded, info: "file system fs1 is SIDEWAYS on n1"},
		{name: "no state", states: []state{said("FILESYSTEM", "fs2", "n1", "HEALTHY")}, want: volume.Unavailable, info: "no health state is reported for file system fs1: check that the health monitor (mmhealth) runs"},
		{name: "a disk", states: well(said("DISK", "nsd1", "n1", "FAILED", "disk_down")), want: volume.Degraded, info: "disk nsd1 is FAILED (disk_down)"},
		{name: "a disk with hints", states: well(said("DISK", "nsd1", "n1", "TIPS")), want: volume.Healthy},
		{name: "GPFS", states: well(said("GPFS", "n1", "n1", "DEPEND", "gpfs_down")), want: volume.Degraded, info: "GPFS is DEPEND on n1 (gpfs_down)"},
		{name: "a node for something else", states: well(said("NODE", "n1", "n1", "DEGRADED")), want: volume.Healthy},
		{name: "a node that failed", states: well(said("NODE", "n1", "n1", "FAILED")), want: volume.Degraded, info: "NODE is FAILED on n1"},
		{name: "components that carry nothing", states: well(said("GUI", "n1", "n1", "FAILED"), said("CES", "n1", "n1", "UNKNOWN")), want: volume.Healthy},
		{name: "one inactive", states: well(), nodes: nodesIn("active", "down", "unknown"), want: volume.Degraded, info: "GPFS is not active on 2 of 3 nodes: n2 (down), n3 (unknown)"},
		{name: "no quorum", states: on("UNKNOWN", "UNKNOWN"), nodes: nodesIn("down", "arbitrating"), want: volume.Offline, info: "GPFS is not active on any of 2 nodes: start it with mmstartup, or bring back a quorum; file system fs1 is UNKNOWN on n1, n2"},
		{name: "not told", states: well(), nodes: nodesIn("", ""), want: volume.Degraded, info: "GPFS is not active on 2 of 2 nodes: n1 (not told), n2 (not told)"},
		{name: "mounted", states: well(), fs: mounted([]rest.Text{"n1"}, nil, nil, "not mounted"), want: volume.Healthy},
		{name: "mounted nowhere", states: on("DISABLED", "CHECKING"), fs: mounted([]rest.Text{}, []rest.Text{}, []rest.Text{}, "not mounted"), want: volume.Offline, info: "it is not mounted on any node: mount it with mmmount"},
		{
			name: "mounted nowhere and well", states: on("TIPS", "DISABLED"), fs: mounted([]rest.Text{}, []rest.Text{}, []rest.Text{}, "not mounted"), want: volume.Degraded,
			info: "the GUI's list of mounts has it on no node, but its health is good on n1: check it with mmlsmount",
		},
		{name: "mounts not told", states: well(), fs: mounted(nil, nil, nil, ""), want: volume.Healthy},
		{name: "mounted internally", states: well(), fs: mounted([]rest.Text{}, []rest.Text{}, []rest.Text{"n1"}, "not mounted"), want: volume.Healthy},
		{name: "read-only", states: well(), fs: mounted([]rest.Text{}, []rest.Text{"n1"}, nil, "mounted"), want: volume.Degraded, info: "it is mounted read-only on all nodes: n1"},
		{name: "read-only on purpose", states: well(), fs: mounted([]rest.Text{}, []rest.Text{"n1"}, nil, "mounted"), readOnly: true, want: volume.Healthy},
		{
			name: "no room for metadata", states: well(), pools: []pool{{TotalMeta: full, FreeMeta: rest.Int{Value: 5, Valid: true}}},
			want: volume.Degraded, info: "its metadata is full (0.5 % left): delete files or add disks",
		},
		{name: "room", states: well(), pools: []pool{{TotalMeta: full, FreeMeta: full, TotalData: full, FreeData: full}}, want: volume.Healthy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observed{monitored: sortStates(tt.states), nodes: tt.nodes, filesystems: map[string]filesystem{"fs1": tt.fs}, pools: map[string][]pool{"fs1": tt.pools}}
			got, err := o.judge(volumeOptions{filesystem: "fs1", readOnly: tt.readOnly})
			if err != nil || got.Status != tt.want || got.Info != tt.info {
				t.Errorf("%s (%s), %v\nnot %s (%s)", got.Status, got.Info, err, tt.want, tt.info)
			}
		})
	}
}

// What is shown stays short on a cluster of thousands.
func TestJudgeIsShort(t *testing.T) {
	o := observed{filesystems: map[string]filesystem{}}
	var states []state
	for range 5000 {
		where := rest.Text(strings.Repeat("n", len(states)%300+1))
		states = append(states, said("FILESYSTEM", "fs1", where.String(), "DEGRADED", where), said("DISK", "d", where.String(), where.String()))
		o.nodes = append(o.nodes, node{Name: where})
	}
	o.monitored = sortStates(states)
	got, err := o.judge(volumeOptions{filesystem: "fs1"})
	if err != nil || len([]rune(got.Info)) > longestInfo || got.Status != volume.Degraded {
		t.Errorf("%d characters, %s, %v", len(got.Info), got.Status, err)
	}
	for key, fact := range got.Metadata {
		if len([]rune(fact)) > longestFact {
			t.Errorf("%s has %d characters", key, len(fact))
		}
	}
}
