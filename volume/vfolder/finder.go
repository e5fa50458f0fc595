// Package vfolder finds the volumes that hold a Backend.AI folder. It looks for the
// folder's own directory on the volumes that are mounted on this host, and opens
// nothing of what is in it.
package vfolder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"storage_exporter/internal/outside"
	"storage_exporter/volume/mount"
)

// A folder's directory is SCOPE/aa/bb/rest below its volume's path: the UUID of whose
// it is, and the folder's own, both as 32 digits. Earlier it had no scope.
var scopeName = regexp.MustCompile(`^[0-9a-f]{32}$`)

const (
	maxScopes   = 20_000 // of one volume
	scopesLive  = 10 * time.Minute
	foundLives  = time.Hour
	absentLives = 30 * time.Second
	maxKnown    = 10_000 // folders that are remembered
	askTime     = 3 * time.Second
	// A search looks at every scope of every volume: so many at most in a minute.
	maxSearches = 60
)

// Volume is where folders may be.
type Volume struct{ Name, Path string }

// ErrBusy says that too many folders were looked for in the last minute.
var ErrBusy = errors.New("too many folders were looked for: try again in a minute")

// Finder finds folders and remembers where they were.
type Finder struct {
	host    *mount.Host
	volumes func() []Volume

	mu       sync.Mutex // guards the fields below
	known    map[string]known
	scopes   map[string]scopes // by path
	searches []time.Time       // those of the last minute
}

type known struct {
	names []string
	until time.Time
}

type scopes struct {
	names []string
	until time.Time
}

// New makes a finder on the volumes that volumes returns at the time.
func New(host *mount.Host, volumes func() []Volume) *Finder {
	return &Finder{host: host, volumes: volumes, known: make(map[string]known), scopes: make(map[string]scopes)}
}

// Find returns the names of the volumes that hold the folder, in their order; id is its
// UUID as 32 digits in lower case. err says which volumes could not be asked.
func (f *Finder) Find(ctx context.Context, id string) (names []string, err error) {
	if !scopeName.MatchString(id) {
		return nil, fmt.Errorf("%q is no folder's id", id)
	}
	now := time.Now()
	f.mu.Lock()
	k, ok := f.known[id]
	ok = ok && now.Before(k.until)
	busy := false
	if !ok {
		f.searches = slices.DeleteFunc(f.searches, func(at time.Time) bool { return now.Sub(at) > time.Minute })
		if busy = len(f.searches) >= maxSearches; !busy {
			f.searches = append(f.searches, now)
		}
	}
	f.mu.Unlock()
	switch {
	case ok:
		return k.names, nil
	case busy:
		return nil, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	volumes := f.volumes()
	found, errs := make([]bool, len(volumes)), make([]error, len(volumes))
	var wg sync.WaitGroup
	for i, v := range volumes {
		wg.Go(func() { found[i], errs[i] = f.on(ctx, v, id) })
	}
	wg.Wait()
	for i, v := range volumes {
		if found[i] {
			names = append(names, v.Name)
		}
		if errs[i] != nil {
			errs[i] = fmt.Errorf("volume %s was not asked: %w", v.Name, errs[i])
		}
	}
	if err := errors.Join(errs...); err != nil {
		return names, err // not remembered: it may be on that volume
	}
	f.remember(id, names)
	return names, nil
}

func (f *Finder) remember(id string, names []string) {
	lives := foundLives
	if len(names) == 0 {
		lives = absentLives
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= maxKnown {
		for other, k := range f.known {
			if len(f.known) > maxKnown*9/10 || now.After(k.until) {
				delete(f.known, other)
			}
		}
	}
	f.known[id] = known{names, now.Add(lives)}
}

// on looks for the folder on one volume. A volume that hangs is not waited for longer
// than ctx, and has one call under way.
func (f *Finder) on(ctx context.Context, v Volume, id string) (bool, error) {
	path := f.host.Path(v.Path)
	now := time.Now()
	f.mu.Lock()
	s, fresh := f.scopes[path]
	fresh = fresh && now.Before(s.until)
	f.mu.Unlock()
	type answer struct {
		found  bool
		scopes []string
	}
	a, err := mount.Guarded(ctx, f.host, "folders of "+path, func() (answer, error) {
		names := s.names
		if !fresh {
			entries, err := outside.Names(path, maxScopes)
			if err != nil {
				return answer{}, outside.Cause(err)
			}
			names = slices.DeleteFunc(entries, func(name string) bool { return !scopeName.MatchString(name) })
		}
		for _, scope := range append([]string{""}, names...) {
			if isFolder(path, scope, id[0:2], id[2:4], id[4:]) {
				return answer{true, names}, nil
			}
		}
		return answer{false, names}, nil
	})
	if err != nil {
		return false, err
	}
	if !fresh {
		f.mu.Lock()
		f.scopes[path] = scopes{a.scopes, now.Add(scopesLive)}
		f.mu.Unlock()
	}
	return a.found, nil
}

// isFolder follows no links: each part below path must be a directory itself.
func isFolder(path string, parts ...string) bool {
	if info, err := os.Lstat(filepath.Join(append([]string{path}, parts...)...)); err != nil || !info.IsDir() {
		return false
	}
	for _, part := range parts[:len(parts)-1] {
		path = filepath.Join(path, part)
		if info, err := os.Lstat(path); part != "" && (err != nil || !info.IsDir()) {
			return false
		}
	}
	return true
}
