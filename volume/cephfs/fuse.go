package cephfs

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"storage_exporter/volume/mount"
)

// fuse asks a ceph-fuse by its admin socket. That never touches the mount.
type fuse struct{ sockets sockets }

func newFuse(host *mount.Host, socket string) *fuse {
	return &fuse{sockets{configured: socket, dirs: []string{host.Path("/run/ceph"), host.Path("/var/run/ceph")}}}
}

// status is what a ceph-fuse says of itself.
type status struct {
	ID       uint64 `json:"id"` // of the client
	Metadata struct {
		MountPoint string `json:"mount_point"`
		PID        string `json:"pid"`
		Version    string `json:"ceph_version"`
	} `json:"metadata"`
	FSName      string `json:"fs_name"`
	Blocklisted bool   `json:"blocklisted"`
	Blacklisted bool   `json:"blacklisted"` // before Pacific
}

func askStatus(ctx context.Context, socket string) (*status, error) {
	st := new(status)
	if err := askFor(ctx, socket, "status", st); err != nil {
		return nil, err
	}
	return st, nil
}

// identity names the process and its counters.
func (s *status) identity() string {
	return "client" + strconv.FormatUint(s.ID, 10) + " " + s.Metadata.PID
}

// counters is the part of `perf dump` that matters. The key rdops is there twice,
// the second time for the writes: the averages count both rightly.
type counters struct {
	Client struct {
		Read  average `json:"rdlat"`
		Write average `json:"wrlat"`
	} `json:"client"`
	Objecter struct {
		// Of all requests to the OSDs, those that are sent again included. There is
		// no counter of bytes read.
		SentBytes *uint64 `json:"op_send_bytes"`
	} `json:"objecter"`
}

// average is a count and what it took in all, in seconds.
type average struct {
	Count *uint64     `json:"avgcount"`
	Sum   json.Number `json:"sum"`
}

// direction takes the figures where both make sense.
func (a average) direction() direction {
	d := direction{ops: a.Count}
	if seconds, err := a.Sum.Float64(); err == nil && seconds >= 0 && seconds < math.MaxInt64/1e9 {
		d.spent = new(uint64(seconds * 1e9))
	}
	return d
}

// reading reads the counters of the ceph-fuse that serves a mount.
func (f *fuse) reading(ctx context.Context, m mount.Mount, table mount.Table) (reading, error) {
	socket, st, err := f.sockets.serving(ctx, pointsOf(table, m))
	if err != nil {
		return reading{}, err
	}
	var c counters
	if err := askFor(ctx, socket, "perf dump", &c); err != nil {
		return reading{}, err
	}
	return c.reading(socket, st)
}

func (c counters) reading(socket string, st *status) (reading, error) {
	r := reading{identity: st.identity(), read: c.Client.Read.direction(), write: c.Client.Write.direction()}
	if r.read.ops == nil && r.write.ops == nil {
		return reading{}, mount.Unsupported("%s counts no reads and writes", socket)
	}
	r.write.bytes = c.Objecter.SentBytes
	return r, nil
}

// condition is how a ceph-fuse is: its status, nil where it cannot be asked, and
// what waits for an answer of a metadata server.
func (f *fuse) condition(ctx context.Context, point *mount.Point) (*status, waiting) {
	m, table, _, err := point.Find(ctx)
	if err != nil {
		return nil, waiting{}
	}
	socket, st, err := f.sockets.serving(ctx, pointsOf(table, m))
	if err != nil {
		return nil, waiting{}
	}
	answer, err := ask(ctx, socket, "mds_requests")
	if err != nil {
		return st, waiting{}
	}
	return st, parseRequests(answer)
}

func (s *status) blocklisted() bool { return s != nil && (s.Blocklisted || s.Blacklisted) }
