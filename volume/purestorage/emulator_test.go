package purestorage

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

const (
	apiToken    = "T-11111111-2222-3333-4444-555555555555"
	idleTimeout = 5 * time.Minute // the least that an array can be set to
	pageSize    = 60
)

// emulator is a FlashBlade.
type emulator struct {
	*appliancetest.Emulator
	versions []string
	files    int
	sessions appliancetest.Sessions
}

// newEmulator starts one that speaks these versions; version is the option's.
func newEmulator(t testing.TB, network *appliancetest.Network, volumes int, version string, versions ...string) *emulator {
	e := &emulator{versions: versions, files: volumes, sessions: appliancetest.Sessions{Idle: idleTimeout}}
	e.Emulator = appliancetest.NewEmulator(t, network, e, "purestorage", "purity_endpoint", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
		return map[string]any{"purity_api_token": apiToken, "purity_fs_name": fileName(i), "purity_api_version": version}
	})
	e.Secret(apiToken)
	e.Expire = func() { e.sessions.End() }
	return e
}

func fileName(i int) string { return fmt.Sprint("vfolder-", i) }

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/api_version":
		answer(w, map[string]any{"versions": e.versions})
		return
	case "/api/login":
		e.login(w, r)
		return
	}
	if !e.sessions.Use(r.Header.Get("x-auth-token")) {
		complain(w, http.StatusUnauthorized, "", "Not authenticated.")
		return
	}
	if r.URL.Path == "/api/logout" {
		answer(w, map[string]any{"username": "pureuser"})
		return
	}
	version, resource, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	if !slices.Contains(e.versions, version) {
		complain(w, http.StatusNotFound, "", "Not found.")
		return
	}
	items, missing, ok := e.items(resource, r)
	switch {
	case missing != "":
		complain(w, http.StatusBadRequest, missing, "File system does not exist.")
	case !ok:
		complain(w, http.StatusNotFound, "", "Not found.")
	default:
		e.page(w, r, strings.HasPrefix(version, "2."), items)
	}
}

func (e *emulator) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.Header.Get("api-token") != apiToken || r.ContentLength > 0 {
		complain(w, http.StatusUnauthorized, "", "Invalid API token.")
		return
	}
	w.Header().Set("x-auth-token", e.sessions.New(e.Appliance, "3be3d489-0000-4643-90ac-%012d"))
	answer(w, map[string]any{"username": "pureuser"})
}

// items are those of a resource; missing is a name that is not there.
func (e *emulator) items(resource string, r *http.Request) (items []any, missing string, ok bool) {
	switch resource {
	case "arrays":
		return []any{map[string]any{
			"name": "fb-a", "id": "22222222-0000-4000-8000-000000000001", "os": "Purity//FB", "revision": "4007aea5", "version": "4.1.2", "_as_of": time.Now().UnixMilli(),
		}}, "", true
	case "arrays/space":
		return []any{map[string]any{
			"name": "fb-a", "capacity": 89314175302419, "parity": 1, "time": time.Now().UnixMilli(), "space": map[string]any{"virtual": 52042675694490, "total_physical": 23134475609057},
		}}, "", true
	case "blades":
		for i := range 3 {
			items = append(items, map[string]any{"name": fmt.Sprint("CH1.FB", i+1), "status": "healthy", "details": nil, "raw_capacity": 17592186044416})
		}
		return items, "", true
	case "hardware":
		return []any{map[string]any{"name": "CH1.PWR1", "type": "pwr", "status": "healthy", "details": nil}}, "", true
	case "alerts":
		return []any{}, "", r.URL.Query().Get("filter") == "state='open'"
	case "file-systems", "file-systems/performance":
	default:
		return nil, "", false
	}
	var indexes []int
	if names := r.URL.Query().Get("names"); names != "" {
		for name := range strings.SplitSeq(names, ",") {
			i, err := strconv.Atoi(strings.TrimPrefix(name, "vfolder-"))
			if err != nil || i >= e.files {
				return nil, name, true
			}
			indexes = append(indexes, i)
		}
	} else {
		for i := range e.files {
			indexes = append(indexes, i)
		}
	}
	for _, i := range indexes {
		if resource == "file-systems" {
			items = append(items, fileItem(i))
		} else {
			items = append(items, performanceItem(i))
		}
	}
	return items, "", true
}

// fileItem is a file system of i+1 TiB, a third of it used. The second has no
// limit.
func fileItem(i int) map[string]any {
	provisioned := (i + 1) << 40
	if i == 1 {
		provisioned = 0
	}
	return map[string]any{
		"name": fileName(i), "provisioned": provisioned, "destroyed": false, "time_remaining": nil, "promotion_status": "promoted", "writable": true,
		"space": map[string]any{"virtual": (i + 1) << 40 / 3, "total_physical": (i + 1) << 40 / 6},
	}
}

// performanceItem is that of the last half minute. Nothing is written to the
// third.
func performanceItem(i int) map[string]any {
	writes, usec := 320.25, 1310.5
	if i == 2 {
		writes, usec = 0, 0
	}
	return map[string]any{
		"name": fileName(i), "reads_per_sec": 10.5 * float64(i+1), "writes_per_sec": writes, "others_per_sec": 88.0,
		"read_bytes_per_sec": 65536 * 10.5 * float64(i+1), "write_bytes_per_sec": 4096 * writes,
		"usec_per_read_op": 745.25, "usec_per_write_op": usec, "usec_per_other_op": 210.0, "time": time.Now().Truncate(sampling).UnixMilli(),
	}
}

func (e *emulator) page(w http.ResponseWriter, r *http.Request, v2 bool, items []any) {
	parameter := "token"
	if v2 {
		parameter = "continuation_token"
	}
	for other := range r.URL.Query() {
		if !slices.Contains([]string{"names", "protocol", "filter", "limit", parameter}, other) {
			complain(w, http.StatusBadRequest, other, "Invalid parameter.")
			return
		}
	}
	begin, _ := strconv.Atoi(r.URL.Query().Get(parameter))
	page, next := appliancetest.Page(items, begin, pageSize)
	var token any
	if next > 0 {
		token = fmt.Sprint(next)
	}
	body := map[string]any{"items": page}
	if v2 {
		body["continuation_token"], body["total_item_count"] = token, len(items)
	} else {
		body["pagination_info"] = map[string]any{"continuation_token": token, "total_item_count": len(items)}
	}
	answer(w, body)
}

func complain(w http.ResponseWriter, status int, context, message string) {
	appliancetest.Reply(w, status, map[string]any{"errors": []any{map[string]any{"context": context, "message": message}}})
}

func answer(w http.ResponseWriter, v any) { appliancetest.Reply(w, http.StatusOK, v) }

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return newEmulator(t, network, volumes, "auto", "1.12", "2.0", "2.9", "2.28").Emulator
		},
		Want:      want,
		Calls:     calls,
		Required:  []string{"purity_endpoint", "purity_api_token", "purity_fs_name"},
		VerifyKey: "purity_verify_ssl",
		States:    []string{"healthy"},
		Lose:      func(options map[string]any) { options["purity_fs_name"] = "no-such-fs" },
		Login:     func(r *http.Request) bool { return r.URL.Path == "/api/login" },
		Logout:    func(r *http.Request) bool { return r.URL.Path == "/api/logout" },
	})
}

// calls are the documented costs; one of them looks up the versions. The emulator
// answers with pages.
func calls(volumes int) volumetest.Calls {
	files := (volumes + pageSize - 1) / pageSize
	return volumetest.Calls{Performance: (volumes+batch-1)/batch + 1, Health: files + 1 + 4 + 1, Usage: files + 1 + 1}
}

func want(i int) volumetest.Want {
	reads := 10.5 * float64(i+1)
	w := volumetest.Want{
		Performance: volume.Performance{
			IOPSRead: new(reads), IOPSWrite: new(320.25), BytesRead: new(65536 * reads), BytesWrite: new(4096 * 320.25),
			LatencyReadUsec: new(745.25), LatencyWriteUsec: new(1310.5),
		},
		Usage: volume.Usage{CapacityBytes: new(uint64(i+1) << 40), UsedBytes: new(uint64(i+1) << 40 / 3)},
	}
	w.Usage.AvailableBytes = new(*w.Usage.CapacityBytes - *w.Usage.UsedBytes)
	switch i {
	case 1: // no limit
		w.Usage.CapacityBytes, w.Usage.AvailableBytes = new(uint64(89314175302419)), nil
	case 2: // nothing written
		w.Performance.IOPSWrite, w.Performance.BytesWrite, w.Performance.LatencyWriteUsec = new(0.0), new(0.0), nil
	}
	return w
}
