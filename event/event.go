// Package event finds the changes of state of volumes, proxies and drives, in one
// place: what is observed goes through Observe. A change that holds is sent by exactly
// one of the replicas that share a store, to the log, the counters, the history and the
// webhooks. Nothing here holds an observation up.
package event

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Kind is what a subject is.
type Kind string

// The kinds.
const (
	Volume Kind = "volume"
	Proxy  Kind = "proxy"
	Drive  Kind = "drive"
)

// Kinds lists the kinds.
var Kinds = []Kind{Volume, Proxy, Drive}

// states are those of each kind, the good one first.
var states = map[Kind][]string{
	Volume: {"healthy", "degraded", "offline", "unavailable", "unknown"},
	Proxy:  {"healthy", "unhealthy", "unknown"},
	Drive:  {"ok", "warning", "failing", "unknown"},
}

// names are those of the events of each kind.
var names = map[Kind]string{
	Volume: "volume_health_changed",
	Proxy:  "storage_proxy_health_changed",
	Drive:  "drive_assessment_changed",
}

// good says whether a state of a kind is the good one.
func good(k Kind, state string) bool { return len(states[k]) > 0 && states[k][0] == state }

// Subject is what has a state: a kind, and a name as people know it.
type Subject struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// String is the subject as a filter has it.
func (s Subject) String() string { return string(s.Kind) + ":" + s.Name }

// Event is a change of state that held.
type Event struct {
	// ID is the same however often the event is sent.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Sequence counts the changes of the subject.
	Sequence uint64 `json:"sequence"`
	// Time is that of the observation that confirmed the change, by its host's clock.
	Time     time.Time `json:"time"`
	Subject  Subject   `json:"subject"`
	State    string    `json:"state"`
	Previous string    `json:"previous"`
	Reason   string    `json:"reason,omitempty"`
	Host     string    `json:"host"` // that observed it
	Link     string    `json:"link,omitempty"`
	// Dedup is the same for all events of the subject.
	Dedup string `json:"-"`
}

// Observation is one look at a subject. Who puts the newest snapshot of a subject
// observes it, nobody else: so replicas that would judge differently do not alternate.
type Observation struct {
	Subject Subject
	// Key distinguishes the subject among all in the store; empty: its name does.
	Key    string
	State  string
	Reason string
	// At is when it was observed; zero: now.
	At time.Time

	came time.Time // when it came here, whatever the clock of At
}

// The bounds of texts, in bytes.
const (
	longestName   = 256
	longestState  = 32
	longestReason = 500
)

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// eventID is made of what is stored, so that another replica comes to the same.
func eventID(key string, sequence uint64, state string, at time.Time) string {
	return "evt_" + digest(key, fmt.Sprint(sequence), state, fmt.Sprint(at.UnixMilli()))
}

// link is the page on which the exporter at external shows a subject to people; empty
// where external is.
func link(external string, s Subject) string {
	if external == "" {
		return ""
	}
	external = strings.TrimSuffix(external, "/")
	switch s.Kind {
	case Drive:
		return external + "/drives/" + url.PathEscape(s.Name)
	case Proxy:
		return external + "/overview#proxies"
	default:
		return external + "/overview#volumes"
	}
}
