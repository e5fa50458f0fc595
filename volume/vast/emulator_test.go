package vast

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume/appliancetest"
)

const (
	emulatedLife = 5 * time.Minute
	password     = "vast-secret-password"
	longLived    = "token-id.vast-secret-token"
	firstID      = 7
	hardLimit    = 150_000_000_000_000
	physical     = 282_095_000_000_000
	physicalUsed = 163_582_000_000_000
)

// emulator is a VAST cluster. The view of volume i is read 10*(i+1) and written 4
// times a second, but the second one only is read, and has no quota.
type emulator struct {
	*appliancetest.Emulator
	access, refresh appliancetest.Sessions // by our clock

	mu       sync.Mutex // guards the fields below
	made     int
	keeps    bool               // a refresh yields no new refresh token
	mute     bool               // tokens do not tell their end
	fails    map[string]int     // status by path
	state    string             // of the cluster
	page     int                // items on a page; 0 for bare lists
	lag      time.Duration      // of the statistics
	skew     time.Duration      // of the cluster's clock
	every    time.Duration      // a row of statistics
	restart  time.Time          // when the counters began anew
	hole     bool               // the newest row is empty
	unit     string             // of latencies
	lost     map[int]bool       // views that are gone, by number
	moved    map[int]int        // ids of views, by number
	tenants  bool               // every path is there for two tenants
	alarms   []any              // open ones
	quotas   func(i int) string // state of a quota; nil is OK
	lastHead http.Header        // of the newest call
}

// start makes one whose volumes are views, or the cluster.
func start(t testing.TB, network *appliancetest.Network, volumes int, scope string, more map[string]any) *emulator {
	e := &emulator{
		access: appliancetest.Sessions{Life: emulatedLife}, fails: map[string]int{}, lost: map[int]bool{}, moved: map[int]int{},
		state: "ONLINE", every: time.Minute, unit: "us", alarms: []any{},
	}
	e.Emulator = appliancetest.NewEmulator(t, network, e, "vast", "vast_endpoint", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
		options := map[string]any{"vast_username": "reader", "vast_password": password}
		if scope == viewScope {
			options["vast_view_path"] = fmt.Sprintf("/ai/v%d", i)
		}
		maps.Copy(options, more)
		return options
	})
	e.Secret(password, longLived)
	if scope == viewScope {
		e.Expire = func() { e.access.End() } // those that renew them stay
	}
	return e
}

// set changes a setting.
func (e *emulator) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// now is the cluster's time.
func (e *emulator) now() time.Time { return time.Now().Add(e.skew) }

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastHead = r.Header.Clone()
	w.Header().Set("Date", e.now().UTC().Format(http.TimeFormat))
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v2")
	switch {
	case !ok || !strings.HasSuffix(path, "/"):
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<html>nginx</html>"))
	case len(r.URL.RequestURI()) > 4096:
		fail(w, http.StatusRequestURITooLong, "too long")
	case path == "/token/":
		e.login(w, r)
	case path == "/token/refresh/":
		e.renew(w, r)
	case !e.knows(r):
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": "Given token not valid for any token type", "code": "token_not_valid", "messages": []any{}})
	case e.fails[path] != 0:
		fail(w, e.fails[path], "You do not have permission to perform this action.")
	case path == "/clusters/1/":
		answer(w, trimmed(e.cluster(), r))
	case path == "/views/":
		e.list(w, r, e.views())
	case path == "/quotas/":
		e.list(w, r, e.quotaList())
	case path == "/alarms/":
		e.list(w, r, e.alarms)
	case path == "/metrics/":
		e.list(w, r, []any{
			map[string]any{"fqn": "ViewMetrics,read_iops__num_samples", "title": "Reads", "units": "iops", "class_name": "ViewMetrics"},
			map[string]any{"fqn": "ViewMetrics,read_latency__sum", "title": "Latency", "units": e.unit, "class_name": "ViewMetrics"},
		})
	case path == "/monitors/ad_hoc_query/":
		e.statistics(w, r.URL.Query())
	default:
		fail(w, http.StatusNotFound, "Not found.")
	}
}

func (e *emulator) knows(r *http.Request) bool {
	kind, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch kind {
	case "Basic":
		user, word, _ := r.BasicAuth()
		return user == "reader" && word == password
	case "Bearer":
		return e.access.Use(proof)
	case "Api-Token":
		return proof == longLived
	}
	return false
}

func (e *emulator) login(w http.ResponseWriter, r *http.Request) {
	var said struct{ Username, Password string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&said) != nil {
		fail(w, http.StatusBadRequest, "not JSON")
		return
	}
	if said.Username != "reader" || said.Password != password {
		fail(w, http.StatusUnauthorized, "No active account found with the given credentials")
		return
	}
	e.grant(w, true)
}

func (e *emulator) renew(w http.ResponseWriter, r *http.Request) {
	var said struct{ Refresh string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&said) != nil || !e.refresh.Use(said.Refresh) {
		fail(w, http.StatusUnauthorized, "Token is invalid or expired")
		return
	}
	e.grant(w, !e.keeps)
}

func (e *emulator) grant(w http.ResponseWriter, both bool) {
	e.made++
	said := map[string]any{"access": e.access.New(e.Appliance, e.token("access"))}
	if both {
		said["refresh"] = e.refresh.New(e.Appliance, e.token("refresh"))
	}
	answer(w, said)
}

// token is a JWT that ends by the cluster's clock. Its iat is that of the first
// login, as VMS's may be.
func (e *emulator) token(kind string) string {
	claims := map[string]any{"token_type": kind, "jti": fmt.Sprint(e.made), "user_id": 1, "iat": 1}
	if !e.mute {
		claims["exp"] = e.now().Add(emulatedLife).Unix()
	}
	content, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(content) + ".c2ln"
}

func (e *emulator) cluster() map[string]any {
	return map[string]any{
		"id": 1, "name": "vast-a", "guid": "127db70c", "sw_version": "5.3.1.12", "state": e.state, "enabled": true, "leader_state": "UP",
		"ssd_raid_state": "HEALTHY", "nvram_raid_state": "HEALTHY", "memory_raid_state": "HEALTHY", "ssd_raid_rebuild_progress": 0,
		"raid_drives_can_fail": 4, "md_usage_health": "HEALTHY", "remaining_stripes_health": "HEALTHY", "upgrade_state": "DONE",
		"physical_space": physical, "physical_space_in_use": physicalUsed, "logical_inodes_in_use_num": 18203311, "drr": 1.76,
		"rd_iops": 12034, "wr_iops": 0, "rd_bw": 1577058304, "wr_bw": 0, "rd_latency": 701.5, "wr_latency": 0, "rd_bw_mb": 1577, "rd_latency_ms": 0,
	}
}

func (e *emulator) views() []any {
	all := []any{map[string]any{"id": 3, "name": "other", "path": "/other", "tenant_id": 1, "tenant_name": "default"}}
	for i := range e.Volumes {
		if e.lost[i] {
			continue
		}
		v := map[string]any{
			"id": e.id(i), "guid": "aaaa", "name": fmt.Sprint("view", i), "path": fmt.Sprintf("/ai/v%d", i), "alias": nil, "protocols": []any{"NFS"},
			"tenant_id": 1, "tenant_name": "default", "logical_capacity": 120_000_000_000_000, "physical_capacity": 66_000_000_000_000,
		}
		all = append(all, v)
		if e.tenants {
			twin := maps.Clone(v)
			twin["id"], twin["tenant_id"], twin["tenant_name"] = 1000+i, 2, "lab"
			all = append(all, twin)
		}
	}
	return all
}

func (e *emulator) id(i int) int {
	if id, ok := e.moved[i]; ok {
		return id
	}
	return firstID + i
}

func (e *emulator) quotaList() []any {
	all := []any{}
	for i := range e.Volumes {
		if i == 1 {
			continue
		}
		state := "OK"
		if e.quotas != nil {
			state = e.quotas(i)
		}
		for _, tenant := range []int{2, 1} {
			all = append(all, map[string]any{
				"id": i, "name": fmt.Sprint("q", i), "path": fmt.Sprintf("/ai/v%d/", i), "state": state, "hard_limit": hardLimit * tenant, "soft_limit": nil,
				"hard_limit_inodes": nil, "used_inodes": 1203311, "used_capacity": 66_000_000_000_000, "tenant_id": tenant,
			})
		}
	}
	return all
}

// list is a bare list, or a page of one.
func (e *emulator) list(w http.ResponseWriter, r *http.Request, items []any) {
	all := []any{}
	for _, item := range items {
		all = append(all, trimmed(item.(map[string]any), r))
	}
	if e.page == 0 {
		answer(w, all)
		return
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := max(number-1, 0) * e.page
	page := map[string]any{"count": len(all), "next": nil, "previous": nil, "results": all[min(from, len(all)):min(from+e.page, len(all))]}
	if from+e.page < len(all) {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(max(number, 1)+1))
		page["next"] = "https://192.0.2.10" + r.URL.Path + "?" + q.Encode()
	}
	answer(w, page)
}

// statistics has a row at the end of each minute, as long after it as the lag.
func (e *emulator) statistics(w http.ResponseWriter, q url.Values) {
	frame, err := time.ParseDuration(q.Get("time_frame"))
	if q.Get("object_type") != "view" || err != nil || len(q["object_ids"]) == 0 || len(q["prop_list"]) == 0 {
		fail(w, http.StatusBadRequest, "the statistics are not asked for as they should be")
		return
	}
	// Not in the order in which they were asked for.
	properties := append(slices.Sorted(slices.Values(q["prop_list"])), "object_id", "timestamp")
	rows := []any{}
	now := e.now()
	newest := now.Add(-e.lag).Truncate(e.every)
	for at := newest; now.Sub(at) <= frame; at = at.Add(-e.every) {
		for _, id := range q["object_ids"] {
			i := e.number(id)
			if i < 0 {
				fail(w, http.StatusBadRequest, "no such object")
				return
			}
			row := []any{}
			for _, p := range properties {
				switch p {
				case "object_id":
					row = append(row, id)
				case "timestamp":
					row = append(row, at.UTC().Format("2006-01-02T15:04:05Z"))
				default:
					v := e.counter(i, p, at)
					if e.hole && at.Equal(newest) {
						v = nil
					}
					row = append(row, v)
				}
			}
			rows = append(rows, row)
		}
	}
	answer(w, map[string]any{"prop_list": properties, "object_ids": q["object_ids"], "data": rows})
}

// number is the view's that has the id; -1 where none has.
func (e *emulator) number(id string) int {
	for i := range e.Volumes {
		if !e.lost[i] && id == strconv.Itoa(e.id(i)) {
			return i
		}
	}
	return -1
}

func (e *emulator) counter(i int, property string, at time.Time) any {
	since := time.Date(1999, 6, 1, 0, 0, 0, 0, time.UTC)
	if !e.restart.IsZero() && !at.Before(e.restart) {
		since = e.restart
	}
	seconds := at.Sub(since).Seconds()
	reads, writes := 10*float64(i+1)*seconds, 4*seconds
	if i == 1 {
		writes = 0
	}
	usec := 1.0
	if e.unit == "ns" {
		usec = 1000
	}
	v, ok := map[string]float64{
		"ViewMetrics,read_iops__num_samples": reads, "ViewMetrics,write_iops__num_samples": writes,
		"ViewMetrics,read_bw__sum": 4096 * reads, "ViewMetrics,write_bw__sum": 1024 * writes,
		"ViewMetrics,read_latency__num_samples": reads, "ViewMetrics,write_latency__num_samples": writes,
		"ViewMetrics,read_latency__sum": 402.5 * reads * usec, "ViewMetrics,write_latency__sum": 612.5 * writes * usec,
	}[property]
	if !ok {
		return nil
	}
	return v
}

// trimmed has only the fields that were asked for.
func trimmed(item map[string]any, r *http.Request) map[string]any {
	names := r.URL.Query().Get("fields")
	if names == "" {
		return item
	}
	kept := map[string]any{}
	for name := range strings.SplitSeq(names, ",") {
		if v, ok := item[name]; ok {
			kept[name] = v
		}
	}
	return kept
}

func answer(w http.ResponseWriter, content any) {
	appliancetest.Reply(w, http.StatusOK, content)
}

func fail(w http.ResponseWriter, status int, detail string) {
	appliancetest.Reply(w, status, map[string]any{"detail": detail})
}
