package hammerspace

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

const (
	password  = "secret of the anvil"
	idleLimit = 15 * time.Minute
)

// emulator is an Anvil with a share for each volume.
type emulator struct {
	*appliancetest.Emulator
	shares   int
	sessions appliancetest.Sessions
}

func newEmulator(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
	e := &emulator{shares: volumes, sessions: appliancetest.Sessions{Idle: idleLimit}}
	e.Emulator = appliancetest.NewEmulator(t, network, e, "hammerspace", "address", appliancetest.Names(volumes), func(i int, _ string) map[string]any {
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

func answer(w http.ResponseWriter, v any) { appliancetest.Reply(w, http.StatusOK, v) }

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: func(dial rest.Dialer) volume.Kind { return Anvil(mount.NewHost(mount.Paths{}, nil), dial) },
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return newEmulator(t, network, volumes)
		},
		Want: func(i int) volumetest.Want {
			w := volumetest.Want{PerformanceErr: volume.ErrUnsupported} // nothing is mounted
			limit, used := uint64(100*(i+1)), uint64(10*(i+1))
			w.Usage = volume.Usage{
				CapacityBytes: &limit, UsedBytes: &used, AvailableBytes: new(limit - used), Inodes: new(uint64(1000)), InodesUsed: new(uint64(i + 1)),
			}
			switch i {
			case 0: // the cluster
				w.Usage = volume.Usage{CapacityBytes: new(uint64(3000)), UsedBytes: new(uint64(1200)), AvailableBytes: new(uint64(1800))}
			case 2: // no limit
				w.Usage.CapacityBytes, w.Usage.AvailableBytes = new(uint64(3000)), new(uint64(1800))
			}
			return w
		},
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 0, Health: 4, Usage: 2} },
		Required:  []string{"address", "username", "password"},
		VerifyKey: "ssl_enabled",
		States:    []string{"ONLINE"},
		Lose:      func(options map[string]any) { options["share"] = "nowhere" },
		Login:     func(r *http.Request) bool { return r.URL.Path == apiPath+"/login" },

		HeaderLogin: true,
	})
}
