package gpfs

import (
	"context"
	"errors"
	"net/url"

	"storage_exporter/volume/rest"
)

// allFields asks for what a list leaves out by itself.
func allFields() url.Values { return url.Values{"fields": {":all:"}} }

// node is one of GET /nodes.
type node struct {
	Name   rest.Text `json:"adminNodeName"`
	Status struct {
		GPFSState rest.Text `json:"gpfsState"` // active, arbitrating, down, unknown
	}
}

func (b *backend) fetchNodes(ctx context.Context) ([]node, error) {
	var nodes []node
	err := list(ctx, b.client, rest.Request{Path: "/nodes", Query: allFields(), Optional: true}, "nodes", func(n node) {
		nodes = append(nodes, n)
	})
	return nodes, err
}

// filesystem is one of GET /filesystems/{name}.
type filesystem struct {
	Name, UUID, Version, Type rest.Text
	Mount                     struct {
		MountPoint rest.Text
		Status     rest.Text   // on the GUI node
		ReadWrite  []rest.Text `json:"nodesMountedReadWrite"`
		ReadOnly   []rest.Text `json:"nodesMountedReadOnly"`
		Internally []rest.Text `json:"nodesMountedInternally"`
	}
}

// fetchFilesystems is by name.
func (b *backend) fetchFilesystems(ctx context.Context) (map[string]filesystem, error) {
	all := map[string]filesystem{}
	err := list(ctx, b.client, rest.Request{Path: b.scoped(""), Query: allFields(), Optional: true}, "filesystems", func(f filesystem) {
		all[f.Name.String()] = f
	})
	return all, b.absent(err)
}

// summary is the answer to GET /cluster.
type summary struct {
	Cluster struct {
		Summary struct {
			ID   rest.Text `json:"clusterId"`
			Name rest.Text `json:"clusterName"`
		} `json:"clusterSummary"`
	}
}

func (b *backend) fetchCluster(ctx context.Context) (summary, error) {
	var s summary
	err := b.client.GetOptional(ctx, "/cluster", nil, &s)
	return s, err
}

// scoped is the path of what is below the file systems: all of them in one call,
// or the only one.
func (b *backend) scoped(below string) string {
	return "/filesystems/" + url.PathEscape(b.scope) + below
}

// absent explains the API's 400 or 404 where a file system was named.
func (b *backend) absent(err error) error {
	if b.scope != allFilesystems && refused(err) {
		return rest.Absent("file system %q", b.scope)
	}
	return err
}

// refused is whether the API does not know what it was asked for: it says 400
// for an unknown name, too.
func refused(err error) bool {
	return errors.Is(err, rest.ErrRejected) || errors.Is(err, rest.ErrNotFound)
}
