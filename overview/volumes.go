package overview

import (
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// Volume is one configured volume, without what is not known of it.
type Volume struct {
	Name    string        `json:"name"`
	Backend string        `json:"backend"`
	Status  volume.Status `json:"status"`
	Info    string        `json:"status_info,omitempty"`
	// CheckedAt and AgeSeconds are the health check's, the age as of the moment
	// that the overview was made; nil: never checked.
	CheckedAt   *time.Time          `json:"last_checked_at,omitempty"`
	AgeSeconds  *float64            `json:"age_seconds,omitempty"`
	Performance *volume.Performance `json:"performance,omitempty"`
	Usage       *volume.Usage       `json:"usage,omitempty"`
}

// VolumeCounts count the volumes.
type VolumeCounts struct {
	Total    int                   `json:"total"`
	ByStatus map[volume.Status]int `json:"by_status"` // all states
}

// VolumePart is what is known of one volume.
type VolumePart struct {
	Name, Backend string
	Health        cache.Result[volume.Health]
	Performance   cache.Result[observed.PerfMetric]
	Usage         cache.Result[volume.Usage]
}

// volumes are the parts of the configured volumes, never nil.
func volumes(list []*observed.Volume) []VolumePart {
	parts := make([]VolumePart, len(list))
	for i, v := range list {
		parts[i] = VolumePart{Name: v.Name, Backend: v.Backend, Health: v.Health.Peek(), Performance: v.Performance.Peek(), Usage: v.Usage.Peek()}
	}
	return parts
}

func (p *VolumePart) describe() Volume {
	v := Volume{Name: p.Name, Backend: p.Backend, Status: volume.Unknown}
	if p.Health.Err != nil {
		v.Info = p.Health.Err.Error()
	} else if s := p.Health.Snapshot; s.Value != nil {
		v.Status, v.Info = s.Value.Status, s.Value.Info
		v.CheckedAt, v.AgeSeconds = shownTimes(s.ObservedAt, s.Age)
	}
	if s := p.Performance.Snapshot; p.Performance.Err == nil && s.Value != nil {
		v.Performance = &s.Value.Metric
	}
	if p.Usage.Err == nil {
		v.Usage = p.Usage.Snapshot.Value
	}
	return v
}

func countVolumes(list []Volume) *VolumeCounts {
	if list == nil {
		return nil
	}
	c := countStates(len(list), func(i int) volume.Status { return list[i].Status })
	return &c
}

// countStates counts n volumes.
func countStates(n int, status func(i int) volume.Status) VolumeCounts {
	c := VolumeCounts{Total: n, ByStatus: make(map[volume.Status]int, len(volume.Statuses))}
	for _, s := range volume.Statuses {
		c.ByStatus[s] = 0
	}
	for i := range n {
		c.ByStatus[status(i)]++
	}
	return c
}
