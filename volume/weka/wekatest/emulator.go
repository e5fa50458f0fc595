// Package wekatest emulates a Weka cluster.
package wekatest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"storage_exporter/internal/kit"
	"storage_exporter/volume/appliancetest"
)

const (
	emulatedLife = 5 * time.Minute
	password     = "weka-secret-password"
)

// Cluster is a Weka cluster. File system i reads 10.5*(i+1) and writes 4 times a
// second, but the second one only reads.
type Cluster struct {
	*appliancetest.Emulator
	ListForm        bool // logins answer with a list of one
	Access, Refresh appliancetest.Sessions

	mu        sync.Mutex    // guards the fields below, see Set
	Forbidden string        // a path that the account may not ask
	Without   string        // "fs_stats" where that category is not known
	Refuses   bool          // what is not known is refused, rather than left out
	Lag       time.Duration // of the statistics
	Status    string        // the cluster's word; empty: OK
	Down      int           // drives
	// Load is how much of its usual work a file system does at a time; nil: all of it.
	Load func(i int, at time.Time) float64
}

// Start makes one with so many file systems.
func Start(t kit.T, network *appliancetest.Network, volumes int) *Cluster {
	c := &Cluster{Access: appliancetest.Sessions{Life: emulatedLife}}
	c.Emulator = appliancetest.NewEmulator(t, network, c, "weka", "weka_endpoint", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
		return map[string]any{"weka_username": "reader", "weka_password": password, "weka_organization": "Root", "weka_fs_name": fmt.Sprint("fs", i)}
	})
	c.Secret(password)
	c.Expire = func() { c.Access.End() } // those that renew them stay
	return c
}

// Set changes settings while the cluster is asked.
func (c *Cluster) Set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *Cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v2")
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "no such page")
	case path == "/login":
		c.login(w, r)
	case path == "/login/refresh":
		c.renew(w, r)
	case !c.Access.Use(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")):
		fail(w, http.StatusUnauthorized, "Unauthorized")
	case path == c.Forbidden:
		fail(w, http.StatusForbidden, "Forbidden")
	case path == "/fileSystems":
		c.list(w)
	case path == "/cluster":
		c.cluster(w)
	case path == "/alerts":
		answer(w, []any{map[string]any{"title": "Drive is down", "muted": false, "params": map[string]any{"hostname": "weka-03"}}})
	case path == "/stats":
		c.stats(w, r)
	default:
		fail(w, http.StatusNotFound, "no such page")
	}
}

func (c *Cluster) login(w http.ResponseWriter, r *http.Request) {
	var said struct{ Username, Password, Org string }
	if json.NewDecoder(r.Body).Decode(&said) != nil {
		fail(w, http.StatusBadRequest, "not JSON")
		return
	}
	if said.Username != "reader" || said.Password != password || said.Org != "Root" {
		fail(w, http.StatusUnauthorized, "Authentication failed")
		return
	}
	c.grant(w)
}

func (c *Cluster) renew(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Token string `json:"refresh_token"`
	}
	if json.NewDecoder(r.Body).Decode(&said) != nil || !c.Refresh.Use(said.Token) {
		fail(w, http.StatusUnauthorized, "Refresh token is not valid")
		return
	}
	c.grant(w)
}

func (c *Cluster) grant(w http.ResponseWriter) {
	grant := map[string]any{
		"access_token": c.Access.New(c.Appliance, "weka-access-%d"), "token_type": "Bearer", "expires_in": int(emulatedLife.Seconds()),
		"refresh_token": c.Refresh.New(c.Appliance, "weka-refresh-%d"),
	}
	if c.ListForm {
		answer(w, []any{grant})
		return
	}
	answer(w, grant)
}

func (c *Cluster) list(w http.ResponseWriter) {
	list := []any{}
	for i := range c.Volumes {
		total := uint64(i+1) << 40
		list = append(list, map[string]any{
			"id": fmt.Sprintf("FSId<%d>", i), "name": fmt.Sprint("fs", i), "uid": fmt.Sprintf("uid-%d", i), "group_name": "default",
			"is_creating": false, "is_removing": false, "is_ready": true, "status": "READY",
			"total_budget": total, "used_total": total / 4, "free_total": total - total/4, "max_files": 1026,
		})
	}
	answer(w, list)
}

func (c *Cluster) cluster(w http.ResponseWriter) {
	full, drives := map[string]any{"active": 8, "total": 8}, map[string]any{"active": 8 - c.Down, "total": 8}
	answer(w, map[string]any{
		"name": "weka-a", "guid": "550c68b6", "release": "4.4.2.157", "status": cmp.Or(c.Status, "OK"), "io_status": "STARTED", "active_alerts_count": 3,
		"drives": drives, "io_nodes": full, "buckets": full, "containers": map[string]any{"backends": full}, "servers": map[string]any{"backends": full},
		"rebuild": map[string]any{"progressPercent": 0, "protectionState": []any{map[string]any{"numFailures": 0, "percent": 100}}},
	})
}

// stats has a sample at the end of each minute, as long after it as the lag.
func (c *Cluster) stats(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	category, window := q.Get("category"), 60
	if n, err := strconv.Atoi(q.Get("interval")); err == nil {
		window = n
	}
	if q.Get("accumulated") == "true" || strings.Contains(q.Get("start_time"), "+00:00Z") || len(q["stat"]) == 0 {
		fail(w, http.StatusBadRequest, "the statistics are not asked for as they should be")
		return
	}
	if category == c.Without {
		if c.Refuses {
			fail(w, http.StatusBadRequest, "unknown category")
			return
		}
		answer(w, map[string]any{"all": map[string]any{}})
		return
	}
	samples := []any{}
	now := time.Now()
	for at := now.Add(-c.Lag).Truncate(time.Minute); now.Sub(at) <= time.Duration(window)*time.Second; at = at.Add(-time.Minute) {
		samples = append(samples, map[string]any{
			"stats": c.sample(category, q["param[fS]"], at), "resolution": 60, "timestamp": at.UTC().Format("2006-01-02T15:04:05Z"),
		})
	}
	answer(w, map[string]any{"all": map[string]any{category: samples}})
}

func (c *Cluster) sample(category string, of []string, at time.Time) map[string]any {
	stats := map[string]any{}
	all := 0.0
	for i := range c.Volumes {
		share := 1.0
		if c.Load != nil {
			share = c.Load(i, at)
		}
		reads, writes := 10.5*float64(i+1)*share, 4*share
		latency := any(612.5)
		if i == 1 {
			writes, latency = 0, nil
		}
		all += reads
		for stat, v := range map[string]any{
			"READS": reads, "WRITES": writes, "READ_BYTES": 4096 * reads, "WRITE_BYTES": 1024 * writes,
			"READ_LATENCY": 402.75, "WRITE_LATENCY": latency,
		} {
			if category == "fs_stats" && len(of) == 1 && of[0] == "*" {
				stats[fmt.Sprintf("%s[fS: %d]", stat, i)] = v
			}
		}
	}
	if category == "ops" || len(stats) == 0 { // all together, also where no file system was named
		stats = map[string]any{"READS": all, "WRITES": 4, "READ_BYTES": 4096 * all, "WRITE_BYTES": 4096, "READ_LATENCY": 398.5, "WRITE_LATENCY": 702.25}
	}
	return stats
}

func answer(w http.ResponseWriter, content any) {
	appliancetest.Reply(w, http.StatusOK, map[string]any{"data": content})
}

func fail(w http.ResponseWriter, status int, message string) {
	appliancetest.Reply(w, status, map[string]any{"message": message, "data": map[string]any{}})
}
