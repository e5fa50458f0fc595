package smart

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/smart/smartctl"
)

// Drives is the monitored set. It owns the sources of its drives.
type Drives struct {
	cfg    DrivesConfig
	choice selection
	lane   *cache.Lane
	log    *slog.Logger

	// scan and list are nil where nothing is scanned, or only once.
	scan *cache.Source
	list *cache.Entry[[]Device]

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	wait   sync.WaitGroup // for the goroutine that scans only once
	first  chan struct{}  // closed when the first list is known

	mu        sync.Mutex // guards the fields below
	closed    bool
	known     bool
	scanError error     // of the scan that is done only once
	rescanned time.Time // when an early scan was last asked for
	scanned   []Device  // the last list
	reports   map[string]said
	byKey     map[string]*Drive
	labels    map[string]*Drive // by their own labels
	whose     map[string]*Drive // by the keys of their identities, as the system and the reports have them
	sorted    []*Drive          // never changed, only replaced
	virtual   int               // how many virtual disks the last list had, to log it once
	beyond    int               // how many drives the last list had beyond the limit, likewise

	index atomic.Pointer[index] // made when it is asked for; nil after a change
}

// rescanPause is the least time between two early scans.
const rescanPause = 5 * time.Second

// justNow is when what is put was measured, as cache.Entry.Put takes it.
var justNow time.Time

func (ds *Drives) scans() bool { return ds.cfg.Scan || len(ds.cfg.Devices) == 0 }

// Start begins the observations. It must be called once.
func (ds *Drives) Start() {
	switch {
	case !ds.scans():
		ds.apply(nil)
	case ds.cfg.ScanOnce:
		ds.wait.Go(ds.scanOnce)
	default:
		ds.scan.Start()
	}
}

// Close stops all observations. Those under way are waited for by the Cache.
func (ds *Drives) Close() {
	ds.cancel()
	if ds.scan != nil {
		ds.scan.Close()
	}
	ds.wait.Wait()
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.closed = true
	for _, d := range ds.sorted {
		d.source.Close()
	}
	ds.byKey, ds.sorted = nil, nil
	ds.index.Store(nil)
}

// List is the monitored drives, ordered by label as people count. Until a scan
// has gone well for the first time it waits, and then says why there is no
// list: smartctl.ErrNotInstalled, among others. Later a failing scan forgets no drive.
// The slice must not be changed.
func (ds *Drives) List(ctx context.Context) ([]*Drive, error) {
	if drives, ok := ds.current(); ok {
		return drives, nil
	}
	var err error
	if ds.list != nil {
		_, err = ds.list.Get(ctx)
	} else {
		err = ds.waitForFirst(ctx)
	}
	if drives, ok := ds.current(); ok {
		return drives, nil
	}
	if err == nil {
		err = cache.ErrClosed
	}
	return nil, err
}

// observe scans. The identities come with the list, so that apply need not ask the
// system for them.
func (ds *Drives) observe(ctx context.Context, round *cache.Round) error {
	devices, err := ds.scanSystem(ctx)
	if err != nil {
		return err
	}
	ds.list.Put(round, &devices, justNow)
	return nil
}

func (ds *Drives) scanSystem(ctx context.Context) ([]Device, error) {
	scanned, err := ds.cfg.Tool.Scan(ctx)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, len(scanned))
	find := ds.cfg.System.Index(ctx).Node
	for i, found := range scanned {
		d := Device{Name: found.Name, Type: found.Type}
		devices[i] = d
		devices[i].Identity, devices[i].Nodes = ds.look(d, find)
		devices[i].Virtual = virtual(ds.cfg.System.Maker(d.path()))
		devices[i].Offline = ds.cfg.System.Offline(d.path())
	}
	return devices, nil
}

// look asks the system who stands behind a device, and what the kernel calls it, by
// a way to find the kernel's name.
func (ds *Drives) look(d Device, find func(name string) string) (id block.Identity, nodes []string) {
	node := find(d.path())
	if node == "" {
		return id, nil
	}
	return ds.cfg.System.Identify(node), append([]string{node}, ds.cfg.System.Names(node)...)
}

// apply makes the monitored set that of a scanned list: sources of new drives
// are started, those of drives that are gone closed. The list may come from the
// store.
func (ds *Drives) apply(scanned []Device) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed {
		return
	}
	// Another drive may stand under a configured name by now. Where the name is a
	// link, the list does not show it.
	find := ds.cfg.System.Index(ds.ctx).Node
	for i, d := range ds.choice.devices {
		ds.choice.devices[i].Identity, ds.choice.devices[i].Nodes = ds.look(d, find)
	}
	ds.scanned = slices.Clone(scanned)
	listed := make(map[string]bool)
	for _, d := range slices.Concat(ds.choice.devices, scanned) {
		listed[d.Label()] = true
	}
	maps.DeleteFunc(ds.reports, func(key string, _ said) bool { return !listed[key] })
	ds.arrange()
}

// arrange makes the monitored set of the last list and of what the reports say;
// ds.mu is held.
func (ds *Drives) arrange() {
	chosen := ds.choice.choose(ds.scanned, ds.reports)
	byKey := make(map[string]*Drive, len(chosen.set))
	var added []*Drive
	for _, c := range chosen.set {
		key := c.Label()
		d := ds.byKey[key]
		if d == nil || !d.is(c.Device) {
			d = ds.newDrive(c.Device, d != nil)
			added = append(added, d)
		}
		d.setNodes(c.Nodes)
		d.setNames(c)
		byKey[key] = d
	}
	removed := 0
	for key, old := range ds.byKey {
		if byKey[key] != old {
			old.source.Close()
			removed++
		}
	}
	ds.publish(byKey)
	for _, d := range added {
		d.source.Start()
	}
	if len(added)+removed > 0 || !ds.known {
		ds.log.Info("monitored drives", "drives", len(byKey), "added", len(added), "removed", removed)
	}
	ds.noteLeftOut(chosen)
	if !ds.known {
		ds.known = true
		close(ds.first)
	}
}

// noteLeftOut counts what is not monitored, and logs it when that changes; ds.mu is
// held.
func (ds *Drives) noteLeftOut(chosen selected) {
	if n := len(chosen.virtual); n > 0 && n != ds.virtual {
		ds.log.Info("virtual disks left out; name one by --smartctl.device, or all by --smartctl.device-include, to have them",
			"devices", n, "first", chosen.virtual[0].Name, "which_is", chosen.virtual[0].Virtual)
	}
	if n := chosen.beyond; n > 0 && n != ds.beyond {
		ds.log.Warn("more drives than one exporter monitors; divide them by --smartctl.device-include", "left_out", n, "most", smartctl.MaxDevices)
	}
	ds.virtual, ds.beyond = len(chosen.virtual), chosen.beyond
	ds.cfg.Metrics.setLeftOut(ds.virtual, ds.beyond)
}

// replace monitors the drive that now stands under an old one's name.
func (ds *Drives) replace(old *Drive, now block.Identity, nodes []string) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed || ds.byKey[old.Key] != old {
		return
	}
	ds.log.Info("another drive stands under the name", "device", old.Key)
	for _, list := range [][]Device{ds.choice.devices, ds.scanned} {
		for i := range list {
			if list[i].Label() == old.Key {
				list[i].Identity, list[i].Nodes = now, nodes
			}
		}
	}
	ds.arrange()
}

// rescanSoon has the system scanned before its time, for a drive that seems to
// be gone.
func (ds *Drives) rescanSoon() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.scan == nil || ds.closed || time.Since(ds.rescanned) < rescanPause {
		return
	}
	ds.rescanned = time.Now()
	ds.scan.Observe()
}
