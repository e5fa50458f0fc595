package event

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"storage_exporter/internal/gather"
)

// sending is an event that not all targets have yet.
type sending struct {
	key      string
	event    Event
	left     map[string]bool // targets that do not have it
	finished []string        // those that have it, and the record does not say so yet
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
	if items[0].Err != nil {
		return items[0].Err
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
	e.news.Add(gather.Line{
		Level: level, Message: "state has changed", Subject: string(ev.Subject.Kind), Cause: ev.State + "\x00" + ev.Previous + "\x00" + ev.Reason,
		Args: []any{"state", ev.State, "before", ev.Previous, "reason", ev.Reason, "event", ev.ID},
	}, ev.Subject.Name)
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
