// Package proxy polls the health of other storage proxies and exporters: whether each
// answers, and what it says of its volumes. The two are independent: a proxy that
// answers is healthy although all of its volumes are offline.
package proxy

import (
	"fmt"
	"slices"
	"time"

	"storage_exporter/volume"
)

// Status is a proxy's state.
type Status string

// The states of a proxy.
const (
	Healthy   Status = "healthy"   // it gave a known answer, whatever that says of volumes
	Unhealthy Status = "unhealthy" // it did not
	Unknown   Status = "unknown"   // not polled yet
)

// Statuses lists every state.
var Statuses = []Status{Healthy, Unhealthy, Unknown}

// UnmarshalText refuses a word that is no state, so that one from a store never
// becomes a label.
func (s *Status) UnmarshalText(text []byte) error {
	if !slices.Contains(Statuses, Status(text)) {
		return fmt.Errorf("%.40q is no state of a proxy", text)
	}
	*s = Status(text)
	return nil
}

// Shape is what kind of answer a proxy gives.
type Shape string

// The shapes of an answer.
const (
	ShapeManager  Shape = "manager-api"   // volumes, below the service's own "healthy"
	ShapeExporter Shape = "exporter"      // volumes, below "ok" or "degraded", which is about them
	ShapeProxy    Shape = "storage-proxy" // no volumes: connectivity
)

// Shapes lists every shape.
var Shapes = []Shape{ShapeManager, ShapeExporter, ShapeProxy}

// Proxy is what is known of one configured proxy. What is not known is absent. Nobody
// may change one.
type Proxy struct {
	Name string `json:"name"`
	URL  string `json:"url"` // without credentials
	// Metrics is the host:port that Prometheus scrapes; empty for none.
	Metrics string `json:"metrics,omitempty"`
	Status  Status `json:"status"`
	// Reason says why the status is not healthy.
	Reason        string     `json:"reason,omitempty"`
	LastCheckedAt *time.Time `json:"last_checked_at,omitempty"`
	// The rest is of the last answer, and absent where there was none to the last
	// poll, but for the volumes.
	Shape   Shape  `json:"shape,omitempty"`
	Says    string `json:"says,omitempty"` // its own word for its state
	Version string `json:"version,omitempty"`
	// Checks is how many connections an answer without volumes has checked: one that
	// failed as a whole calls itself healthy, with none.
	Checks *int `json:"connectivity_checks,omitempty"`
	// Volumes are by name. All are unknown where the last poll did not yield them:
	// then they are those of the last one that did, for a day.
	Volumes []Volume `json:"volumes"`
	// VolumesAt is when the proxy last named its volumes; VolumesReason is why it does
	// not although it answers.
	VolumesAt     *time.Time `json:"volumes_at,omitempty"`
	VolumesReason string     `json:"volumes_reason,omitempty"`
	// LeftOut is how many volumes it named beyond what is shown.
	LeftOut int `json:"volumes_left_out,omitempty"`
}

// Volume is a volume as its proxy reports it.
type Volume struct {
	Name    string        `json:"name"`
	Backend string        `json:"backend,omitempty"`
	Status  volume.Status `json:"status"`
	Info    string        `json:"status_info,omitempty"`
	// LastCheckedAt is when the proxy last checked it; nil where that is not known.
	LastCheckedAt *time.Time `json:"last_checked_at,omitempty"`
}

// Count is how many volumes have a state.
func (p *Proxy) Count(status volume.Status) int {
	n := 0
	for i := range p.Volumes {
		if p.Volumes[i].Status == status {
			n++
		}
	}
	return n
}
