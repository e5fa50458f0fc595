package hammerspace

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

const (
	password  = "secret of the anvil"
	idleLimit = 15 * time.Minute
)

// emulator is an Anvil with a share for each volume.
type emulator struct {
	*volumetest.Appliance
	shares int

	mu       sync.Mutex // guards the fields below
	sessions map[string]time.Time
	logins   int
}

func newEmulator(t testing.TB, network *volumetest.Network, volumes int) *volumetest.Emulator {
	e := &emulator{shares: volumes, sessions: map[string]time.Time{}}
	e.Appliance = volumetest.NewAppliance(t, network, e)
	e.Secret(password)
	made := &volumetest.Emulator{Appliance: e.Appliance, Expire: func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		clear(e.sessions)
	}}
	for i := range volumes {
		options := map[string]any{"address": e.URL, "ca_file": e.CAFile, "username": "monitor", "password": password, "mount_source": "10.1.1.10"}
		if i != 0 { // the first is the cluster
			options["share"] = shareName(i)
		}
		made.Volumes = append(made.Volumes, volume.Config{Name: fmt.Sprint("v", i), Backend: "hammerspace", Options: options})
	}
	return made
}

func shareName(i int) string { return fmt.Sprintf("%032x", i) }

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == apiPath+"/login" {
		e.login(w, r)
		return
	}
	if !e.known(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case apiPath + "/cntl/state":
		answer(w, map[string]any{"name": "hs-a", "capacity": map[string]any{"total": 3000, "used": 1200, "free": 1800}})
	case apiPath + "/nodes":
		answer(w, []any{
			map[string]any{"name": "anvil1", "nodeMode": "ONLINE", "productNodeType": "ANVIL", "internalId": 1},
			map[string]any{"name": "dsx2", "nodeMode": "ONLINE", "productNodeType": "DSX", "internalId": 2},
		})
	case apiPath + "/storage-volumes":
		answer(w, []any{map[string]any{"name": "dsx2::/hsvol0", "storageVolumeState": "OK", "operState": "UP", "logicalVolume": map[string]any{"serviceState": "RUNNING"}}})
	case apiPath + "/sites":
		answer(w, []any{map[string]any{"uoid": map[string]any{"uuid": "1111"}, "name": "site-a", "type": "LOCAL"}})
	case apiPath + "/metrics/capacity/CLUSTER/1111":
		answer(w, map[string]any{"series": []any{map[string]any{"rows": []any{
			map[string]any{"time": time.Now().UnixMilli(), "total": 3000, "used": 1200, "free": 1800},
		}}}})
	case apiPath + "/shares":
		e.list(w)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// login answers with a cookie and nothing else.
func (e *emulator) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.PostFormValue("username") != "monitor" || r.PostFormValue("password") != password {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logins++
	session := fmt.Sprintf("session-%d-of-the-anvil", e.logins)
	e.Secret(session)
	e.sessions[session] = time.Now()
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: session, Path: "/mgmt", Secure: true, HttpOnly: true})
}

// known is whether the session was used not long ago.
func (e *emulator) known(r *http.Request) bool {
	cookie, err := r.Cookie("JSESSIONID")
	if err != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	used, ok := e.sessions[cookie.Value]
	if !ok || time.Since(used) > idleLimit {
		return false
	}
	e.sessions[cookie.Value] = time.Now()
	return true
}

// list has the shares. The third has no limit.
func (e *emulator) list(w http.ResponseWriter) {
	shares := []any{}
	for i := range e.shares {
		limit := 100 * (i + 1)
		if i == 2 {
			limit = 0
		}
		shares = append(shares, map[string]any{
			"name": shareName(i), "path": "/" + shareName(i), "shareState": "PUBLISHED", "shareLifecycle": "CREATED", "utilizationState": "NORMAL",
			"shareSizeLimit": limit, "space": map[string]any{"total": limit, "used": 10 * (i + 1), "available": limit - 10*(i+1)},
			"inodes": map[string]any{"total": 1000, "used": i + 1},
		})
	}
	answer(w, shares)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
