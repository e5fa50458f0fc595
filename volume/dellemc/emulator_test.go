package dellemc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume/appliancetest"
)

const (
	emulatedPage     = 60 // objects; the real one has up to 1000
	emulatedNodes    = 4
	sessionLife      = 4 * time.Hour
	sessionIdle      = 15 * time.Minute
	emulatedPassword = "onefs-secret-password"
)

// papi is a node of a cluster. Volume i is /ifs/v<i>; those with an even number
// have a quota.
type papi struct {
	appliance *appliancetest.Appliance
	volumes   int

	// What it shows besides what is well.
	forbidden []string // parts of paths
	datasets  map[string][]any
	quiet     bool // no rows of protocols
	twice     bool // two quotas on a directory, in opposite orders
	downs     int  // nodes
	health    int  // the cluster's own word
	untimed   bool
	late      time.Duration // its statistics

	sessions appliancetest.Sessions
}

func startPAPI(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
	return (&papi{volumes: volumes}).start(t, network)
}

func (p *papi) start(t testing.TB, network *appliancetest.Network) *appliancetest.Emulator {
	p.sessions.Life, p.sessions.Idle = sessionLife, sessionIdle
	e := appliancetest.NewEmulator(t, network, p, "dellemc-onefs", "dell_endpoint", appliancetest.Names(p.volumes), func(i int, _ string) map[string]any {
		return map[string]any{
			"dell_username": "monitor", "dell_password": emulatedPassword,
			"dell_api_version": "12", "dell_ifs_path": fmt.Sprint("/ifs/v", i), "dell_system_name": "nfs",
		}
	})
	p.appliance, e.Expire = e.Appliance, func() { p.sessions.End() }
	e.Secret(emulatedPassword)
	return e
}

func (p *papi) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == sessionPath {
		p.session(w, r)
		return
	}
	if !p.known(r) {
		p.fail(w, http.StatusUnauthorized, "AEC_UNAUTHORIZED", "Authorization required")
		return
	}
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/platform/"), "/", 2)
	version, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 2 || version > 12 {
		p.fail(w, http.StatusNotFound, "AEC_NOT_FOUND", "Path not found: "+r.URL.Path)
		return
	}
	if slices.ContainsFunc(p.forbidden, func(s string) bool { return strings.Contains(r.URL.Path, s) }) {
		p.fail(w, http.StatusForbidden, "AEC_FORBIDDEN", "Privilege check failed.")
		return
	}
	switch parts[1] {
	case "statistics/current":
		p.current(w, r)
	case "statistics/summary/protocol":
		p.protocol(w, r)
	case "statistics/summary/workload":
		p.workload(w, r)
	case "cluster/config":
		p.config(w)
	case "storagepool/status":
		p.say(w, map[string]any{"status": map[string]any{"unhealthy": []any{}, "unprovisioned": []any{}}})
	case "event/eventgroup-occurrences":
		p.say(w, map[string]any{"resume": nil, "total": 1, "eventgroups": []any{map[string]any{
			"id": "1.1", "severity": "information", "causes": []any{[]any{"SW_TEST", "All is well"}},
		}}})
	case "quota/quotas":
		p.quotas(w, r)
	default:
		p.fail(w, http.StatusNotFound, "AEC_NOT_FOUND", "Path not found: "+r.URL.Path)
	}
}

func (p *papi) say(w http.ResponseWriter, body any) { appliancetest.Reply(w, http.StatusOK, body) }

func (p *papi) fail(w http.ResponseWriter, status int, code, message string) {
	appliancetest.Reply(w, status, map[string]any{"errors": []any{map[string]any{"code": code, "message": message}}})
}

func (p *papi) session(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		if !p.known(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		id, _ := r.Cookie("isisessid")
		p.sessions.End(id.Value)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var said struct {
		Username, Password string
		Services           []string
	}
	if json.NewDecoder(r.Body).Decode(&said) != nil || said.Username != "monitor" || said.Password != emulatedPassword || !slices.Contains(said.Services, "platform") {
		p.fail(w, http.StatusUnauthorized, "AEC_UNAUTHORIZED", "Username or password is incorrect.")
		return
	}
	id := p.sessions.New(p.appliance, "secret.session.%d")
	csrf := csrfOf(id)
	p.appliance.Secret(csrf)
	w.Header().Add("Set-Cookie", "isisessid="+id+";Path=/;HttpOnly;Secure;SameSite=strict")
	w.Header().Add("Set-Cookie", "isicsrf="+csrf+";Path=/;Secure")
	appliancetest.Reply(w, http.StatusCreated, map[string]any{
		"services": []any{"platform"}, "username": "monitor",
		"timeout_absolute": int(sessionLife.Seconds()), "timeout_inactive": int(sessionIdle.Seconds()),
	})
}

// csrfOf is the second secret of a session.
func csrfOf(id string) string { return strings.Replace(id, "session", "csrf", 1) }

// known is whether a call belongs to a session that lasts.
func (p *papi) known(r *http.Request) bool {
	id, err := r.Cookie("isisessid")
	if err != nil {
		return false
	}
	return p.sessions.Use(id.Value) && r.Header.Get("X-CSRF-Token") == csrfOf(id.Value) && r.Header.Get("Referer") == p.appliance.URL
}

// now is when its statistics were made: every five seconds.
func (p *papi) now() any {
	if p.untimed {
		return nil
	}
	return time.Now().Add(-p.late).Unix() / 5 * 5
}

func (p *papi) current(w http.ResponseWriter, r *http.Request) {
	values := map[string]any{
		keyTotal: 300000, keyUsed: 120000, keyAvailable: 171000, keyHealth: p.health, keyNodes: emulatedNodes, keyNodesDown: 0,
	}
	var stats []any
	for key := range strings.SplitSeq(r.URL.Query().Get("keys"), ",") {
		stat := map[string]any{"devid": 0, "error": nil, "error_code": nil, "key": key, "time": p.now(), "value": values[key]}
		if values[key] == nil {
			stat["error"], stat["error_code"], stat["devid"] = "Unknown key.", 2, nil
		}
		stats = append(stats, stat)
	}
	p.say(w, map[string]any{"stats": stats})
}

// protocol has more reads the longer it runs, a hundred a second and minute.
func (p *papi) protocol(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("totalby") != "protocol,class" || query.Get("classes") != "read,write" || query.Get("degraded") != "true" {
		p.fail(w, http.StatusBadRequest, "AEC_BAD_REQUEST", "Unsupported query argument")
		return
	}
	asked := strings.Split(query.Get("protocols"), ",")
	if query.Get("protocols") == "" {
		asked = []string{"nfs3", "nfs4", "smb2"}
	}
	rows := []any{}
	row := func(name, class string, rate, in, out, mean float64) {
		if slices.Contains(asked, name) {
			rows = append(rows, map[string]any{
				"protocol": name, "class": class, "operation_rate": rate, "operation_count": int(5 * rate), "in": in, "out": out,
				"time_avg": mean, "time": p.now(), "node": nil, "operation": nil,
			})
		}
	}
	if !p.quiet {
		row("nfs3", "read", 5000, 720000, 5200936960, 400)
		row("nfs3", "write", 1200, 314572800, 172800, 900)
		row("nfs4", "read", 1000, 144000, 104857600, 1000)
		row("nfs4", "write", 0, 0, 0, 0)
		row("smb2", "read", 10, 1, 100, 50)
		row("smb2", "write", 20, 200, 1, 60)
	}
	p.say(w, map[string]any{"protocol": rows})
}

func (p *papi) workload(w http.ResponseWriter, r *http.Request) {
	rows, ok := p.datasets[r.URL.Query().Get("dataset")]
	if !ok {
		p.fail(w, http.StatusNotFound, "AEC_NOT_FOUND", "No such dataset")
		return
	}
	p.say(w, map[string]any{"workload": rows})
}

func (p *papi) config(w http.ResponseWriter) {
	var devices []any
	for i := range emulatedNodes {
		devices = append(devices, map[string]any{"devid": i + 1, "lnn": i + 1, "guid": fmt.Sprint("g", i), "is_up": i >= p.downs})
	}
	p.say(w, map[string]any{
		"name": "onefs-a", "guid": "0050", "has_quorum": true, "devices": devices,
		"onefs_version": map[string]any{"release": "v9.7.1.0", "version": "Isilon OneFS v9.7.1.0"},
	})
}

// quotas are those of each volume with an even number: the directory's, and one
// of a user, whatever type is asked for.
func (p *papi) quotas(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	start := 0
	if resume := query.Get("resume"); resume != "" {
		if len(query) > 1 {
			p.fail(w, http.StatusBadRequest, "AEC_BAD_REQUEST", "resume must be alone")
			return
		}
		start, _ = strconv.Atoi(strings.TrimPrefix(resume, "token+/="))
	}
	var all []any
	for i := range p.volumes {
		path := fmt.Sprint("/ifs/v", i)
		before := len(all)
		for _, kind := range []string{"directory", "user"} { // the latter would win
			if i%2 > 0 || query.Get("path") != "" && query.Get("path") != path {
				continue
			}
			hard := map[string]int{"directory": 5000 + i, "user": 1}
			all = append(all, map[string]any{
				"path": path, "type": kind, "enforced": true, "thresholds_on": "fslogicalsize", "container": false,
				"thresholds": map[string]any{"hard": hard[kind], "soft": nil},
				"usage":      map[string]any{"fslogical": 1000, "applogical": 900, "fsphysical": 1300, "inodes": 42 + i},
			})
		}
		if p.twice && len(all) > before {
			all = append(all, map[string]any{
				"path": path, "type": "directory", "enforced": true, "include_snapshots": true,
				"thresholds": map[string]any{"hard": 3000}, "usage": map[string]any{"fslogical": 2900, "inodes": 7},
			})
			if i%4 > 0 {
				slices.Reverse(all[before:])
			}
		}
	}
	page, next := appliancetest.Page(all, start, emulatedPage)
	body := map[string]any{"quotas": page, "resume": nil}
	if next > 0 {
		body["resume"] = fmt.Sprint("token+/=", next)
	}
	p.say(w, body)
}
