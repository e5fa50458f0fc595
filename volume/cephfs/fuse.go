package cephfs

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
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

// nanoseconds is how many microseconds one of them is.
const nanoseconds = 0.001

// counters takes the figures where both make sense; the time is in nanoseconds.
func (a average) counters() rates.Counters {
	c := rates.Counters{Ops: a.Count}
	if seconds, err := a.Sum.Float64(); err == nil && seconds >= 0 && seconds < math.MaxInt64/1e9 {
		c.Time = new(uint64(seconds * 1e9))
	}
	return c
}

// sample reads the counters of the ceph-fuse that serves a mount.
func (f *fuse) sample(ctx context.Context, m mount.Mount, table mount.Table) (rates.Sample, error) {
	socket, st, err := f.sockets.serving(ctx, pointsOf(table, m))
	if err != nil {
		return rates.Sample{}, err
	}
	var c counters
	if err := askFor(ctx, socket, "perf dump", &c); err != nil {
		return rates.Sample{}, err
	}
	return c.sample(socket, st)
}

func (c counters) sample(socket string, st *status) (rates.Sample, error) {
	s := rates.Sample{Identity: st.identity(), TimeUnit: nanoseconds, Read: c.Client.Read.counters(), Write: c.Client.Write.counters()}
	if s.Read.Ops == nil && s.Write.Ops == nil {
		return rates.Sample{}, mount.Unsupported("%s counts no reads and writes", socket)
	}
	s.Write.Bytes = c.Objecter.SentBytes
	return s, nil
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
