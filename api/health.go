package api

import (
	"context"
	"net/http"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

type volumeHealth struct {
	Status        volume.Status `json:"status"`
	Info          *string       `json:"status_info"`
	Backend       string        `json:"backend"`
	LastCheckedAt *time.Time    `json:"last_checked_at"`
}

// managerHealth answers with the health of every volume. The status is "ok" while all
// volumes can be used (healthy or degraded), else "degraded". A volume that was
// never checked is unknown: an absent result is not a good one, and is not waited for.
func (a *API) managerHealth(context.Context, *http.Request) (answer, error) {
	volumes := a.cfg.Volumes.Volumes()
	ans := answer{cached: true}
	status := "ok"
	byName := make(map[string]volumeHealth, len(volumes))
	for _, v := range volumes {
		r := v.Health.Peek() // who asks about all does not wait for the one that is silent
		h := volumeHealth{Status: volume.Unknown, Backend: v.Backend}
		if r.Err == nil {
			at := r.Snapshot.ObservedAt.UTC()
			h.Status, h.Info, h.LastCheckedAt = r.Snapshot.Value.Status, orNull(r.Snapshot.Value.Info), &at
			include(&ans, r.Snapshot)
		} else {
			h.Info = orNull(r.Err.Error())
			ans.include(0, cache.Miss)
		}
		if h.Status != volume.Healthy && h.Status != volume.Degraded {
			status = "degraded"
		}
		byName[v.Name] = h
	}
	ans.body = struct {
		Status  string                  `json:"status"`
		Version string                  `json:"version"`
		Volumes map[string]volumeHealth `json:"volumes"`
	}{status, a.cfg.Version, byName}
	return ans, nil
}
