package proxy

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
)

// hardware is a storage proxy whose volumes take a while.
type hardware struct {
	takes   time.Duration
	volumes string // the answer of /volumes; empty: someVolumes

	mu    sync.Mutex
	asked map[string][]time.Time
	now   int // calls under way
	most  int
}

func (h *hardware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/volume/hwinfo" {
		answers{"/health": ofProxy, "/volumes": cmp.Or(h.volumes, someVolumes)}.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.asked[string(body)] = append(h.asked[string(body)], time.Now())
	h.now++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	time.Sleep(h.takes)
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	fmt.Fprint(w, `{"status":"healthy","status_info":null,"metadata":{}}`)
}

// Each volume is asked for every five minutes, one at a time, by one of the exporters,
// and not more often when the proxy comes and goes.
func TestDetailsAreRare(t *testing.T) {
	for _, takes := range []time.Duration{0, 3 * time.Second} {
		t.Run(fmt.Sprint(takes), func(t *testing.T) {
			within(t, func(r *rig) {
				h := &hardware{takes: takes, asked: map[string][]time.Time{}}
				a := appliancetest.NewAppliance(r.t, r.network, h)
				s, _ := r.exporter("one", withToken(at(a, "p1")))
				_, _ = r.exporter("two", withToken(at(a, "p1")))
				for range 20 {
					r.wait(3 * time.Minute)
					if p := only(t, s); states(p.Volumes) != "v1=healthy v2=healthy " {
						t.Fatalf("%+v", p)
					}
					a.Down()
					r.wait(time.Minute)
					if p := only(t, s); states(p.Volumes) != "v1=unknown v2=unknown " {
						t.Fatalf("%+v", p)
					}
					a.Up()
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				if h.most != 1 || len(h.asked) != 2 {
					t.Errorf("%d at once, of %d volumes", h.most, len(h.asked))
				}
				for name, times := range h.asked {
					if len(times) < 8 {
						t.Errorf("%s was asked for %d times", name, len(times))
					}
					for i := range times[1:] {
						if d := times[i+1].Sub(times[i]); d < askAgain-takes {
							t.Errorf("%s: asked again after %v", name, d)
						}
					}
				}
			})
		})
	}
}

// A volume whose vendor hangs costs the proxy nothing, nor the other volumes.
func TestVolumeThatHangs(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			switch {
			case strings.Contains(string(body), "v1"):
				<-q.Context().Done()
			case q.URL.Path == "/volume/hwinfo":
				fmt.Fprint(w, `{"status":"healthy"}`)
			default:
				answers{"/health": ofProxy, "/volumes": someVolumes}.ServeHTTP(w, q)
			}
		}))
		s, _ := r.exporter("one", withToken(at(a, "p1")))
		r.wait(time.Minute)
		for range 10 {
			if p := only(t, s); p.Status != Healthy || states(p.Volumes) != "v1=unavailable v2=healthy " || !strings.Contains(p.Volumes[0].Info, "no answer within") {
				t.Errorf("%+v", p)
			}
			r.wait(time.Minute)
		}
	})
}

// Of many volumes all have their turn, the oldest first, and none takes the time of the
// next poll.
func TestManyDetails(t *testing.T) {
	within(t, func(r *rig) {
		const n = 60
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf(`{"name":"v%02d","backend":"xfs"}`, i)
		}
		h := &hardware{takes: time.Second, asked: map[string][]time.Time{}, volumes: `{"volumes":[` + strings.Join(names, ",") + `]}`}
		a := appliancetest.NewAppliance(r.t, r.network, h)
		s, _ := r.exporter("one", withToken(at(a, "p1")))
		r.wait(20 * time.Second)
		if p := only(t, s); p.Count(volume.Healthy) != 5 || p.Count(volume.Unknown) != n-5 {
			t.Errorf("%d after the first poll: %s", p.Count(volume.Healthy), states(p.Volumes))
		}
		r.wait(10 * time.Minute)
		if p := only(t, s); p.Count(volume.Healthy) != n {
			t.Errorf("%d known", p.Count(volume.Healthy))
		}
	})
}

// Who asks without a token does not take what another learned with one, nor the other
// way round.
func TestTokenIsPartOfTheOrigin(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, &hardware{asked: map[string][]time.Time{}})
		with, _ := r.exporter("one", withToken(at(a, "p1")))
		without, _ := r.exporter("two", at(a, "p1"))
		for range 20 {
			r.wait(time.Minute)
			if x, y := states(only(t, with).Volumes), states(only(t, without).Volumes); x != "v1=healthy v2=healthy " || y != "" {
				t.Fatalf("%q with, %q without", x, y)
			}
		}
	})
}
