package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/overview"
)

// SenderConfig is what a Sender is made of.
type SenderConfig struct {
	Store   cachestore.Store
	Node    string // a name
	URL     string // of this exporter; empty: it is not known
	Version string
	// Overview is what is known of everything. It does not wait.
	Overview func() *overview.Overview
	Logger   *slog.Logger
}

// Sender puts this node's digest into the store.
type Sender struct {
	cfg    SenderConfig
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup
	unseen int // digests since the name was marked; below 0: it must be
}

// NewSender makes it. It starts nothing.
func NewSender(cfg SenderConfig) *Sender {
	s := &Sender{cfg: cfg, unseen: -1}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start begins to put digests. It must be called once.
func (s *Sender) Start() { s.run.Go(s.send) }

// Close ends that and waits for it. The last digest expires by itself.
func (s *Sender) Close() {
	s.cancel()
	s.run.Wait()
}

// send puts a digest soon after the start, once more when the first observations have
// mostly ended, and every 30 s.
func (s *Sender) send() {
	next := []time.Duration{2 * time.Second, 8 * time.Second, interval}
	every := time.NewTimer(next[0])
	defer every.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-every.C:
		}
		if err := s.put(); err != nil {
			s.unseen = -1                                       // a store that was away may be empty
			s.cfg.Logger.Debug("digest not stored", "err", err) // the store's trouble is logged there
		}
		if len(next) > 1 {
			next = next[1:]
		}
		every.Reset(next[0])
	}
}

func (s *Sender) put() error {
	d := compose(s.cfg.Overview())
	d.Node, d.URL, d.Version = s.cfg.Node, s.cfg.URL, s.cfg.Version
	raw, err := d.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, interval/3)
	defer cancel()
	if err := s.cfg.Store.Set(ctx, cachestore.SetItem{Key: key(d.Node), Value: raw, TTL: life}); err != nil {
		return err
	}
	if s.unseen = (s.unseen + 1) % marks; s.unseen != 0 {
		return nil
	}
	return s.cfg.Store.Mark(ctx, set, d.Node, keep)
}
