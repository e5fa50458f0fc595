package event

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"storage_exporter/cachestore"
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

// sending is an event that not all targets have yet.
type sending struct {
	key      string
	event    Event
	left     map[string]bool // targets that do not have it
	finished []string        // those that have it, and the record does not say so yet
}

// New makes Events that start with Start.
func New(cfg Config) *Events {
	e := &Events{
		cfg: cfg, wake: make(chan struct{}, 1), waiting: make(map[string][]Observation), sending: make(map[string]*sending),
		queues: make(map[string]*queue), settings: make(map[string]Webhook), refused: make(map[string]bool),
	}
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
	o.At = o.At.Round(0)
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

// compare takes all that waits, some at a time. What the store does not take waits on.
func (e *Events) compare() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting = make(map[string][]Observation)
	e.mu.Unlock()
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(waiting)), batch) {
		ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
		items, err := e.cfg.Store.Get(ctx, keys...)
		for i, key := range keys {
			failed := err
			if failed == nil {
				failed = e.compareOne(ctx, key, waiting[key], items[i])
			}
			if failed != nil {
				e.mu.Lock()
				e.keep(key, slices.Concat(waiting[key], e.waiting[key]))
				e.mu.Unlock()
			}
		}
		cancel()
	}
}

// compareOne compares the observations of one subject. An error is the store's.
func (e *Events) compareOne(ctx context.Context, key string, observed []Observation, item cachestore.Item) error {
	if item.Err != nil {
		e.refuse(key, item.Err)
		return nil
	}
	e.mu.Lock()
	hold := e.hold
	e.mu.Unlock()
	raw, ttl := item.Value, item.TTL
	for i := 0; i < len(observed); {
		o := observed[i]
		before, err := readRecord(raw)
		if err != nil {
			e.refuse(key, err)
		}
		after, changed := before.advance(o, e.cfg.Host, hold)
		if changed || ttl < recordLife/2 {
			swapped, current, err := e.cfg.Store.Swap(ctx, key, raw, after.encode(), recordLife)
			if err != nil {
				return err
			}
			if raw, ttl = current, recordLife; !swapped {
				continue // another replica was faster
			}
		}
		if after.Unsent != nil {
			if err := e.takeUp(ctx, key, o.Subject, after.Sequence); err != nil {
				return err
			}
		}
		i++
	}
	return nil
}

// refuse logs once what others have put under a key.
func (e *Events) refuse(key string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.refused[key] && len(e.refused) < maxSubjects {
		e.refused[key] = true
		e.cfg.Logger.Warn("state of a subject in the store cannot be used", "key", key, "err", err)
	}
}

func claimKey(key string, sequence uint64) string {
	return fmt.Sprintf("claim:%s:%d", key, sequence)
}

// takeUp sends the event of a sequence unless another replica does.
func (e *Events) takeUp(ctx context.Context, key string, s Subject, sequence uint64) error {
	e.mu.Lock()
	mine := e.sending[key]
	e.mu.Unlock()
	if mine != nil && mine.event.Sequence == sequence {
		return nil
	}
	held, err := e.cfg.Store.Claim(ctx, claimKey(key, sequence), e.cfg.Observer, cmp.Or(e.cfg.claimFor, claimFor))
	if err != nil || !held {
		return err
	}
	// Who had the claim before may have sent it meanwhile, to some or to all.
	items, err := e.cfg.Store.Get(ctx, key)
	if err != nil {
		return err
	}
	if r, err := readRecord(items[0].Value); err == nil && r != nil && r.Sequence == sequence && r.Unsent != nil {
		e.send(key, r.event(key, s, e.cfg.External), r.Unsent.Done)
	}
	return nil
}

// send counts and logs an event, and hands it to the targets that do not have it.
func (e *Events) send(key string, ev Event, done []string) {
	level := slog.LevelWarn
	if good(ev.Subject.Kind, ev.State) {
		level = slog.LevelInfo
	}
	e.cfg.Logger.Log(e.ctx, level, "state has changed", string(ev.Subject.Kind), ev.Subject.Name, "state", ev.State,
		"before", ev.Previous, "reason", ev.Reason, "event", ev.ID)
	e.cfg.Metrics.events.WithLabelValues(string(ev.Subject.Kind), stateLabel(ev.Subject.Kind, ev.State)).Inc()
	if e.cfg.OnEvent != nil {
		e.cfg.OnEvent(ev)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &sending{key: key, event: ev, left: make(map[string]bool)}
	e.sending[key] = s
	for name, q := range e.queues {
		if !slices.Contains(done, name) && q.wants(ev) {
			s.left[name] = true
			e.dropped(name, q.add(job{key: key, event: ev}))
		}
	}
	if len(s.left) == 0 {
		e.stir()
	}
}

// done is called by the target's worker when it is done with an event, in whatever way.
func (e *Events) done(target string, j job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropped(target, []job{j})
}

// dropped notes which events a target has nothing more to do with; e.mu is held.
func (e *Events) dropped(target string, jobs []job) {
	for _, j := range jobs {
		if s := e.sending[j.key]; s != nil && s.event.Sequence == j.event.Sequence && s.left[target] {
			delete(s.left, target)
			s.finished = append(s.finished, target)
			e.stir()
		}
	}
}

// settle writes down which targets are done.
func (e *Events) settle() {
	e.mu.Lock()
	var some []*sending
	for _, s := range e.sending {
		if len(s.finished) > 0 || len(s.left) == 0 {
			some = append(some, s)
		}
	}
	e.mu.Unlock()
	for _, s := range some {
		ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
		e.settleOne(ctx, s)
		cancel()
	}
}

func (e *Events) settleOne(ctx context.Context, s *sending) {
	e.mu.Lock()
	finished, all := slices.Clone(s.finished), len(s.left) == 0
	e.mu.Unlock()
	for range 4 {
		items, err := e.cfg.Store.Get(ctx, s.key)
		if err != nil || items[0].Err != nil {
			return
		}
		r, err := readRecord(items[0].Value)
		current := err == nil && r != nil && r.Sequence == s.event.Sequence && r.Unsent != nil
		if current {
			next := r.finished(finished, all)
			swapped, _, err := e.cfg.Store.Swap(ctx, s.key, items[0].Value, next.encode(), recordLife)
			if err != nil {
				return
			}
			if !swapped {
				continue
			}
		}
		e.mu.Lock()
		s.finished = s.finished[len(finished):]
		gone := (all || !current && len(s.left) == 0) && len(s.finished) == 0
		if gone && e.sending[s.key] == s {
			delete(e.sending, s.key)
		}
		e.mu.Unlock()
		if gone {
			_ = e.cfg.Store.Release(ctx, claimKey(s.key, s.event.Sequence), e.cfg.Observer) // it ends by itself
		}
		return
	}
}

// renew keeps other replicas from sending what this one sends.
func (e *Events) renew() {
	e.mu.Lock()
	all := slices.Collect(maps.Values(e.sending))
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
	defer cancel()
	for _, s := range all {
		held, err := e.cfg.Store.Claim(ctx, claimKey(s.key, s.event.Sequence), e.cfg.Observer, cmp.Or(e.cfg.claimFor, claimFor))
		if err != nil {
			return
		}
		if !held { // this process stood still, and another took over
			e.mu.Lock()
			for _, q := range e.queues {
				q.forget(s.key, s.event.Sequence)
			}
			if e.sending[s.key] == s {
				delete(e.sending, s.key)
			}
			e.mu.Unlock()
		}
	}
}

// current says whether an event is still the newest of its subject, and was not sent by
// another replica; in doubt it is.
func (e *Events) current(ctx context.Context, key string, sequence uint64) bool {
	items, err := e.cfg.Store.Get(ctx, key)
	if err != nil || items[0].Err != nil {
		return true
	}
	r, err := readRecord(items[0].Value)
	return err != nil || r == nil || r.Sequence == sequence && r.Unsent != nil
}
