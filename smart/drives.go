package smart

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
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
	once   sync.WaitGroup // of the goroutine that scans only once
	first  chan struct{}  // closed when the first list is known

	mu        sync.Mutex // guards the fields below
	closed    bool
	known     bool
	scanError error     // of the scan that is done only once
	rescanned time.Time // when an early scan was last asked for
	byLabel   map[string]*Drive
	sorted    []*Drive // never changed, only replaced
	leftOut   int      // how many virtual disks the last list had, to log it once
}

// rescanPause is the least time between two early scans.
const rescanPause = 5 * time.Second

// lastMeasured is the zero time: what was put was measured just now.
var lastMeasured time.Time

func (ds *Drives) scans() bool { return ds.cfg.Scan || len(ds.cfg.Devices) == 0 }

// Start begins the observations. It must be called once.
func (ds *Drives) Start() {
	switch {
	case !ds.scans():
		ds.apply(nil)
	case ds.cfg.ScanOnce:
		ds.once.Go(ds.scanOnce)
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
	ds.once.Wait()
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.closed = true
	for _, d := range ds.sorted {
		d.source.Close()
		d.tally.close(false)
	}
	ds.byLabel, ds.sorted = nil, nil
}

// List is the monitored drives, ordered by label as people count. Until a scan
// has gone well for the first time it waits, and then says why there is no
// list: ErrNotInstalled, among others. Later a failing scan forgets no drive.
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

// Drive is the drive with a label; ErrUnknownDrive if there is none. The label
// that it has in metrics is as good.
func (ds *Drives) Drive(ctx context.Context, label string) (*Drive, error) {
	drives, err := ds.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range drives {
		if d.Label == label {
			return d, nil
		}
	}
	for _, d := range drives {
		if last, ok := d.Report.Last(); ok && d.MetricLabel(last.Value) == label {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownDrive, label)
}

func (ds *Drives) current() ([]*Drive, bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.sorted, ds.known && !ds.closed
}

// observe scans. The identities come with the list, so that applying it costs
// no look at the system.
func (ds *Drives) observe(ctx context.Context, round *cache.Round) error {
	devices, err := ds.scanSystem(ctx)
	if err != nil {
		return err
	}
	ds.list.Put(round, &devices, lastMeasured)
	return nil
}

func (ds *Drives) scanSystem(ctx context.Context) ([]Device, error) {
	devices, err := ds.cfg.Tool.Scan(ctx)
	if err != nil {
		return nil, err
	}
	for i, d := range devices {
		devices[i].Identity = ds.cfg.System.Identify(d.node())
		devices[i].Virtual = virtual(ds.cfg.System.Maker(d.node()))
		devices[i].Offline = ds.cfg.System.Offline(d.node())
	}
	return devices, nil
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
	byLabel := make(map[string]*Drive, len(scanned))
	var added []*Drive
	// Who stands under a configured name may have changed since the last list, which
	// does not tell of it where the name is a link.
	for i, d := range ds.choice.devices {
		ds.choice.devices[i].Identity = ds.cfg.System.Identify(d.node())
	}
	set, leftOut := ds.choice.choose(scanned)
	for _, dev := range set {
		label := dev.Label()
		old := ds.byLabel[label]
		if old != nil && old.is(dev.Device) {
			old.setPaths(dev.paths)
			byLabel[label] = old
			continue
		}
		d := ds.newDrive(dev.Device)
		d.setPaths(dev.paths)
		byLabel[label] = d
		added = append(added, d)
	}
	removed := 0
	for label, old := range ds.byLabel {
		if d := byLabel[label]; d != old {
			old.source.Close()
			old.tally.close(d != nil)
			removed++
		}
	}
	ds.publish(byLabel)
	for _, d := range added {
		d.source.Start()
	}
	if len(added)+removed > 0 || !ds.known {
		ds.log.Info("monitored drives", "drives", len(byLabel), "added", len(added), "removed", removed)
	}
	if n := len(leftOut); n != ds.leftOut {
		ds.leftOut = n
		if n > 0 {
			ds.log.Info("virtual disks left out; name one by --smartctl.device, or all by --smartctl.device-include, to have them",
				"devices", n, "first", leftOut[0].Name, "which_is", leftOut[0].Virtual)
		}
	}
	if !ds.known {
		ds.known = true
		close(ds.first)
	}
}

// is says whether dev is this drive. A device whose identity the system does
// not tell (any more) counts as the same.
func (d *Drive) is(dev Device) bool {
	was, now := d.Device.Identity.String(), dev.Identity.String()
	return d.Device.Name == dev.Name && d.Device.Type == dev.Type && (was == now || now == "")
}

// replace monitors the drive that now stands under an old one's name.
func (ds *Drives) replace(old *Drive, now block.Identity) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed || ds.byLabel[old.Label] != old {
		return
	}
	dev := old.Device
	dev.Identity = now
	d := ds.newDrive(dev)
	old.source.Close()
	old.tally.close(true)
	byLabel := make(map[string]*Drive, len(ds.byLabel))
	for label, other := range ds.byLabel {
		byLabel[label] = other
	}
	byLabel[d.Label] = d
	ds.publish(byLabel)
	d.source.Start()
	ds.log.Info("another drive stands under the name", "device", d.Label)
}

// publish makes the set; ds.mu is held.
func (ds *Drives) publish(byLabel map[string]*Drive) {
	sorted := make([]*Drive, 0, len(byLabel))
	for _, d := range byLabel {
		sorted = append(sorted, d)
	}
	slices.SortFunc(sorted, func(a, b *Drive) int { return block.CompareNames(a.Label, b.Label) })
	ds.byLabel, ds.sorted = byLabel, sorted
	if ds.cfg.OnChange != nil {
		ds.cfg.OnChange()
	}
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
