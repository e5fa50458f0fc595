// Package purestoragetest emulates a FlashBlade.
package purestoragetest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"storage_exporter/internal/kit"
	"storage_exporter/volume/appliancetest"
)

// What the array is asked with, and how many objects it answers with at once.
const (
	Token    = "T-11111111-2222-3333-4444-555555555555"
	PageSize = 60
)

const (
	idleTimeout = 5 * time.Minute // the least that an array can be set to
	sampling    = 30 * time.Second
)

// Array is a FlashBlade.
type Array struct {
	*appliancetest.Emulator
	// Load is how much of its usual work a file system does at a time; nil: all of it.
	// It is set before the array is asked.
	Load func(i int, at time.Time) float64

	versions []string
	files    int
	sessions appliancetest.Sessions
}

// Start makes one that speaks these versions; version is the option's.
func Start(t kit.T, network *appliancetest.Network, volumes int, version string, versions ...string) *Array {
	a := &Array{versions: versions, files: volumes, sessions: appliancetest.Sessions{Idle: idleTimeout}}
	a.Emulator = appliancetest.NewEmulator(t, network, a, "purestorage", "purity_endpoint", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
		return map[string]any{"purity_api_token": Token, "purity_fs_name": fileName(i), "purity_api_version": version}
	})
	a.Secret(Token)
	a.Expire = func() { a.sessions.End() }
	return a
}

func fileName(i int) string { return fmt.Sprint("vfolder-", i) }

func (a *Array) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/api_version":
		answer(w, map[string]any{"versions": a.versions})
		return
	case "/api/login":
		a.login(w, r)
		return
	}
	if !a.sessions.Use(r.Header.Get("x-auth-token")) {
		complain(w, http.StatusUnauthorized, "", "Not authenticated.")
		return
	}
	if r.URL.Path == "/api/logout" {
		answer(w, map[string]any{"username": "pureuser"})
		return
	}
	version, resource, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	if !slices.Contains(a.versions, version) {
		complain(w, http.StatusNotFound, "", "Not found.")
		return
	}
	items, missing, ok := a.items(resource, r)
	switch {
	case missing != "":
		complain(w, http.StatusBadRequest, missing, "File system does not exist.")
	case !ok:
		complain(w, http.StatusNotFound, "", "Not found.")
	default:
		a.page(w, r, strings.HasPrefix(version, "2."), items)
	}
}

func (a *Array) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.Header.Get("api-token") != Token || r.ContentLength > 0 {
		complain(w, http.StatusUnauthorized, "", "Invalid API token.")
		return
	}
	w.Header().Set("x-auth-token", a.sessions.New(a.Appliance, "3be3d489-0000-4643-90ac-%012d"))
	answer(w, map[string]any{"username": "pureuser"})
}

// items are those of a resource; missing is a name that is not there.
func (a *Array) items(resource string, r *http.Request) (items []any, missing string, ok bool) {
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
			if err != nil || i >= a.files {
				return nil, name, true
			}
			indexes = append(indexes, i)
		}
	} else {
		for i := range a.files {
			indexes = append(indexes, i)
		}
	}
	for _, i := range indexes {
		if resource == "file-systems" {
			items = append(items, fileItem(i))
		} else {
			items = append(items, a.performanceItem(i))
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
func (a *Array) performanceItem(i int) map[string]any {
	at := time.Now().Truncate(sampling)
	share := 1.0
	if a.Load != nil {
		share = a.Load(i, at)
	}
	reads, writes, usec := 10.5*float64(i+1)*share, 320.25*share, 1310.5
	if i == 2 {
		writes, usec = 0, 0
	}
	return map[string]any{
		"name": fileName(i), "reads_per_sec": reads, "writes_per_sec": writes, "others_per_sec": 88.0,
		"read_bytes_per_sec": 65536 * reads, "write_bytes_per_sec": 4096 * writes,
		"usec_per_read_op": 745.25, "usec_per_write_op": usec, "usec_per_other_op": 210.0, "time": at.UnixMilli(),
	}
}

func (a *Array) page(w http.ResponseWriter, r *http.Request, v2 bool, items []any) {
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
	page, next := appliancetest.Page(items, begin, PageSize)
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
