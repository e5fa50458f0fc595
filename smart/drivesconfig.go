package smart

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

// DrivesConfig is what a monitored set of drives is made of.
type DrivesConfig struct {
	Cache  *cache.Cache
	Tool   *smartctl.Tool
	System block.System
	// Host is this node's fingerprint, never empty: it keeps other hosts'
	// snapshots out.
	Host      string
	KeyPrefix string // "jbod:" if empty; "jbod:N:" for many hosts in one store

	// Devices are monitored in any case; Scan finds others, and is implied
	// where Devices is empty.
	Devices []Device
	Scan    bool
	// Include and Exclude are matched, unanchored, with the labels of scanned
	// devices; nil includes all and excludes none.
	Include, Exclude *regexp.Regexp

	ScanOnce     bool          // no scan follows the first that went well
	ScanInterval time.Duration // 0: as DefaultSettings has it; not used with ScanOnce
	ScanTimeout  time.Duration // 0: 30 s
	Interval     time.Duration // between two reads of a drive; 0: as DefaultSettings has it, as the next three
	Timeout      time.Duration // of one read
	TTL          time.Duration // of a report
	Concurrency  int           // how many drives are read at once

	Thresholds assess.Thresholds // of the drives' assessment; nil: the rules' own

	// OnChange, if set, is called with each new report and each new list. It must
	// return at once and call nothing of the set's.
	OnChange func()
	// OnReport, if set, is called with each report that this process has read. It must be
	// quick.
	OnReport func(*Drive, cache.Snapshot[report.Report])

	Logger  *slog.Logger
	Metrics *Metrics
}

// NewDrives makes the set. It starts nothing.
func NewDrives(cfg DrivesConfig) (*Drives, error) {
	if cfg.Host == "" {
		return nil, errors.New("drives: the host's fingerprint is empty")
	}
	var err error
	cfg.Thresholds.Check(func(name, format string, args ...any) {
		err = errors.Join(err, fmt.Errorf("threshold %q "+format, append([]any{name}, args...)...))
	})
	if err != nil {
		return nil, err
	}
	if cfg.KeyPrefix == "" {
		cfg.KeyPrefix = "jbod:"
	}
	orDefault(&cfg.ScanTimeout, 30*time.Second)
	orDefault(&cfg.Interval, standard.Interval)
	orDefault(&cfg.Timeout, standard.Timeout)
	orDefault(&cfg.TTL, standard.TTL)
	orDefault(&cfg.ScanInterval, standard.Rescan)
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = standard.Concurrency
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ds := &Drives{
		cfg:     cfg,
		choice:  selection{devices: slices.Clone(cfg.Devices), include: cfg.Include, exclude: cfg.Exclude},
		lane:    cache.NewLane(cfg.Concurrency),
		log:     cfg.Logger,
		first:   make(chan struct{}),
		reports: make(map[string]said),
		byKey:   make(map[string]*Drive),
	}
	ds.ctx, ds.cancel = context.WithCancel(context.Background())
	for _, d := range ds.choice.devices {
		if !d.valid() {
			return nil, fmt.Errorf("device %q of type %q: not a name that smartctl can be given", d.Name, d.Type)
		}
	}
	if ds.scans() && !cfg.ScanOnce {
		ds.scan = cfg.Cache.NewSource(cache.SourceConfig{
			Kind: "drives", Name: "drives",
			Origin: cfg.Host + "|drives|" + strings.Join(cfg.Tool.ScanTypes(), " "),
			Lane:   cache.NewLane(1), Interval: cfg.ScanInterval, Timeout: cfg.ScanTimeout,
			Observe: ds.observe,
		})
		ds.list = cache.Add[[]Device](ds.scan, cfg.KeyPrefix+"drives", 3*cfg.ScanInterval)
		ds.list.OnChange(func(s cache.Snapshot[[]Device]) { ds.apply(*s.Value) })
	}
	return ds, nil
}

func orDefault(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}
