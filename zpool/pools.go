package zpool

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
)

// Config is what the observation of pools is made of.
type Config struct {
	Cache  *cache.Cache
	Tool   *Tool // NewTool("") if nil
	System block.System
	// Host is this node's fingerprint, never empty: it keeps other hosts'
	// snapshots out.
	Host      string
	KeyPrefix string // "jbod:" if empty; "jbod:N:" for many hosts in one store

	Interval time.Duration // 0: DefaultInterval
	Timeout  time.Duration // 0: 20 s, less for a shorter interval
	TTL      time.Duration // 0: 300 s, or three intervals

	Logger *slog.Logger
}

// Pools is the host's pools, observed in the background. It owns their source.
type Pools struct {
	tool   *Tool
	system block.System
	log    *slog.Logger
	source *cache.Source
	entry  *cache.Entry[[]Pool]
}

// DefaultInterval is the time between two observations of pools.
const DefaultInterval = 90 * time.Second

// New makes the observation. It starts nothing.
func New(cfg Config) (*Pools, error) {
	if cfg.Host == "" {
		return nil, errors.New("pools: the host's fingerprint is empty")
	}
	interval := cmp.Or(cfg.Interval, DefaultInterval)
	p := &Pools{tool: cfg.Tool, system: cfg.System, log: cfg.Logger}
	if p.tool == nil {
		p.tool = NewTool("")
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.source = cfg.Cache.NewSource(cache.SourceConfig{
		Kind: "zfs", Name: "zfs", Origin: cfg.Host + "|zfs", Lane: cache.NewLane(1),
		Interval: interval, Timeout: cmp.Or(cfg.Timeout, min(20*time.Second, interval/10*9)), Observe: p.observe,
	})
	p.entry = cache.Add[[]Pool](p.source, cmp.Or(cfg.KeyPrefix, "jbod:")+"zfs_map", cmp.Or(cfg.TTL, max(300*time.Second, 3*interval)))
	return p, nil
}

// Start begins the observations. It must be called once.
func (p *Pools) Start() { p.source.Start() }

// Close stops the observations. One under way is waited for by the Cache.
func (p *Pools) Close() { p.source.Close() }

// Get is the pools, none on a host without ZFS. Nobody may change them.
func (p *Pools) Get(ctx context.Context) (cache.Snapshot[[]Pool], error) { return p.entry.Get(ctx) }

// Entry is the pools' entry, to be read with others at once or to hear of changes.
func (p *Pools) Entry() *cache.Entry[[]Pool] { return p.entry }

func (p *Pools) observe(ctx context.Context, round *cache.Round) error {
	pools, err := p.tool.Status(ctx)
	if err != nil && len(pools) == 0 {
		return err
	}
	Resolve(ctx, p.system, pools)
	if ctx.Err() != nil {
		return ctx.Err() // drives may be missing
	}
	p.entry.Put(round, &pools, time.Time{}) // measured just now
	p.log.Debug("pools observed", "pools", len(pools))
	return err
}
