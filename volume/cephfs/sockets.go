package cephfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"storage_exporter/internal/outside"
	"storage_exporter/volume/mount"
)

const (
	// maxFiles bounds how many names of a directory are looked at.
	maxFiles = 4096
	// maxSockets bounds how many processes are asked whether the mount is theirs.
	maxSockets = 64
	// searchPause is how long a search that found nothing is not repeated.
	searchPause = time.Minute
)

// daemons are the names of sockets that are no client's.
var daemons = regexp.MustCompile(`-(mon|mgr|osd|mds)\.`)

// sockets finds the admin socket of the ceph-fuse that serves a mount.
type sockets struct {
	configured string
	dirs       []string // where Ceph's processes have theirs; later ones may be the same directory

	mu       sync.Mutex // guards the fields below
	found    string     // the last one
	failed   error      // why the last search found none; nil when it did
	failedAt time.Time
}

// serving returns the socket of the process that is mounted on one of the points,
// and what it says of itself.
func (s *sockets) serving(ctx context.Context, points []string) (string, *status, error) {
	if s.configured != "" {
		st, err := askStatus(ctx, s.configured)
		return s.configured, st, err
	}
	s.mu.Lock()
	found, failed := s.found, s.failed
	if time.Since(s.failedAt) >= searchPause {
		failed = nil
	}
	s.mu.Unlock()
	if found != "" {
		st, err := askStatus(ctx, found)
		if err == nil && slices.Contains(points, st.Metadata.MountPoint) {
			return found, st, nil
		}
		if err != nil && ctx.Err() != nil {
			return "", nil, err
		}
	} else if failed != nil {
		return "", nil, failed
	}
	found, st, err := s.search(ctx, points)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found, s.failed = found, nil
	if err != nil && ctx.Err() == nil {
		s.failed, s.failedAt = err, time.Now()
	}
	return found, st, err
}

func (s *sockets) search(ctx context.Context, points []string) (string, *status, error) {
	var asked, refused int
	var silent error
	for _, socket := range s.candidates() {
		st, err := askStatus(ctx, socket)
		switch {
		case err == nil && slices.Contains(points, st.Metadata.MountPoint):
			return socket, st, nil
		case ctx.Err() != nil:
			return "", nil, err
		case errors.Is(err, fs.ErrPermission):
			refused++
		case errors.Is(err, context.DeadlineExceeded):
			silent = err
		}
		asked++
	}
	switch {
	case silent != nil:
		return "", nil, silent
	case refused > 0:
		return "", nil, mount.Unsupported("the admin socket of the ceph-fuse on %s may not be used: run as root", points[0])
	default:
		return "", nil, mount.Unsupported("none of %d admin sockets in %s is of the ceph-fuse on %s: set ceph_admin_socket", asked, s.dirs[0], points[0])
	}
}

// candidates are the sockets of clients, the newest first.
func (s *sockets) candidates() []string {
	type candidate struct {
		name string
		made time.Time
	}
	for _, dir := range s.dirs {
		files, err := outside.Names(dir, maxFiles)
		if err != nil {
			continue
		}
		var all []candidate
		for _, file := range files {
			if filepath.Ext(file) != ".asok" || daemons.MatchString(file) {
				continue
			}
			name := filepath.Join(dir, file)
			if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSocket != 0 {
				all = append(all, candidate{name, info.ModTime()})
			}
		}
		slices.SortStableFunc(all, func(a, b candidate) int { return b.made.Compare(a.made) })
		newest := make([]string, 0, maxSockets)
		for _, c := range all[:min(len(all), maxSockets)] {
			newest = append(newest, c.name)
		}
		return newest
	}
	return nil
}

// points are the mount points of a device.
func pointsOf(table mount.Table, m mount.Mount) []string {
	points := []string{m.Point}
	for _, other := range table {
		if other.Device == m.Device && other.Point != m.Point {
			points = append(points, other.Point)
		}
	}
	return points
}
