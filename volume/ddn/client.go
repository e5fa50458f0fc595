package ddn

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// maxNames bounds the entries of a directory.
const maxNames = 16384

// client is the Lustre client of this host, as the kernel shows it. It is only
// ever read: writing to a statistics file clears it.
type client struct {
	// roots may each have a part of what there is: releases moved it from procfs
	// to debugfs and sysfs.
	roots []string
}

func newClient(host *mount.Host, extra string) client {
	c := client{roots: []string{
		host.Sys("kernel", "debug", "lustre"), host.Sys("fs", "lustre"), host.Proc("fs", "lustre"),
	}}
	if extra != "" {
		c.roots = slices.Insert(c.roots, 0, extra)
	}
	return c
}

// reading is the statistics of one mount of a file system, called by its
// directory: the file system's name and an id that is new with each mount.
type reading struct {
	instance string
	stats    stats
}

// readings are those of all of this host's mounts of the file system, by name.
// volume.ErrUnsupported says that there are none to be read, and what to do.
func (c client) readings(fsname string) ([]reading, error) {
	var found []reading
	var denied error
	seen := map[string]bool{}
	for _, root := range c.roots {
		dirs, err := outside.Names(filepath.Join(root, "llite"), maxNames)
		if errors.Is(err, fs.ErrPermission) {
			denied = err
		}
		for _, dir := range dirs {
			name, id := cutLast(dir, "-")
			if name != fsname || !isID(id) || seen[dir] {
				continue
			}
			file := filepath.Join(root, "llite", dir, "stats")
			content, err := mount.ReadFile(file)
			if errors.Is(err, fs.ErrPermission) {
				denied = err
			}
			if err != nil {
				continue // it is in another root, or was unmounted
			}
			s, err := parseStats(content)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			seen[dir] = true
			found = append(found, reading{dir, s})
		}
	}
	switch {
	case len(found) > 0:
		slices.SortFunc(found, func(a, b reading) int { return strings.Compare(a.instance, b.instance) })
		return found, nil
	case denied != nil:
		return nil, fmt.Errorf("no permission to read the client's counters: run as root or give CAP_DAC_READ_SEARCH (%w): %w", denied, volume.ErrUnsupported)
	default:
		return nil, fmt.Errorf("no counters of a client of %s in llite below %s: mount debugfs, or set lustre_path: %w",
			fsname, strings.Join(c.roots, ", "), volume.ErrUnsupported)
	}
}

// file reads the first of the roots' files of that name; nil when there is none.
func (c client) file(parts ...string) []byte {
	for _, root := range c.roots {
		content, err := mount.ReadFile(filepath.Join(root, filepath.Join(parts...)))
		if err == nil {
			return content
		}
	}
	return nil
}

func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return s, ""
}

var id = regexp.MustCompile(`^[0-9a-fA-F]{1,32}$`)

// isID is whether this is what the kernel calls a mount.
func isID(s string) bool { return id.MatchString(s) }

// fsOf takes the file system's name from what is mounted: `nid[:nid]:/name[/directory]`.
func fsOf(source string) (string, bool) {
	i := strings.Index(source, ":/")
	if i < 0 {
		return "", false
	}
	name, _, _ := strings.Cut(source[i+2:], "/")
	return name, name != "" && name != "." && name != ".."
}
