package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"storage_exporter/cachestore"
	"storage_exporter/internal/outside"
)

const (
	historyKey = "storage:events"
	// historyTarget is no name that a webhook can have.
	historyTarget = "(history)"
	// mostHistory is about how many events are kept.
	mostHistory = 10_000
	// MaxPage is how many events a page has at most.
	MaxPage = 500
)

// history is the target that keeps what has happened.
type history struct{ store cachestore.Store }

func (h *history) send(ctx context.Context, e Event) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return &refusal{reason: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err = h.store.Append(ctx, historyKey, mostHistory, raw)
	return err
}

// Filter says which events are asked for; what is empty lets all pass.
type Filter struct {
	Subjects []string // kinds, or kind:name
	States   []string
}

// Check reports subjects that no event can have, and states.
func (f Filter) Check(wrong func(key, format string, args ...any)) {
	for i, s := range f.Subjects {
		kind, name, named := strings.Cut(s, ":")
		if !slices.Contains(Kinds, Kind(kind)) || named && name == "" {
			wrong("subjects", `must be volume, proxy or drive, each alone or with a name, as in "volume:v1": entry %d is not`, i+1)
			break
		}
	}
	for i, s := range f.States {
		if !slices.ContainsFunc(Kinds, func(k Kind) bool { return slices.Contains(states[k], s) }) {
			wrong("states", "must be states of volumes, proxies or drives, such as offline, unhealthy or failing: entry %d is not", i+1)
			break
		}
	}
}

func (f Filter) subject(s Subject) bool {
	return len(f.Subjects) == 0 || slices.Contains(f.Subjects, string(s.Kind)) || slices.Contains(f.Subjects, s.String())
}

// Wants says whether an event passes.
func (f Filter) Wants(e Event) bool {
	return f.subject(e.Subject) && (len(f.States) == 0 || slices.Contains(f.States, e.State))
}

// Page is some events, the newest first.
type Page struct {
	Events []Event `json:"events"`
	// Next is where the next page begins; empty: there is none.
	Next string `json:"-"`
	// Unreadable counts the entries that are no events.
	Unreadable int `json:"unreadable"`
}

// ErrBefore says that a text is no beginning of a page.
var ErrBefore = errors.New("not the next of a page of events")

// List returns up to n events that pass the filter and are older than before, which is
// the Next of another page.
func (e *Events) List(ctx context.Context, f Filter, before string, n int) (Page, error) {
	page := Page{Events: []Event{}}
	n = min(n, MaxPage)
	for read := 0; read < 2*mostHistory; {
		entries, err := e.cfg.Store.Newest(ctx, historyKey, before, cachestore.MaxNewest)
		if errors.Is(err, cachestore.ErrID) {
			return page, ErrBefore
		}
		if err != nil {
			return page, fmt.Errorf("the history cannot be read: %w", err)
		}
		for _, entry := range entries {
			if len(page.Events) >= n {
				page.Next = before
				return page, nil
			}
			before = entry.ID
			switch ev, ok := readEvent(entry); {
			case !ok:
				page.Unreadable++
			case f.Wants(ev):
				ev.Link = link(e.cfg.External, ev.Subject)
				page.Events = append(page.Events, ev)
			}
		}
		if read += len(entries); len(entries) == 0 {
			return page, nil
		}
	}
	return page, nil
}

// readEvent reads an entry, which anybody who can write to the store may have put.
func readEvent(entry cachestore.Appended) (Event, bool) {
	var e Event
	if entry.Err != nil || json.Unmarshal(entry.Value, &e) != nil {
		return Event{}, false
	}
	e.ID, e.Host, e.Reason = outside.TextUpTo(e.ID, longestName), outside.TextUpTo(e.Host, longestName), outside.TextUpTo(e.Reason, longestReason)
	e.State, e.Previous = outside.TextUpTo(e.State, longestState), outside.TextUpTo(e.Previous, longestState)
	e.Subject.Name = outside.TextUpTo(e.Subject.Name, longestName)
	e.Name = names[e.Subject.Kind]
	y := e.Time.Year()
	return e, e.ID != "" && e.Name != "" && e.Subject.Name != "" && e.State != "" && y > 1970 && y < 9999
}
