package event

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"storage_exporter/internal/outside"
)

// recordLife is how long the state of a subject is remembered that is not observed.
const recordLife = 30 * 24 * time.Hour

// record is what replicas share of a subject. What lies in the store is hostile.
type record struct {
	State    string `json:"state"`
	Sequence uint64 `json:"sequence"` // of the change to State; 0: it is the first state
	// Next is a state that was observed and does not hold yet.
	Next *candidate `json:"next,omitempty"`
	// Unsent is the change to State while not everybody has it.
	Unsent *change `json:"unsent,omitempty"`
}

// candidate was observed first at Since, by the clock of the replica By.
type candidate struct {
	State string    `json:"state"`
	Since time.Time `json:"since"`
	By    string    `json:"by,omitempty"`
}

// change is what an event is made of, beside the subject, the state and the sequence.
type change struct {
	Previous string    `json:"previous"`
	Reason   string    `json:"reason,omitempty"`
	Time     time.Time `json:"time"`
	Host     string    `json:"host"`
	Done     []string  `json:"done,omitempty"` // the targets that have it
}

var errRecord = errors.New("not the state of a subject")

// readRecord is nil for none.
func readRecord(raw []byte) (*record, error) {
	if raw == nil {
		return nil, nil
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil || r.State == "" || r.State != outside.TextUpTo(r.State, longestState) {
		return nil, errRecord
	}
	if n := r.Next; n != nil && (n.State == "" || n.State != outside.TextUpTo(n.State, longestState)) {
		r.Next = nil
	} else if n != nil {
		n.By = outside.TextUpTo(n.By, longestName)
	}
	if u := r.Unsent; u != nil {
		u.Previous, u.Reason, u.Host = outside.TextUpTo(u.Previous, longestState), outside.TextUpTo(u.Reason, longestReason), outside.TextUpTo(u.Host, longestName)
		if y := u.Time.Year(); y < 1971 || y > 9998 || u.Previous == "" {
			r.Unsent = nil
		}
	}
	return &r, nil
}

func (r *record) encode() []byte {
	raw, _ := json.Marshal(r) // of texts, numbers and times alone
	return raw
}

// replica is who compares.
type replica struct{ observer, host string }

// advance is the record after an observation; changed is whether it is another one. A
// change holds when it is observed a second time, or, with a hold, when it is observed
// again that long after it was first. A first state is no change. age is how long ago
// the record was put, by the store's clock, when the observation was made.
func (r *record) advance(o Observation, me replica, hold, age time.Duration) (next record, changed bool) {
	switch {
	case r == nil:
		return record{State: o.State}, true
	case o.State == r.State:
		next = *r
		next.Next = nil
		return next, r.Next != nil
	case r.Next == nil || r.Next.State != o.State || hold > 0 && r.Next.heldFor(o, me, age) < 0:
		next = *r
		next.Next = &candidate{o.State, o.At, me.observer}
		return next, true
	case o.At.Equal(r.Next.Since) || hold > 0 && r.Next.heldFor(o, me, age) < hold: // the same observation, or too soon
		return *r, false
	}
	return record{State: o.State, Sequence: r.Sequence + 1,
		Unsent: &change{Previous: r.State, Reason: o.Reason, Time: o.At, Host: me.host}}, true
}

// heldFor is how long the state had held at an observation. The clocks of replicas
// differ: what another one saw first is as old as the record. It is below 0 where our
// own clock was set back.
func (c *candidate) heldFor(o Observation, me replica, age time.Duration) time.Duration {
	if c.By == me.observer {
		return o.At.Sub(c.Since)
	}
	return max(age, 0)
}

// finished is the record when some targets have the event; all is whether they are all.
func (r *record) finished(targets []string, all bool) record {
	next := *r
	if all {
		next.Unsent = nil
		return next
	}
	u := *r.Unsent
	u.Done = slices.Concat(u.Done, targets)
	slices.Sort(u.Done)
	u.Done = slices.Compact(u.Done)
	next.Unsent = &u
	return next
}

// event is the change that is not sent everywhere yet.
func (r *record) event(key string, s Subject, external string) Event {
	u := r.Unsent
	return Event{
		ID: eventID(key, r.Sequence, r.State, u.Time), Name: names[s.Kind], Sequence: r.Sequence, Time: u.Time.UTC(), Subject: s,
		State: r.State, Previous: u.Previous, Reason: u.Reason, Host: u.Host, Link: link(external, s), Dedup: digest(key),
	}
}
