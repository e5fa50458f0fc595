package weka

import (
	"context"
	"strconv"
	"strings"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// filesystem is one of the list of file systems. Sizes are in bytes.
type filesystem struct {
	ID       rest.Text // "FSId<1>"
	UID      rest.Text `json:"uid"`
	Name     rest.Text
	Group    rest.Text `json:"group_name"`
	Status   rest.Text // READY and others; not all are known
	Ready    rest.Flag `json:"is_ready"`
	Creating rest.Flag `json:"is_creating"`
	Removing rest.Flag `json:"is_removing"`
	Total    rest.Int  `json:"total_budget"` // provisioned
	Used     rest.Int  `json:"used_total"`   // data and metadata
	Free     rest.Int  `json:"free_total"`
}

// number is the one in the id, by which the statistics know the file system. The
// first is 0.
func (f filesystem) number() (int, bool) {
	inner, ok := strings.CutPrefix(f.ID.String(), "FSId<")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(inner, ">"))
	return n, err == nil && n >= 0
}

// filesystems are those that the account may see, by name. Names are unique in an
// organization.
type filesystems map[string]filesystem

func (all filesystems) find(o options) (filesystem, error) {
	f, ok := all[o.fs]
	if !ok {
		return f, rest.Absent("file system %q", rest.Clean(o.fs, 100))
	}
	return f, nil
}

// replaces is whether a file system counts instead of another of its name: one that
// is removed does not, and of two that stay the one with less room.
func (f filesystem) replaces(other filesystem) bool {
	if f.Removing.Value != other.Removing.Value {
		return other.Removing.Value
	}
	return f.usage().Tighter(other.usage())
}

func (f filesystem) usage() volume.Usage {
	return volume.Usage{CapacityBytes: f.Total.Amount(), UsedBytes: f.Used.Amount(), AvailableBytes: f.Free.Amount()}
}

// fetchFilesystems gets the list; it has no pages.
func (b *backend) fetchFilesystems(ctx context.Context) (filesystems, error) {
	return rest.Fetch(ctx, b.client, rest.Request{Path: "/fileSystems"}, filesystemsOf)
}

func filesystemsOf(answer *rest.Answer) (filesystems, error) {
	var said struct{ Data []filesystem }
	if err := answer.Decode(&said); err != nil {
		return nil, err
	}
	if said.Data == nil {
		return nil, rest.Nonsense("the list of file systems is missing in the answer")
	}
	all := filesystems{}
	for _, f := range said.Data {
		if other, known := all[f.Name.String()]; !known || f.replaces(other) {
			all[f.Name.String()] = f
		}
	}
	return all, nil
}
