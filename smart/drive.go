package smart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/outside"
)

// Drive is one monitored drive. Its two entries are filled by the same runs of
// smartctl.
type Drive struct {
	Label  string // as in sda, nvme0, bus_0_megaraid_1
	Device Device
	Report *cache.Entry[Report]
	// Document is smartctl's own JSON.
	Document *cache.Entry[json.RawMessage]

	drives *Drives
	source *cache.Source
	tally  *tally

	mu      sync.Mutex // guards the fields below
	without Logs       // what the drive does not have
	misread bool       // the last read failed: the resolved type may be another's
	paths   []string   // see Paths
}

// Paths are the labels of all devices by which the system knows the drive, its
// own among them, as people count: two for a drive on two paths. The slice must
// not be changed.
func (d *Drive) Paths() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paths
}

func (d *Drive) setPaths(paths []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paths = paths
}

// Assess judges a report of the drive's by the configured thresholds; nil where
// there is none.
func (d *Drive) Assess(r *Report) Assessment { return Assess(r, d.drives.cfg.Thresholds) }

// MetricLabel is the drive's label in metrics. It differs from Label only for
// what smartctl resolves to another type of the same member, such as
// bus_6_sat+megaraid_14.
func (d *Drive) MetricLabel(r *Report) string { return d.Device.AnswerLabel(r.Device.Type) }

// newDrive makes a drive's source and entries; it is started by the caller.
func (ds *Drives) newDrive(dev Device) *Drive {
	cfg := &ds.cfg
	d := &Drive{Label: dev.Label(), Device: dev, drives: ds, paths: []string{dev.Label()}}
	d.tally = cfg.Metrics.of(d.Label)
	// A member of a RAID controller has no identity that the system knows.
	who := dev.Identity.String()
	if who == "" {
		who = dev.Name + ";" + dev.Type
	}
	d.source = cfg.Cache.NewSource(cache.SourceConfig{
		Kind: "smart", Name: d.Label, Origin: cfg.Host + "|" + d.Label + "|" + who,
		Lane: ds.lane, Interval: cfg.Interval, Timeout: cfg.Timeout,
		Observe: d.observe,
		Done:    d.done,
	})
	d.Report = cache.Add[Report](d.source, cfg.KeyPrefix+"smart:"+d.Label, cfg.TTL)
	d.Document = cache.Add[json.RawMessage](d.source, cfg.KeyPrefix+"smartctl:"+d.Label, cfg.TTL)
	d.Document.OnDemand()
	if cfg.OnChange != nil {
		d.Report.OnChange(func(cache.Snapshot[Report]) { cfg.OnChange() })
	}
	return d
}

// observe runs smartctl once and puts what it told.
func (d *Drive) observe(ctx context.Context, round *cache.Round) error {
	now := d.drives.cfg.System.Identify(d.Device.node())
	if was := d.Device.Identity.String(); was != "" && now.String() != "" && now.String() != was {
		d.drives.replace(d, now)
		return fmt.Errorf("%s: another drive stands under the name: %w", d.Device.Name, cache.ErrClosed)
	}
	last, known := d.Report.Last()
	dev, without := d.request(last)
	doc, err := d.drives.cfg.Tool.Read(ctx, dev, without)
	d.learn(doc, err)
	if err != nil {
		return err
	}
	if !doc.Asleep {
		d.Report.Put(round, doc.Report, lastMeasured)
		d.Document.Put(round, &doc.JSON, lastMeasured)
		return nil
	}
	if doc.Report.PowerMode == Sleep && d.drives.cfg.System.Offline(d.Device.node()) {
		return &ReportError{Device: dev.Name, Type: dev.Type, Message: "the kernel has taken the device offline", ExitStatus: ExitOpen}
	}
	d.keep(round, doc.Report.PowerMode, last, known)
	return nil
}

// request is the device as smartctl is asked for it now. The type that it
// found before is passed where it was left to find it: finding it again may
// wake the drive.
func (d *Drive) request(last cache.Snapshot[Report]) (Device, Logs) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dev := d.Device
	if dev.Type != Auto || d.misread || last.Value == nil {
		return dev, d.without
	}
	if found := last.Value.Device.Type; validType(found) {
		dev.Type = found
	}
	return dev, d.without
}

func (d *Drive) learn(doc *Document, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.misread = errors.Is(err, ErrNoReport)
	if doc != nil {
		d.without |= doc.Missing
	}
}

// keep shows a sleeping drive's last report on, with that report's age and
// time. Of a drive that was never read, it shows what is known without it.
func (d *Drive) keep(round *cache.Round, mode PowerMode, last cache.Snapshot[Report], known bool) {
	if !known {
		r := notRead(d.Device)
		r.PowerMode = mode
		d.Report.Put(round, r, lastMeasured)
		d.Document.Fail(round, fmt.Errorf("%s: %w", d.Label, ErrAsleep))
		return
	}
	r := *last.Value
	r.PowerMode = mode
	d.Report.Keep(round, &r, last)
	if doc, ok := d.Document.Last(); ok {
		d.Document.Keep(round, doc.Value, doc)
	} else {
		d.Document.Fail(round, fmt.Errorf("%s: %w", d.Label, ErrAsleep))
	}
}

// notRead is the report of a drive that always slept.
func notRead(dev Device) *Report {
	return &Report{
		Device: Answer{Name: dev.Name}, NotRead: true,
		WWN: dev.Identity.WWN, ModelName: dev.Identity.Model, SerialNumber: dev.Identity.Serial,
	}
}

// done counts an observation, and has the system scanned again where the drive
// seems to be gone.
func (d *Drive) done(err error, _ time.Duration) {
	d.tally.count(err)
	if errors.Is(err, ErrNoReport) && (errors.Is(err, ErrNoSuchDevice) || !outside.Exists(d.Device.Name)) {
		d.drives.rescanSoon()
	}
}
