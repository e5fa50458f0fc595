package weka

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

const (
	emulatedLife = 5 * time.Minute
	password     = "weka-secret-password"
)

// emulator is a Weka cluster. File system i reads 10.5*(i+1) and writes 4 times a
// second, but the second one only reads.
type emulator struct {
	*appliancetest.Emulator
	listForm        bool // logins answer with a list of one
	access, refresh appliancetest.Sessions

	mu        sync.Mutex    // guards the fields below
	forbidden string        // a path that the account may not ask
	without   string        // "fs_stats" where that category is not known
	refuses   bool          // what is not known is refused, rather than left out
	lag       time.Duration // of the statistics
}

func start(t testing.TB, network *appliancetest.Network, volumes int) *emulator {
	e := &emulator{access: appliancetest.Sessions{Life: emulatedLife}}
	e.Emulator = appliancetest.NewEmulator(t, network, e, "weka", "weka_endpoint", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
		return map[string]any{"weka_username": "reader", "weka_password": password, "weka_organization": "Root", "weka_fs_name": fmt.Sprint("fs", i)}
	})
	e.Secret(password)
	e.Expire = func() { e.access.End() } // those that renew them stay
	return e
}

// set changes a setting.
func (e *emulator) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v2")
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "no such page")
	case path == "/login":
		e.login(w, r)
	case path == "/login/refresh":
		e.renew(w, r)
	case !e.access.Use(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")):
		fail(w, http.StatusUnauthorized, "Unauthorized")
	case path == e.forbidden:
		fail(w, http.StatusForbidden, "Forbidden")
	case path == "/fileSystems":
		e.list(w)
	case path == "/cluster":
		e.cluster(w)
	case path == "/alerts":
		answer(w, []any{map[string]any{"title": "Drive is down", "muted": false, "params": map[string]any{"hostname": "weka-03"}}})
	case path == "/stats":
		e.stats(w, r)
	default:
		fail(w, http.StatusNotFound, "no such page")
	}
}

func (e *emulator) login(w http.ResponseWriter, r *http.Request) {
	var said struct{ Username, Password, Org string }
	if json.NewDecoder(r.Body).Decode(&said) != nil {
		fail(w, http.StatusBadRequest, "not JSON")
		return
	}
	if said.Username != "reader" || said.Password != password || said.Org != "Root" {
		fail(w, http.StatusUnauthorized, "Authentication failed")
		return
	}
	e.grant(w)
}

func (e *emulator) renew(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Token string `json:"refresh_token"`
	}
	if json.NewDecoder(r.Body).Decode(&said) != nil || !e.refresh.Use(said.Token) {
		fail(w, http.StatusUnauthorized, "Refresh token is not valid")
		return
	}
	e.grant(w)
}

func (e *emulator) grant(w http.ResponseWriter) {
	grant := map[string]any{
		"access_token": e.access.New(e.Appliance, "weka-access-%d"), "token_type": "Bearer", "expires_in": int(emulatedLife.Seconds()),
		"refresh_token": e.refresh.New(e.Appliance, "weka-refresh-%d"),
	}
	if e.listForm {
		answer(w, []any{grant})
		return
	}
	answer(w, grant)
}

func (e *emulator) list(w http.ResponseWriter) {
	list := []any{}
	for i := range e.Volumes {
		total := uint64(i+1) << 40
		list = append(list, map[string]any{
			"id": fmt.Sprintf("FSId<%d>", i), "name": fmt.Sprint("fs", i), "uid": fmt.Sprintf("uid-%d", i), "group_name": "default",
			"is_creating": false, "is_removing": false, "is_ready": true, "status": "READY",
			"total_budget": total, "used_total": total / 4, "free_total": total - total/4, "max_files": 1026,
		})
	}
	answer(w, list)
}

func (e *emulator) cluster(w http.ResponseWriter) {
	full := map[string]any{"active": 8, "total": 8}
	answer(w, map[string]any{
		"name": "weka-a", "guid": "550c68b6", "release": "4.4.2.157", "status": "OK", "io_status": "STARTED", "active_alerts_count": 3,
		"drives": full, "io_nodes": full, "buckets": full, "containers": map[string]any{"backends": full}, "servers": map[string]any{"backends": full},
		"rebuild": map[string]any{"progressPercent": 0, "protectionState": []any{map[string]any{"numFailures": 0, "percent": 100}}},
	})
}

// stats has a sample at the end of each minute, as long after it as the lag.
func (e *emulator) stats(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	category, window := q.Get("category"), 60
	if n, err := strconv.Atoi(q.Get("interval")); err == nil {
		window = n
	}
	if q.Get("accumulated") == "true" || strings.Contains(q.Get("start_time"), "+00:00Z") || len(q["stat"]) == 0 {
		fail(w, http.StatusBadRequest, "the statistics are not asked for as they should be")
		return
	}
	if category == e.without {
		if e.refuses {
			fail(w, http.StatusBadRequest, "unknown category")
			return
		}
		answer(w, map[string]any{"all": map[string]any{}})
		return
	}
	samples := []any{}
	now := time.Now()
	for at := now.Add(-e.lag).Truncate(time.Minute); now.Sub(at) <= time.Duration(window)*time.Second; at = at.Add(-time.Minute) {
		samples = append(samples, map[string]any{
			"stats": e.sample(category, q["param[fS]"]), "resolution": 60, "timestamp": at.UTC().Format("2006-01-02T15:04:05Z"),
		})
	}
	answer(w, map[string]any{"all": map[string]any{category: samples}})
}

func (e *emulator) sample(category string, of []string) map[string]any {
	stats := map[string]any{}
	all := 0.0
	for i := range e.Volumes {
		reads, writes := 10.5*float64(i+1), 4.0
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

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return start(t, network, volumes).Emulator
		},
		Want:      want,
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 2, Health: 2, Usage: 1} },
		Required:  []string{"weka_endpoint", "weka_username", "weka_password", "weka_fs_name"},
		VerifyKey: "weka_verify_ssl",
		States:    []string{"OK"},
		Lose:      func(options map[string]any) { options["weka_fs_name"] = "nowhere" },
		Login:     func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v2/login") },
	})
}

func want(i int) volumetest.Want {
	reads, total := 10.5*float64(i+1), uint64(i+1)<<40
	w := volumetest.Want{
		Performance: volume.Performance{
			IOPSRead: new(reads), IOPSWrite: new(4.0), BytesRead: new(4096 * reads), BytesWrite: new(4096.0),
			LatencyReadUsec: new(402.75), LatencyWriteUsec: new(612.5),
		},
		Usage: volume.Usage{CapacityBytes: new(total), UsedBytes: new(total / 4), AvailableBytes: new(total - total/4)},
	}
	if i == 1 { // nothing written
		w.Performance.IOPSWrite, w.Performance.BytesWrite, w.Performance.LatencyWriteUsec = new(0.0), new(0.0), nil
	}
	return w
}
