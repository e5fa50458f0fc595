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
// never checked is unknown: an absent result is not a good one.
func (a *API) managerHealth(ctx context.Context, _ *http.Request) (answer, error) {
	volumes := a.cfg.Volumes.Volumes()
	entries := make([]*cache.Entry[volume.Health], len(volumes))
	for i, v := range volumes {
		entries[i] = v.Health
	}
	ans := answer{cached: true}
	status := "ok"
	byName := make(map[string]volumeHealth, len(volumes))
	for i, r := range cache.GetAll(ctx, entries) {
		v := volumes[i]
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
