package api

import (
	"context"
	"net/http"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// managerPrefix is where the storage proxy's part of the API answers too: the address
// of a proxy may have a path, which a manager joins with those below.
const managerPrefix = "/manager-api"

// managerRoutes are the paths of a Backend.AI storage proxy on its manager-facing port.
func (a *API) managerRoutes() map[string]handler {
	return map[string]handler{
		"/volumes":                   a.listVolumes,
		"/volume/performance-metric": a.performanceMetric,
		"/volume/hwinfo":             a.hardwareInfo,
		"/folder/fs-usage":           a.fileSystemUsage,
		"/health":                    a.managerHealth,
		"/status":                    a.status,
		"/livez":                     a.live,
		"/readyz":                    a.ready,
	}
}

// WithoutToken says of a path whether it shows the service's own state and is for who
// has no token: load balancers, and managers that look for the service.
func WithoutToken(path string) bool {
	switch path {
	case "/health", "/status", "/livez", "/readyz",
		managerPrefix + "/health", managerPrefix + "/status", managerPrefix + "/livez", managerPrefix + "/readyz":
		return true
	}
	return false
}

type volumeHealth struct {
	Status        volume.Status `json:"status"`
	Info          *string       `json:"status_info"`
	Backend       string        `json:"backend"`
	LastCheckedAt *time.Time    `json:"last_checked_at"`
}

// managerHealth answers with the health of every volume. The status is the service's
// own: it answers, so it is healthy, whatever its volumes are. A volume that was
// never checked is unknown: an absent result is not a good one, and is not waited for.
func (a *API) managerHealth(context.Context, *http.Request) (answer, error) {
	volumes := a.cfg.Volumes.Volumes()
	ans := answer{cached: true}
	byName := make(map[string]volumeHealth, len(volumes))
	for _, v := range volumes {
		r := v.Health.Peek() // who asks about all does not wait for the one that is silent
		status, info, at := observed.Shown(r)
		byName[v.Name] = volumeHealth{Status: status, Info: orNull(info), Backend: v.Backend, LastCheckedAt: at}
		if r.Err == nil {
			include(&ans, r.Snapshot)
		} else {
			ans.include(0, cache.Miss)
		}
	}
	ans.body = struct {
		Status  string                  `json:"status"`
		Version string                  `json:"version"`
		Volumes map[string]volumeHealth `json:"volumes"`
	}{"healthy", a.cfg.Version, byName}
	return ans, nil
}

// status says what answers here, as the storage proxy does.
func (a *API) status(context.Context, *http.Request) (answer, error) {
	return answer{body: struct {
		Status  string `json:"status"`
		Type    string `json:"type"`
		Version string `json:"storage-proxy"`
	}{"ok", "manager-facing", a.cfg.Version}}, nil
}

// live says that the process answers.
func (a *API) live(context.Context, *http.Request) (answer, error) { return a.probe(true), nil }

// ready says whether the first observations have ended.
func (a *API) ready(context.Context, *http.Request) (answer, error) {
	return a.probe(a.cfg.Ready == nil || a.cfg.Ready()), nil
}

type check struct {
	Group     string     `json:"service_group"`
	Component string     `json:"component_id"`
	Healthy   bool       `json:"is_healthy"`
	CheckedAt *time.Time `json:"last_checked_at"`
	Error     *string    `json:"error_message"`
}

// probe is the storage proxy's answer to a probe. Its checks are of the volumes; they
// inform, and none of them decides: a volume that is lost is no reason to restart
// the exporter, or to ask another.
func (a *API) probe(well bool) answer {
	var body struct {
		Status       string `json:"status"`
		Version      string `json:"version"`
		Component    string `json:"component"`
		Connectivity struct {
			Healthy   bool      `json:"overall_healthy"`
			Checks    []check   `json:"connectivity_checks"`
			Timestamp time.Time `json:"timestamp"`
		} `json:"connectivity"`
	}
	status := http.StatusOK
	body.Status, body.Version, body.Component = "ok", a.cfg.Version, "storage-proxy"
	if !well {
		status, body.Status = http.StatusServiceUnavailable, "error"
	}
	c := &body.Connectivity
	c.Healthy, c.Checks, c.Timestamp = true, []check{}, time.Now().UTC()
	for _, v := range a.cfg.Volumes.Volumes() {
		status, info, at := observed.Shown(v.Health.Peek())
		healthy := status == volume.Healthy
		c.Healthy = c.Healthy && healthy
		c.Checks = append(c.Checks, check{Group: "storage-proxy", Component: v.Name, Healthy: healthy, CheckedAt: at, Error: orNull(info)})
	}
	return answer{status: status, body: body}
}
