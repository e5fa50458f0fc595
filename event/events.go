package event

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/gather"
	"storage_exporter/internal/outside"
)

const (
	// storeTimeout bounds the calls of the store for one batch of observations.
	storeTimeout = 5 * time.Second
	// retryEvery is when what the store did not take is tried again, and renewEvery
	// when claims are renewed that hold for claimFor.
	retryEvery = 5 * time.Second
	renewEvery = 10 * time.Second
	claimFor   = 30 * time.Second
	// maxSubjects bounds what waits for the store, and batch what is read at once.
	maxSubjects = 20_000
	batch       = 64
)

// Config is what Events are made of.
type Config struct {
	Store    cachestore.Store
	Observer string // names this process among all that share the store
	Host     string // as people know it
	// External is the URL at which this exporter is reached, for links; empty: none.
	External string
	Metrics  *Metrics
	Logger   *slog.Logger
	// OnEvent, if set, is called with each event that this process sends. It must be
	// quick.
	OnEvent func(Event)

	transport http.RoundTripper // of a test
	claimFor  time.Duration     // of a test; 0: claimFor
}

// Events finds changes and sends them.
type Events struct {
	cfg    Config
	news   gather.Log      // of changes, for the log
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{}
	once   sync.Once // Start

	mu       sync.Mutex // guards the fields below
	hold     time.Duration
	waiting  map[string][]Observation // by key, those that were not compared yet
	sending  map[string]*sending      // by key, what this process sends
	queues   map[string]*queue        // by the target's name
	settings map[string]Webhook       // of the webhooks
	refused  map[string]bool          // keys that hold what is no record: logged once
	closed   bool
}

// New makes Events that start with Start.
func New(cfg Config) *Events {
	e := &Events{
		cfg: cfg, wake: make(chan struct{}, 1), waiting: make(map[string][]Observation), sending: make(map[string]*sending),
		queues: make(map[string]*queue), settings: make(map[string]Webhook), refused: make(map[string]bool),
	}
	e.news.Logger = cfg.Logger
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.queues[historyTarget] = e.newQueue(historyTarget, &history{cfg.Store}, func(Event) bool { return true })
	return e
}

// Start begins to compare and to send.
func (e *Events) Start() {
	e.once.Do(func() {
		e.wg.Go(e.run)
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.closed {
			e.start(e.queues[historyTarget])
		}
	})
}

// Close ends everything. What is not sent yet is left to another replica, or to the
// next start, where the store outlives this process.
func (e *Events) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.wg.Wait()
	e.news.Flush()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range e.sending {
		if e.cfg.Store.Release(ctx, claimKey(s.key, s.event.Sequence), e.cfg.Observer) != nil {
			break // the claims end by themselves
		}
	}
}

// Observe takes note of a state. It never waits.
func (e *Events) Observe(o Observation) {
	o.Subject.Name, o.State, o.Reason = outside.TextUpTo(o.Subject.Name, longestName), outside.TextUpTo(o.State, longestState), outside.TextUpTo(o.Reason, longestReason)
	if o.At.IsZero() {
		o.At = time.Now()
	}
	o.At, o.came = o.At.Round(0), time.Now()
	if o.State == "" || names[o.Subject.Kind] == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := recordKey(o)
	e.keep(key, append(slices.Clone(e.waiting[key]), o))
	e.stir()
}

// keep has the two newest observations of a subject wait; e.mu is held.
func (e *Events) keep(key string, all []Observation) {
	if _, known := e.waiting[key]; known || len(e.waiting) < maxSubjects {
		e.waiting[key] = all[max(0, len(all)-2):]
	}
}

func (e *Events) stir() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func recordKey(o Observation) string {
	place := o.Subject.Name
	if o.Key != "" {
		place = digest(o.Key)
	}
	return "storage:event:" + string(o.Subject.Kind) + ":" + place
}

// run compares what was observed with what the replicas share.
func (e *Events) run() {
	retry, renew := time.NewTicker(retryEvery), time.NewTicker(renewEvery)
	defer retry.Stop()
	defer renew.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-e.wake:
		case <-retry.C:
		case <-renew.C:
			e.renew()
		}
		e.settle()
		e.compare()
	}
}
