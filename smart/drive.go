package smart

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/internal/outside"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

// Drive is one monitored drive. Its two entries are filled by the same runs of
// smartctl.
type Drive struct {
	// Key is the drive's place in the store, and its name in logs: the label of the
	// device as it was asked for. What is shown is Label.
	Key    string
	Device Device
	Report *cache.Entry[report.Report]
	// Document is smartctl's own JSON.
	Document *cache.Entry[json.RawMessage]

	drives *Drives
	source *cache.Source
	counts tally
	judged atomic.Pointer[judged] // what was asked for last

	mu       sync.Mutex     // guards the fields below
	without  smartctl.Logs  // what the drive does not have
	misread  bool           // the last read failed: the resolved type may be another's
	label    string         // see Label
	labelled bool           // the label is that of a report
	reported block.Identity // by the last report
	serial   string         // see Serial
	numbered bool           // the serial number is known
	nodes    []string       // the kernel's names
	others   []string       // the labels of the other devices that lead to it
	names    []string       // further names
}

// Label is the drive's own label, the same everywhere. It is made of the type that
// the first report names, as in bus_6_sat+megaraid_14, and until there is one of the
// type that is asked for. It then stays while the drive is the same.
func (d *Drive) Label() string {
	d.takeReport()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shown()
}

// shown is Label as it is now; d.mu is held.
func (d *Drive) shown() string { return cmp.Or(d.label, d.Key) }

// Serial is the serial number to show beside Label. It is the first report's, or,
// where it is asked for before there is one, the kernel's; known is false while there
// is neither. It then stays while the drive is the same.
func (d *Drive) Serial() (serial string, known bool) {
	d.takeReport()
	d.mu.Lock()
	defer d.mu.Unlock()
	if kernels := d.Device.Identity.Serial; !d.numbered && kernels != "" {
		d.serial, d.numbered = kernels, true
	}
	return d.serial, d.numbered
}

// takeReport identifies a drive by its report where that was not done yet.
func (d *Drive) takeReport() {
	if _, labelled := d.identity(); !labelled && d.drives != nil {
		if last, ok := d.Report.Last(); ok {
			d.drives.identify(d, last.Value)
		}
	}
}

// HasPaths says whether the drive has several paths.
func (d *Drive) HasPaths() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.others) > 0
}

// Paths are the labels of all devices by which the system knows the drive, its
// own among them, as people count: two for a drive on two paths.
func (d *Drive) Paths() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	paths := append([]string{d.shown()}, d.others...)
	slices.SortFunc(paths, block.CompareNames)
	return paths
}

// Named is the drive with all that it goes by.
func (d *Drive) Named() Named {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Named{
		Label: d.shown(), Names: slices.Concat([]string{d.Key}, d.others, d.nodes, d.names),
		Identities: []block.Identity{d.Device.Identity, d.reported},
	}
}

// is says whether dev is this drive. A device whose identity the system does
// not know (any more) counts as the same.
func (d *Drive) is(dev Device) bool {
	was, now := d.Device.Identity.String(), dev.Identity.String()
	return d.Device.Name == dev.Name && d.Device.Type == dev.Type && (was == now || now == "")
}

// setNames takes what else leads to the drive, as of the newest list.
func (d *Drive) setNames(c chosen) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.others, d.names = c.others, c.names
}

// setNodes takes the kernel's names of the drive, and says whether they are others.
func (d *Drive) setNodes(nodes []string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	same := slices.Equal(d.nodes, nodes)
	d.nodes = nodes
	return !same
}

// Assess judges a report of the drive's by the configured thresholds; nil where
// there is none. A report is judged once, whoever asks. Nobody may change the reasons.
func (d *Drive) Assess(r *report.Report) assess.Result {
	if last := d.judged.Load(); last != nil && last.report == r {
		return last.result
	}
	now := &judged{r, assess.Drive(r, d.drives.cfg.Thresholds)}
	d.judged.Store(now)
	return now.result
}

// Examine judges a report of the drive's rule by rule; nil where there is none.
func (d *Drive) Examine(r *report.Report) []assess.Examined {
	return assess.Examine(r, d.drives.cfg.Thresholds)
}

// judged is a report with its assessment.
type judged struct {
	report *report.Report
	result assess.Result
}

// newDrive makes a drive's source and entries; it is started by the caller. Where
// it takes another's place, that one's snapshots are none of its own.
func (ds *Drives) newDrive(dev Device, instead bool) *Drive {
	cfg := &ds.cfg
	d := &Drive{Key: dev.Label(), Device: dev, drives: ds, nodes: dev.Nodes, label: dev.Label()}
	if r, known := ds.reports[d.Key]; known && r.stood == dev.Identity {
		d.label = r.label // it was monitored before
	}
	// A member of a RAID controller has no identity that the system knows. For the
	// other types with a number it is left out, for earlier versions did not know it.
	who := dev.Identity.String()
	if who == "" || strings.Contains(dev.Type, ",") && !instead {
		who = dev.Name + ";" + dev.Type
	}
	d.source = cfg.Cache.NewSource(cache.SourceConfig{
		Kind: "smart", Name: d.Key, Origin: cfg.Host + "|" + d.Key + "|" + who,
		Lane: ds.lane, Interval: cfg.Interval, Timeout: cfg.Timeout,
		Observe: d.observe,
		Done:    d.done,
	})
	d.Report = cache.Add[report.Report](d.source, cfg.KeyPrefix+"smart:"+d.Key, cfg.TTL)
	d.Document = cache.Add[json.RawMessage](d.source, cfg.KeyPrefix+"smartctl:"+d.Key, cfg.TTL)
	d.Document.OnDemand()
	d.Report.OnChange(func(s cache.Snapshot[report.Report]) {
		ds.identify(d, s.Value)
		if cfg.OnChange != nil {
			cfg.OnChange()
		}
		if s.Mine && cfg.OnReport != nil {
			cfg.OnReport(d, s)
		}
	})
	return d
}

// observe runs smartctl once and puts its report.
func (d *Drive) observe(ctx context.Context, round *cache.Round) error {
	now, nodes := d.drives.look(d.Device, d.drives.cfg.System.Node)
	if was := d.Device.Identity.String(); was != "" && now.String() != "" && now.String() != was {
		d.drives.replace(d, now, nodes)
		return fmt.Errorf("%s: another drive stands under the name: %w", d.Device.Name, cache.ErrClosed)
	}
	if nodes != nil && d.setNodes(nodes) {
		d.drives.index.Store(nil)
	}
	last, known := d.Report.Last()
	dev, without := d.request(last)
	doc, err := d.drives.cfg.Tool.Read(ctx, dev.asked(), without)
	d.learn(doc, err)
	if err != nil {
		return err
	}
	if !doc.Asleep {
		d.Report.Put(round, doc.Report, justNow)
		d.Document.Put(round, &doc.JSON, justNow)
		return nil
	}
	if doc.Report.PowerMode == report.Sleep && d.drives.cfg.System.Offline(d.Device.path()) {
		return &smartctl.ReportError{Device: dev.Name, Type: dev.Type, Message: "the kernel has taken the device offline", ExitStatus: report.ExitOpen}
	}
	d.keep(round, doc.Report.PowerMode, last, known)
	return nil
}

// request is the device as smartctl is asked for it now. The type that it
// found before is passed where it was left to find it: finding it again may
// wake the drive.
func (d *Drive) request(last cache.Snapshot[report.Report]) (Device, smartctl.Logs) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dev := d.Device
	if dev.Type != smartctl.Auto || d.misread || last.Value == nil {
		return dev, d.without
	}
	if found := last.Value.Device.Type; smartctl.ValidType(found) {
		dev.Type = found
	}
	return dev, d.without
}

func (d *Drive) learn(doc *smartctl.Document, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.misread = errors.Is(err, smartctl.ErrNoReport)
	if doc != nil {
		d.without |= doc.Missing
	}
}

// keep shows a sleeping drive's last report on, with that report's age and
// time. Of a drive that was never read, it shows what is known without it.
func (d *Drive) keep(round *cache.Round, mode report.PowerMode, last cache.Snapshot[report.Report], known bool) {
	if !known {
		r := notRead(d.Device)
		r.PowerMode = mode
		d.Report.Put(round, r, justNow)
		d.Document.Fail(round, fmt.Errorf("%s: %w", d.Key, ErrAsleep))
		return
	}
	r := *last.Value
	r.PowerMode = mode
	d.Report.Keep(round, &r, last)
	if doc, ok := d.Document.Last(); ok {
		d.Document.Keep(round, doc.Value, doc)
	} else {
		d.Document.Fail(round, fmt.Errorf("%s: %w", d.Key, ErrAsleep))
	}
}

// notRead is the report of a drive that always slept.
func notRead(dev Device) *report.Report {
	return &report.Report{
		Device: report.Answer{Name: dev.Name}, NotRead: true,
		WWN: dev.Identity.WWN, ModelName: dev.Identity.Model, SerialNumber: dev.Identity.Serial,
	}
}

// Observations are those of this process since it monitors the drive.
func (d *Drive) Observations() Observations { return d.counts.read() }

// done counts an observation, and has the system scanned again where the drive
// seems to be gone.
func (d *Drive) done(err error, _ time.Duration) {
	d.counts.add(err)
	if errors.Is(err, smartctl.ErrNoReport) && (errors.Is(err, smartctl.ErrNoSuchDevice) || !outside.Exists(d.Device.Name)) {
		d.drives.rescanSoon()
	}
}
