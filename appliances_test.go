package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume/appliancetest"
)

// weka is a small Weka cluster on the loopback interface. It counts its calls.
type weka struct {
	*appliancetest.Appliance
	name        string
	filesystems int
}

// The only account of the clusters, and the token that a login yields.
const (
	wekaUser     = "reader"
	wekaPassword = "weka-password"
	wekaToken    = "weka-access"
)

func startWeka(t testing.TB, name string, filesystems int) *weka {
	t.Helper()
	w := &weka{name: name, filesystems: filesystems}
	w.Appliance = appliancetest.NewAppliance(t, nil, w)
	return w
}

// volume is the name of the volume on the cluster's n-th file system.
func (w *weka) volume(n int) string { return fmt.Sprintf("%s-fs%02d", w.name, n) }

// config has a section for each file system.
func (w *weka) config() string {
	var b strings.Builder
	for n := range w.filesystems {
		fmt.Fprintf(&b, `
[volume.%[1]s]
backend = "weka"
path = "/mnt/%[1]s"
[volume.%[1]s.options]
weka_endpoint = %[2]q
weka_username = %[3]q
weka_password = %[4]q
weka_fs_name = "fs%02[5]d"
ca_file = %[6]q
`, w.volume(n), w.URL, wekaUser, wekaPassword, n, w.CAFile)
	}
	return b.String()
}

// count is the calls so far by path, those that were refused included.
func (w *weka) count() map[string]int {
	by := map[string]int{}
	for _, c := range w.Calls() {
		by[strings.TrimPrefix(c.Path, "/api/v2")]++
	}
	return by
}

func (w *weka) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v2")
	var said any
	switch {
	case path == "/login":
		var by struct{ Username, Password string }
		if json.NewDecoder(r.Body).Decode(&by) != nil || by.Username != wekaUser || by.Password != wekaPassword {
			http.Error(out, `{"message": "Authentication failed"}`, http.StatusUnauthorized)
			return
		}
		said = map[string]any{"access_token": wekaToken, "token_type": "Bearer", "expires_in": 300, "refresh_token": "weka-refresh"}
	case r.Header.Get("Authorization") != "Bearer "+wekaToken:
		http.Error(out, `{"message": "Unauthorized"}`, http.StatusUnauthorized)
		return
	case path == "/cluster":
		said = w.cluster()
	case path == "/fileSystems":
		said = w.list()
	case path == "/stats":
		said = w.stats(time.Now())
	case path == "/alerts":
		said = []any{}
	default:
		http.NotFound(out, r)
		return
	}
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_ = json.NewEncoder(out).Encode(map[string]any{"data": said})
}

func (w *weka) cluster() any {
	full := map[string]any{"active": 8, "total": 8}
	return map[string]any{
		"name": w.name, "guid": "guid-" + w.name, "release": "4.4.2.157", "status": "OK", "io_status": "STARTED", "active_alerts_count": 0,
		"drives": full, "io_nodes": full, "buckets": full, "servers": map[string]any{"backends": full},
	}
}

func (w *weka) list() any {
	list := make([]any, w.filesystems)
	for n := range list {
		total := uint64(n+1) << 40
		list[n] = map[string]any{
			"id": fmt.Sprintf("FSId<%d>", n), "name": fmt.Sprintf("fs%02d", n), "uid": fmt.Sprintf("uid-%s-%d", w.name, n), "group_name": "default",
			"is_creating": false, "is_removing": false, "is_ready": true, "status": "READY",
			"total_budget": total, "used_total": total / 4, "free_total": total - total/4,
		}
	}
	return list
}

// stats has a sample at the end of each of the last two minutes. The figures are
// others in each.
func (w *weka) stats(now time.Time) any {
	var samples []any
	for ago := range 2 {
		at := now.Truncate(time.Minute).Add(-time.Duration(ago) * time.Minute)
		stats := map[string]float64{}
		for n := range w.filesystems {
			ops := 1 + float64(n) + float64(at.Minute())/7
			for stat, v := range map[string]float64{
				"READS": ops, "WRITES": ops / 2, "READ_BYTES": 4096 * ops, "WRITE_BYTES": 1024 * ops, "READ_LATENCY": 402.75, "WRITE_LATENCY": 612.5,
			} {
				stats[fmt.Sprintf("%s[fS: %d]", stat, n)] = v
			}
		}
		samples = append(samples, map[string]any{"stats": stats, "resolution": 60, "timestamp": at.UTC().Format(time.RFC3339)})
	}
	return map[string]any{"all": map[string]any{"fs_stats": samples}}
}
