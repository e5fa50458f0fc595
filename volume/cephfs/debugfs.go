package cephfs

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/outside"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
)

// maxClients bounds how many clients of a host are looked through, those of RBD
// among them.
const maxClients = 16384

// debugfs is where the kernel shows what its clients count. Reading it asks
// nobody but the kernel, which may hold a client's lock for as long as it likes.
type debugfs struct {
	host *mount.Host
	dir  string

	mu    sync.Mutex // guards the fields below
	mount string     // the mount whose client is known
	known string     // its directory
}

func newDebugfs(host *mount.Host, dir string) *debugfs {
	return &debugfs{host: host, dir: cmp.Or(dir, host.Sys("kernel", "debug", "ceph"))}
}

// sample reads the counters of a mount's client.
func (d *debugfs) sample(ctx context.Context, point *mount.Point, m mount.Mount) (rates.Sample, error) {
	key := m.Device + " metrics"
	clients, err := mount.Guarded(ctx, d.host, key, d.clients)
	if err != nil {
		return rates.Sample{}, err
	}
	client, err := d.choose(ctx, point, m, clients)
	if err != nil {
		return rates.Sample{}, err
	}
	return mount.Guarded(ctx, d.host, key, func() (rates.Sample, error) { return d.read(client) })
}

// clients lists the directories with counters of CephFS; those of RBD have none.
func (d *debugfs) clients() (map[string]bool, error) {
	all, err := outside.Names(d.dir, maxClients)
	if err != nil {
		return nil, d.explain(err)
	}
	clients := map[string]bool{}
	for _, name := range all {
		if _, err := os.Lstat(filepath.Join(d.dir, name, "metrics")); err == nil {
			clients[name] = true
		}
	}
	if len(clients) == 0 {
		return nil, mount.Unsupported("no CephFS client has counters in %s: that needs Linux 5.8", d.dir)
	}
	return clients, nil
}

func (d *debugfs) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return mount.Unsupported("the kernel client's counters may not be read (%v): run as root or give CAP_DAC_READ_SEARCH", err)
	case errors.Is(err, fs.ErrNotExist):
		return mount.Unsupported("the kernel client's counters are not to be seen in %s: mount debugfs, or set ceph_debugfs_path", d.dir)
	}
	return err
}

// choose finds the client of a mount: the one that the mount names, or the only one
// there is.
func (d *debugfs) choose(ctx context.Context, point *mount.Point, m mount.Mount, clients map[string]bool) (string, error) {
	if known := d.clientOf(m, attributes{}); clients[known] { // a mount keeps its client, and a client its directory
		return known, nil
	}
	values, _, err := point.Xattrs(ctx, clusterID, clientID)
	asked := attributes{values: values}
	own, ok := asked.instance()
	switch {
	case ok && clients[own.directory()]:
		return d.clientOf(m, asked), nil
	case ok:
		return "", mount.Unsupported("%s has no counters of %s, which is mounted on %s", d.dir, own.directory(), m.Point)
	case len(clients) == 1:
		for only := range clients {
			return only, nil
		}
	case err != nil:
		return "", err
	}
	return "", mount.Unsupported("%s has several clients, and the mount on %s does not tell which is its own: that needs Linux 5.11", d.dir, m.Point)
}

// clientOf is the client's directory as the mount names it now, or did last; "" where
// neither is known.
func (d *debugfs) clientOf(m mount.Mount, asked attributes) string {
	i, ok := asked.instance()
	d.mu.Lock()
	defer d.mu.Unlock()
	if key := m.Device + " " + m.Source; ok {
		d.mount, d.known = key, i.directory()
	} else if d.mount != key {
		return ""
	}
	return d.known
}

// read reads the counters of one client: newer kernels have a directory of
// files, older ones a single file. Some count no bytes.
func (d *debugfs) read(client string) (rates.Sample, error) {
	s := rates.Sample{Identity: client}
	metrics := filepath.Join(d.dir, client, "metrics")
	for _, name := range []string{"latency", "size"} {
		content, err := mount.ReadFile(filepath.Join(metrics, name))
		if errors.Is(err, unix.ENOTDIR) {
			content, err = mount.ReadFile(metrics)
		}
		if name == "size" && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return rates.Sample{}, d.explain(err)
		}
		takeTables(&s, content)
	}
	if s.Read.Ops == nil && s.Write.Ops == nil {
		return rates.Sample{}, mount.Unsupported("%s counts no reads and writes", metrics)
	}
	return s, nil
}
