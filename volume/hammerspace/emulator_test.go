package hammerspace

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"storage_exporter/volume/volumetest"
)

const (
	password  = "secret of the anvil"
	idleLimit = 15 * time.Minute
)

// emulator is an Anvil with a share for each volume.
type emulator struct {
	*volumetest.Emulator
	shares   int
	sessions volumetest.Sessions
}

func newEmulator(t testing.TB, network *volumetest.Network, volumes int) *volumetest.Emulator {
	e := &emulator{shares: volumes, sessions: volumetest.Sessions{Idle: idleLimit}}
	e.Emulator = volumetest.NewEmulator(t, network, e, "hammerspace", "address", volumetest.Names(volumes), func(i int, _ string) map[string]any {
		options := map[string]any{"username": "monitor", "password": password, "mount_source": "10.1.1.10"}
		if i != 0 { // the first is the cluster
			options["share"] = shareName(i)
		}
		return options
	})
	e.Secret(password)
	e.Expire = func() { e.sessions.End() }
	return e.Emulator
}

func shareName(i int) string { return fmt.Sprintf("%032x", i) }

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == apiPath+"/login" {
		e.login(w, r)
		return
	}
	if cookie, err := r.Cookie("JSESSIONID"); err != nil || !e.sessions.Use(cookie.Value) {
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
	session := e.sessions.New(e.Appliance, "session-%d-of-the-anvil")
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: session, Path: "/mgmt", Secure: true, HttpOnly: true})
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

func answer(w http.ResponseWriter, v any) { volumetest.Reply(w, http.StatusOK, v) }
