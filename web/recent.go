package web

import (
	"context"
	"sync"
	"time"

	"storage_exporter/event"
)

const (
	// fewEvents is how many events the overview shows.
	fewEvents = 10
	// eventsFresh is how long they are shown before the store is asked again, and
	// eventsPatience how long a page waits for that.
	eventsFresh    = 5 * time.Second
	eventsPatience = 300 * time.Millisecond
)

// recentEvents are the newest events as they were read last.
type recentEvents struct {
	mu      sync.Mutex // guards the fields below
	view    *eventsView
	at      time.Time
	reading bool
	number  int // counts the views
}

// newestEvents are the newest events and the number of that view; nil where they are
// not shown. One request at a time waits for the store, and not for long.
func (p *Pages) newestEvents(ctx context.Context) (*eventsView, int) {
	if p.cfg.Events == nil {
		return nil, 0
	}
	r := &p.recent
	if !r.begin() {
		return r.newest()
	}
	// What is read is for all who look: it does not end with the one who asked.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventsPatience)
	defer cancel()
	return r.end(eventsOf(p.cfg.Events(ctx, event.Filter{}, "", fewEvents)))
}

// begin is whether the store is to be asked, by the caller.
func (r *recentEvents) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reading || r.view != nil && time.Since(r.at) < eventsFresh {
		return false
	}
	r.reading = true
	return true
}

func (r *recentEvents) newest() (*eventsView, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view, r.number
}

func (r *recentEvents) end(view *eventsView) (*eventsView, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading, r.at = false, time.Now()
	if r.view == nil || !r.view.same(view) {
		r.view = view
		r.number++
	}
	return r.view, r.number
}

func (v *eventsView) same(o *eventsView) bool {
	if v.Error != o.Error || len(v.Rows) != len(o.Rows) {
		return false
	}
	for i := range v.Rows {
		if v.Rows[i] != o.Rows[i] {
			return false
		}
	}
	return true
}
