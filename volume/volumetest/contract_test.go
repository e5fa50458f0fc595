package volumetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

const (
	tinyPage    = 60 // volumes
	tinySession = 5 * time.Minute
)

// emulator is the tiny vendor's appliance.
type emulator struct {
	appliance *appliancetest.Appliance
	basic     bool
	volumes   int
	begin     time.Time

	mu     sync.Mutex // guards the fields below
	tokens map[string]time.Time
	made   int
}

func startTiny(basic bool) func(testing.TB, *appliancetest.Network, int) *appliancetest.Emulator {
	return func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
		e := &emulator{basic: basic, volumes: volumes, begin: time.Now(), tokens: map[string]time.Time{}}
		e.appliance = appliancetest.NewAppliance(t, network, e)
		e.appliance.Secret("tiny-secret-password", "reader:tiny-secret-password")
		made := &appliancetest.Emulator{Appliance: e.appliance}
		if !basic {
			made.Expire = func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				clear(e.tokens)
			}
		}
		for i := range volumes {
			made.Volumes = append(made.Volumes, volume.Config{Name: fmt.Sprint("v", i), Backend: "tiny", Options: map[string]any{
				"tiny_endpoint": e.appliance.URL, "ca_file": e.appliance.CAFile,
				"tiny_user": "reader", "tiny_password": "tiny-secret-password", "tiny_fs": fmt.Sprint("fs", i),
			}})
		}
		return made
	}
}

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" {
		e.login(w, r)
		return
	}
	if !e.known(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/logout":
		w.WriteHeader(http.StatusNoContent)
	case "/volumes":
		e.list(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (e *emulator) known(r *http.Request) bool {
	if e.basic {
		user, password, _ := r.BasicAuth()
		return user == "reader" && password == "tiny-secret-password"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.tokens[r.Header.Get("Authorization")])
}

func (e *emulator) login(w http.ResponseWriter, r *http.Request) {
	var said struct{ User, Password string }
	if json.NewDecoder(r.Body).Decode(&said) != nil || said.User != "reader" || said.Password != "tiny-secret-password" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made++
	token := fmt.Sprintf("tiny-secret-token-%d", e.made)
	e.appliance.Secret(token)
	e.tokens["Bearer "+token] = time.Now().Add(tinySession)
	answer(w, map[string]any{"token": token, "expires_in": int(tinySession.Seconds())})
}

// list answers with one page. Volume i reads 10*(i+1) and writes 5 operations a
// second.
func (e *emulator) list(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	seconds := int(time.Since(e.begin).Seconds()) + 1000
	list := []any{}
	for i := page * tinyPage; i < min((page+1)*tinyPage, e.volumes); i++ {
		reads := 10 * (i + 1) * seconds
		list = append(list, map[string]any{
			"name": fmt.Sprint("fs", i), "uuid": fmt.Sprint("uuid-", i), "state": "online", "size": 1000 + i, "used": i + 1,
			"read":       map[string]any{"ops": reads, "bytes": 4096 * reads, "usec": 250 * reads},
			"write":      map[string]any{"ops": 5 * seconds, "bytes": 512 * seconds},
			"counted_at": e.begin.Add(time.Duration(seconds-1000) * time.Second).Format(time.RFC3339),
		})
	}
	body := map[string]any{"volumes": list}
	if (page+1)*tinyPage < e.volumes {
		body["next"] = fmt.Sprintf("https://internal.example%s?page=%d", r.URL.Path, page+1)
	}
	answer(w, body)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func suite(basic bool, bug string) volumetest.Suite {
	s := volumetest.Suite{
		Kind:  func(dial rest.Dialer) volume.Kind { return tinyKind(dial, basic, bug) },
		Start: startTiny(basic),
		Want: func(i int) volumetest.Want {
			reads := float64(10 * (i + 1))
			return volumetest.Want{
				Performance: volume.Performance{
					IOPSRead: new(reads), IOPSWrite: new(5.0), BytesRead: new(4096 * reads), BytesWrite: new(512.0), LatencyReadUsec: new(250.0),
				},
				Usage: volume.Usage{CapacityBytes: new(uint64(1000 + i)), UsedBytes: new(uint64(i + 1))},
			}
		},
		Calls: func(volumes int) volumetest.Calls {
			pages := (volumes + tinyPage - 1) / tinyPage
			return volumetest.Calls{Performance: pages, Health: pages, Usage: pages}
		},
		Required:  []string{"tiny_endpoint", "tiny_user", "tiny_password", "tiny_fs"},
		VerifyKey: "tiny_verify_ssl",
		States:    []string{"online"},
		Lose:      func(options map[string]any) { options["tiny_fs"] = "nowhere" },
	}
	if !basic {
		s.Login = func(r *http.Request) bool { return r.URL.Path == "/login" }
		s.Logout = func(r *http.Request) bool { return r.URL.Path == "/logout" }
	}
	return s
}

func TestSession(t *testing.T) { volumetest.Contract(t, suite(false, "")) }

func TestBasic(t *testing.T) { volumetest.Contract(t, suite(true, "")) }
