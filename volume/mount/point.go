package mount

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/block"
	"storage_exporter/internal/hang"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// ErrNotMounted says that a path lies on another mount than it should, as on the
// disk below a mount point with nothing mounted.
var ErrNotMounted = errors.New("not mounted")

// lookTime is how long an answer is waited for where there is no deadline.
const lookTime = 4 * time.Second

// Point observes what is mounted under one path. Its calls may run at once.
type Point struct {
	host    *Host
	path    string
	meter   *rates.Meter // of what the file system itself counts
	counted *counted

	mu     sync.Mutex // guards the fields below
	real   string     // where the path led to last; "" before
	memory memory
	pooled Mount  // whose file system could be asked for its UUID last
	uuid   string // which it was
}

// NewPoint makes a point for a clean absolute path of the host, whose
// performance is asked once an interval.
func (h *Host) NewPoint(name string, interval time.Duration) *Point {
	return &Point{host: h, path: path.Clean(name), meter: rates.NewMeter(interval, rates.CostsWindow), counted: newCounted(interval)}
}

// State is what one look at a point found.
type State struct {
	Path  string
	Real  string // Path without symbolic links; "" when it could not be followed
	Mount Mount  // that the path lies on; as far as it was followed when Err is set, and empty where that is gone
	FS    unix.Statfs_t
	Err   error // why the mount could not be looked at

	below below // what it stands on
}

// Look asks the mount whether it answers: stat and statfs, within the guard. It
// returns before ctx ends.
func (p *Point) Look(ctx context.Context) State {
	ctx, cancel := WithMargin(ctx)
	defer cancel()
	state := State{Path: p.path}
	at, table, err := p.locate(ctx)
	state.Mount, state.Err = at.mount, err
	if err != nil {
		return state
	}
	state.Real = at.real
	state.below = p.below(ctx, at.mount, table)
	local := p.host.Path(at.real)
	state.FS, state.Err = hang.Do(ctx, p.host.guard, at.mount.Device, func() (unix.Statfs_t, error) {
		return ask(local)
	})
	if state.Err == nil && at.mount.FSType == "autofs" { // which was triggered just now
		if at, _, err := p.locate(ctx); err == nil {
			state.Mount = at.mount
		}
	}
	return state
}

// ask calls stat and statfs, which return only where the mount answers.
func ask(name string) (unix.Statfs_t, error) {
	var info unix.Stat_t
	if err := uninterrupted(func() error { return unix.Stat(name, &info) }); err != nil {
		return unix.Statfs_t{}, fmt.Errorf("stat: %w", err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.Statfs_t{}, syscall.ENOTDIR
	}
	var fs unix.Statfs_t
	if err := uninterrupted(func() error { return unix.Statfs(name, &fs) }); err != nil {
		return unix.Statfs_t{}, fmt.Errorf("statfs: %w", err)
	}
	return fs, nil
}

// uninterrupted repeats a call that a signal interrupted: the runtime sends itself
// many, and FUSE answers them with EINTR.
func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// locate finds the mount under the path, and remembers where the path led to.
func (p *Point) locate(ctx context.Context) (location, Table, error) {
	table, err := p.host.Mounts()
	if err != nil {
		return location{}, nil, err
	}
	at, err := p.host.locate(ctx, table, p.path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.real = at.real
	}
	at, err = p.still(table, at, err)
	return at, table, err
}

// still is the location, unless what was mounted there is gone; p.mu is held.
func (p *Point) still(table Table, at location, err error) (location, error) {
	if err = p.memory.check(p.host, table, p.path, at, err); errors.Is(err, ErrNotMounted) {
		at = location{}
	}
	return at, err
}

// Rates returns the rates of the mount since the last call, and when they were
// measured. The mount is empty where it was not found. A mount that hangs still has
// its counters: they are the kernel's.
func (p *Point) Rates(ctx context.Context) (m Mount, did volume.Performance, at time.Time, err error) {
	ctx, cancel := WithMargin(ctx)
	defer cancel()
	on, table, err := p.find(ctx)
	if err != nil {
		return Mount{}, did, at, err
	}
	did, at, err = p.rates(ctx, on.mount, table)
	return on.mount, did, at, err
}

// Find returns the mount that the path lies on, the table that lists it, and the path
// without symbolic links. It also finds a mount that hangs.
func (p *Point) Find(ctx context.Context) (m Mount, table Table, followed string, err error) {
	ctx, cancel := WithMargin(ctx)
	defer cancel()
	on, table, err := p.find(ctx)
	return on.mount, table, on.real, err
}

func (p *Point) find(ctx context.Context) (location, Table, error) {
	on, table, err := p.locate(ctx)
	if errors.Is(err, ErrHung) || errors.Is(err, ErrTooManyHung) {
		on, err = p.remembered(table)
	}
	if err != nil {
		return location{}, table, State{Path: p.path, Mount: on.mount, Err: err}.inWords()
	}
	return on, table, nil
}

// remembered is where the path led to when it could be followed last.
func (p *Point) remembered(table Table) (location, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := cmp.Or(p.real, p.path)
	m, ok := table.Covering(name)
	if !ok {
		return location{}, errNoMount
	}
	return p.still(table, location{real: name, mount: m}, nil)
}

// rates takes one reading of the counters of a mount.
func (p *Point) rates(ctx context.Context, m Mount, table Table) (did volume.Performance, at time.Time, err error) {
	if m, err = table.under(m); err != nil {
		return did, at, err
	}
	var s rates.Sample
	switch {
	case IsNFS(m.FSType):
		s, err = p.host.nfsSample(m, table)
	case m.FSType == "zfs":
		s, err = p.host.zfsSample(m)
	default:
		return p.ofDevices(ctx, m)
	}
	if err != nil {
		return did, at, err
	}
	s.At = time.Now()
	return p.meter.Next(s)
}

// ofDevices reads the counters of the devices that a mount's file system is on. Where
// these do not count, those of XFS itself serve.
func (p *Point) ofDevices(ctx context.Context, m Mount) (did volume.Performance, at time.Time, err error) {
	on, err := p.devices(ctx, m)
	if err != nil {
		return did, at, err
	}
	counters := make([]block.Counter, len(on.Devices))
	doubtful := false
	for i, d := range on.Devices {
		if counters[i], err = p.host.block.Counter(d); err != nil {
			return did, at, err
		}
		doubtful = doubtful || counters[i].Off || len(counters[i].Below) > 0
	}
	at = time.Now()
	did, when, err := p.counted.next(counters, at)
	if m.FSType != "xfs" || !doubtful {
		return did, when, err
	}
	s, none := p.host.xfsSample(on.Devices[0])
	if none != nil {
		return did, when, err
	}
	s.At = at
	calls, since, none := p.meter.Next(s) // each time, so that it is of the same window
	if errors.Is(err, volume.ErrUnsupported) {
		return calls, since, none
	}
	return did, when, err
}

// WithMargin ends a quarter earlier than ctx, so that there is time to report what
// was found.
func WithMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := lookTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) / 4 * 3
	}
	return context.WithTimeout(ctx, limit)
}

// Want is what a volume expects of its mount.
type Want struct {
	Backend string   // as configured
	FSTypes []string // one of them; none is any
	// RequireMount is whether something other than the root file system must be
	// mounted at the path or above it.
	RequireMount bool
	ReadOnly     bool // a read-only mount is as it should be
}

// Check is whether this is the mount that is wanted for the path. The error wraps
// ErrNotMounted.
func (w Want) Check(name string, m Mount) error {
	below := fmt.Sprintf("%s is on %s (%s, %s)", name, m.Point, m.FSType, clean(m.Source))
	if w.RequireMount && m.Point == "/" && path.Clean(name) != "/" {
		return fmt.Errorf("%s, with nothing mounted there: mount it, or set require_mount = false: %w", below, ErrNotMounted)
	}
	if len(w.FSTypes) > 0 && !slices.Contains(w.FSTypes, m.FSType) {
		return fmt.Errorf("%s, which is not of type %s: mount it, or correct `backend`: %w",
			below, strings.Join(w.FSTypes, " or "), ErrNotMounted)
	}
	return nil
}
