package enclosure

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
)

// Config is what Enclosures are made of.
type Config struct {
	Cache  *cache.Cache
	System block.System
	// Host is this node's fingerprint, never empty: it keeps other hosts'
	// snapshots out.
	Host      string
	KeyPrefix string // "jbod:" if empty; "jbod:N:" for many hosts in one store

	Interval time.Duration // between two observations; 0: DefaultInterval
	Timeout  time.Duration // of one; 0: 20 s, less for a shorter interval
	TTL      time.Duration // of a snapshot; 0: 300 s, or three intervals

	// Stuck is called for each path to an enclosure that begins to hang (+1) and for
	// each that comes back (-1). It may be nil.
	Stuck  func(delta int)
	Logger *slog.Logger // may be nil
}

// Kind is what enclosures are called in the cache's metrics.
const Kind = "enclosures"

// Enclosures observes this host's enclosures in the background.
type Enclosures struct {
	source *cache.Source
	entry  *cache.Entry[[]Enclosure]
	reader *Reader
}

// DefaultInterval is the time between two observations of enclosures.
const DefaultInterval = 90 * time.Second

// New makes the source of enclosures. It starts nothing.
func New(cfg Config) (*Enclosures, error) {
	if cfg.Host == "" {
		return nil, errors.New("enclosures: the host's fingerprint is empty")
	}
	interval := cmp.Or(cfg.Interval, DefaultInterval)
	es := &Enclosures{reader: NewReader(cfg.System, cfg.Stuck, cfg.Logger)}
	es.source = cfg.Cache.NewSource(cache.SourceConfig{
		Kind: Kind, Name: "enclosures", Origin: cfg.Host + "|enclosures", Lane: cache.NewLane(1),
		Interval: interval, Timeout: cmp.Or(cfg.Timeout, min(20*time.Second, interval/10*9)),
		Observe: es.observe,
	})
	es.entry = cache.Add[[]Enclosure](es.source, cmp.Or(cfg.KeyPrefix, "jbod:")+"enclosures", cmp.Or(cfg.TTL, max(300*time.Second, 3*interval)))
	return es, nil
}

// Start begins the observations.
func (es *Enclosures) Start() { es.source.Start() }

// Close stops the observations. One under way is waited for by the Cache; a path
// that hangs in the kernel cannot be.
func (es *Enclosures) Close() { es.source.Close() }

// Get is the enclosures by id; an empty list on a host without any. Nobody may
// change it.
func (es *Enclosures) Get(ctx context.Context) (cache.Snapshot[[]Enclosure], error) {
	return es.entry.Get(ctx)
}

// Entry is where the enclosures are kept, for who composes them with others.
func (es *Enclosures) Entry() *cache.Entry[[]Enclosure] { return es.entry }

func (es *Enclosures) observe(ctx context.Context, round *cache.Round) error {
	list, err := es.reader.Read(ctx)
	if err != nil {
		return err
	}
	es.entry.Put(round, &list, time.Time{})
	return nil
}
