package vast

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// bubble has an emulator with three volumes.
func bubble(t *testing.T, scope string, options map[string]any, change func(*emulator), check func(*testing.T, *emulator, *backend)) {
	t.Helper()
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := start(t, network, 3, scope, options)
		if change != nil {
			change(e)
		}
		check(t, e, volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...))
	})
}

var session = map[string]any{"vast_force_login": false}

// reads observes and returns the reads of a volume.
func reads(t *testing.T, b *backend, name string) (float64, error) {
	t.Helper()
	results, err := b.Performance(volumetest.Within(t))
	got := of(results, err, name)
	if got.Err != nil {
		return 0, got.Err
	}
	return *got.Value.IOPSRead, nil
}

func wantReads(t *testing.T, b *backend, name string, want float64) {
	t.Helper()
	if got, err := reads(t, b, name); got != want || err != nil {
		t.Fatalf("%s reads %v, not %v: %v", name, got, want, err)
	}
}

func asked(e *emulator, path string) int {
	n := 0
	for _, c := range e.Calls() {
		if strings.HasSuffix(c.Path, path) {
			n++
		}
	}
	return n
}

// For hours the password is sent once, however wrong the cluster's clock is, and
// no token is refused.
func TestRefreshes(t *testing.T) {
	for _, skew := range []time.Duration{0, -3 * time.Hour, 3 * time.Hour} {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprint(skew, keeps), func(t *testing.T) {
				bubble(t, viewScope, session, func(e *emulator) { e.skew, e.keeps = skew, keeps }, func(t *testing.T, e *emulator, b *backend) {
					for range 120 {
						wantReads(t, b, "v0", 10)
						time.Sleep(time.Minute)
					}
					if n := asked(e, "/token/"); n != 1 {
						t.Errorf("%d logins", n)
					}
					if n := asked(e, "/token/refresh/"); n < 20 || n > 40 {
						t.Errorf("%d refreshes in two hours", n)
					}
					for _, c := range e.Calls() {
						if c.Status == http.StatusUnauthorized {
							t.Fatalf("%s was refused", c.Path)
						}
					}
				})
			})
		}
	}
}

// A token that does not tell its end serves until it is refused.
func TestEndNotTold(t *testing.T) {
	bubble(t, viewScope, session, func(e *emulator) { e.mute = true }, func(t *testing.T, e *emulator, b *backend) {
		for range 30 {
			wantReads(t, b, "v0", 10)
			time.Sleep(time.Minute)
		}
		if n, m := asked(e, "/token/"), asked(e, "/token/refresh/"); n != 1 || m < 4 || m > 7 {
			t.Errorf("%d logins, %d refreshes in half an hour", n, m)
		}
	})
}

// A session that was revoked altogether is made anew, with one login.
func TestRevoked(t *testing.T) {
	bubble(t, viewScope, session, nil, func(t *testing.T, e *emulator, b *backend) {
		for range 3 {
			wantReads(t, b, "v0", 10)
			time.Sleep(time.Minute)
			e.access.End()
			e.refresh.End()
			e.Forget()
			wantReads(t, b, "v0", 10)
			if n, m := asked(e, "/token/"), asked(e, "/token/refresh/"); n != 1 || m != 1 {
				t.Errorf("%d logins, %d refreshes", n, m)
			}
		}
	})
}

func TestProofs(t *testing.T) {
	for name, tt := range map[string]struct {
		options map[string]any
		kind    string
	}{
		"name and password": {nil, "Basic "},
		"session":           {session, "Bearer "},
		"long-lived token":  {map[string]any{"vast_api_token": longLived, "vast_username": nil, "vast_password": nil}, "Api-Token " + longLived},
	} {
		t.Run(name, func(t *testing.T) {
			options := maps.Clone(tt.options)
			if options == nil {
				options = map[string]any{}
			}
			options["vast_tenant"] = "default"
			bubble(t, clusterScope, options, nil, func(t *testing.T, e *emulator, b *backend) {
				wantReads(t, b, "v0", 12034)
				e.set(func() {
					if proof := e.lastHead.Get("Authorization"); !strings.HasPrefix(proof, tt.kind) {
						t.Errorf("the proof is %.12q", proof)
					}
					if tenant := e.lastHead.Get("X-Tenant-Name"); tenant != "default" {
						t.Errorf("the tenant is %q", tenant)
					}
				})
				if n := asked(e, "/token/"); (n == 1) != (name == "session") {
					t.Errorf("%d logins", n)
				}
			})
		})
	}
}

func TestTenants(t *testing.T) {
	twice := func(e *emulator) { e.tenants = true }
	bubble(t, viewScope, nil, twice, func(t *testing.T, _ *emulator, b *backend) {
		if _, err := reads(t, b, "v0"); err == nil || !strings.Contains(err.Error(), "set vast_tenant") || !strings.Contains(err.Error(), "default, lab") {
			t.Error(err)
		}
		results, err := b.Health(volumetest.Within(t))
		if got := of(results, err, "v0"); got.Err == nil {
			t.Errorf("%+v", got)
		}
	})
	bubble(t, viewScope, map[string]any{"vast_tenant": "Default"}, twice, func(t *testing.T, _ *emulator, b *backend) {
		wantReads(t, b, "v0", 10)
		usage, err := b.Usage(volumetest.Within(t))
		if got := of(usage, err, "v0"); got.Err != nil || *got.Value.CapacityBytes != hardLimit {
			t.Errorf("another tenant's quota: %+v", got)
		}
	})
	bubble(t, viewScope, map[string]any{"vast_tenant": "other"}, twice, func(t *testing.T, _ *emulator, b *backend) {
		if _, err := reads(t, b, "v0"); !errors.Is(err, rest.ErrNotFound) || !strings.Contains(err.Error(), `of tenant "other"`) {
			t.Error(err)
		}
	})
}

// Lists come in pages, whose links name a host that is not reachable from here.
func TestPages(t *testing.T) {
	bubble(t, viewScope, nil, func(e *emulator) { e.page = 2 }, func(t *testing.T, e *emulator, b *backend) {
		wantReads(t, b, "v2", 30)
		usage, err := b.Usage(volumetest.Within(t))
		if got := of(usage, err, "v2"); got.Err != nil || *got.Value.CapacityBytes != hardLimit {
			t.Errorf("%+v", got)
		}
		if n := asked(e, "/views/"); n != 2 {
			t.Errorf("%d pages of views", n)
		}
	})
}

func TestRowsOfStatistics(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*emulator)
		most   time.Duration // age
	}{
		"every minute":          {func(*emulator) {}, time.Minute},
		"late":                  {func(e *emulator) { e.lag = 50 * time.Second }, 2 * time.Minute},
		"a hole at the end":     {func(e *emulator) { e.hole = true }, 2 * time.Minute},
		"every five minutes":    {func(e *emulator) { e.every = 5 * time.Minute }, 5 * time.Minute},
		"five minutes and late": {func(e *emulator) { e.every, e.lag = 5*time.Minute, time.Minute }, 6 * time.Minute},
		"nanoseconds":           {func(e *emulator) { e.unit = "ns" }, time.Minute},
		"a clock that is slow":  {func(e *emulator) { e.skew = -time.Hour }, time.Minute},
		"a clock that is fast":  {func(e *emulator) { e.skew = time.Hour }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, viewScope, nil, tt.change, func(t *testing.T, _ *emulator, b *backend) {
				for range 60 {
					time.Sleep(7 * time.Second)
					results, err := b.Performance(volumetest.Within(t))
					got := of(results, err, "v0")
					if got.Err != nil || *got.Value.IOPSRead != 10 || *got.Value.BytesWrite != 4096 || *got.Value.LatencyWriteUsec != 612.5 {
						t.Fatalf("%+v, %v", got.Value, got.Err)
					}
					if age := time.Since(got.SampledAt); age > tt.most+time.Second || age < 0 {
						t.Fatalf("sampled %v ago", age)
					}
				}
			})
		})
	}
	bubble(t, viewScope, nil, func(e *emulator) { e.lag = 4 * time.Minute }, func(t *testing.T, _ *emulator, b *backend) {
		if got, err := reads(t, b, "v0"); !errors.Is(err, volume.ErrNoSample) {
			t.Errorf("of four minutes ago: %v, %v", got, err)
		}
	})
}

// Counters that begin anew make no figures of the time in between.
func TestCountersBeginAnew(t *testing.T) {
	bubble(t, viewScope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
		wantReads(t, b, "v0", 10)
		e.set(func() { e.restart = time.Now().Add(30 * time.Second) })
		gaps := 0
		for range 10 {
			time.Sleep(time.Minute)
			switch got, err := reads(t, b, "v0"); {
			case errors.Is(err, volume.ErrNoSample):
				gaps++
			case got != 10:
				t.Errorf("%v, %v", got, err)
			}
		}
		if gaps != 1 {
			t.Errorf("%d gaps", gaps)
		}
	})
}

// A view that is made anew has another id, which refuses the call for all: the
// list is asked for before its time.
func TestViewMadeAnew(t *testing.T) {
	bubble(t, viewScope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
		wantReads(t, b, "v0", 10)
		time.Sleep(3 * time.Minute)
		e.set(func() { e.moved[1] = 500 })
		if _, err := reads(t, b, "v0"); !errors.Is(err, rest.ErrRejected) {
			t.Error(err)
		}
		for range 20 {
			time.Sleep(time.Minute)
			wantReads(t, b, "v0", 10)
			wantReads(t, b, "v1", 20)
		}
		if n := asked(e, "/views/"); n > 7 {
			t.Errorf("%d lists", n)
		}
	})
}

// A view that was not there is found soon; until then it costs the others nothing.
func TestViewComesLate(t *testing.T) {
	bubble(t, viewScope, nil, func(e *emulator) { e.lost[1] = true }, func(t *testing.T, e *emulator, b *backend) {
		for i := range 5 {
			wantReads(t, b, "v0", 10)
			if _, err := reads(t, b, "v1"); !errors.Is(err, rest.ErrNotFound) {
				t.Fatal(err)
			}
			if n := asked(e, "/views/"); i == 0 && n != 1 {
				t.Errorf("%d lists at once", n)
			}
			time.Sleep(time.Minute)
		}
		if n := asked(e, "/views/"); n > 3 {
			t.Errorf("%d lists in five minutes", n)
		}
		e.set(func() { delete(e.lost, 1) })
		time.Sleep(viewsSooner)
		wantReads(t, b, "v1", 20)
	})
}

// What is asked for besides, and refused, costs the volumes nothing, and is not
// asked for again and again.
func TestRefusedBesides(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, viewScope, session, func(e *emulator) {
				e.fails["/alarms/"], e.fails["/metrics/"], e.fails["/quotas/"] = status, status, status
			}, func(t *testing.T, e *emulator, b *backend) {
				for range 20 {
					wantReads(t, b, "v0", 10)
					health, err := b.Health(volumetest.Within(t))
					if got := of(health, err, "v0"); got.Err != nil || got.Value.Status != volume.Healthy || got.Value.Info != "" {
						t.Fatalf("%+v", got)
					}
					usage, err := b.Usage(volumetest.Within(t))
					if got := of(usage, err, "v0"); got.Err != nil || *got.Value.CapacityBytes != physical {
						t.Fatalf("%+v", got)
					}
					time.Sleep(time.Minute)
				}
				if n, m := asked(e, "/alarms/"), asked(e, "/metrics/"); n > 6 || m > 2 {
					t.Errorf("%d calls for alarms, %d for metrics in twenty minutes", n, m)
				}
			})
		})
	}
}

// What health can do without takes nothing from its time.
func TestAlarmsHang(t *testing.T) {
	bubble(t, clusterScope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
		e.Break(appliancetest.Hangs(), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/alarms/") })
		began := time.Now()
		results, err := b.Health(volumetest.Within(t))
		if got := of(results, err, "v0"); got.Err != nil || got.Value.Status != volume.Healthy {
			t.Errorf("%+v", got)
		}
		if took := time.Since(began); took > besides {
			t.Errorf("it took %v", took)
		}
	})
}

// A cluster that does not answer is not asked for what explains.
func TestSilentCluster(t *testing.T) {
	bubble(t, viewScope, nil, func(e *emulator) { e.fails["/clusters/1/"] = http.StatusInternalServerError }, func(t *testing.T, e *emulator, b *backend) {
		results, err := b.Health(volumetest.Within(t))
		if got := of(results, err, "v0"); !errors.Is(got.Err, rest.ErrServer) {
			t.Errorf("%+v", got)
		}
		if n := asked(e, "/alarms/") + asked(e, "/quotas/"); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// A size that was listed a while ago is not of now. Of the lists only what belongs
// to the volumes is kept.
func TestListedBefore(t *testing.T) {
	bubble(t, viewScope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
		e.Volumes = append(e.Volumes, volume.Config{Name: "stranger"}) // to the backend
		wantReads(t, b, "v0", 10)
		time.Sleep(8 * time.Minute)
		usage, err := b.Usage(volumetest.Within(t))
		for name, want := range map[string]time.Duration{"v0": 0, "v1": 8 * time.Minute} {
			if got := of(usage, err, name); got.Err != nil || time.Since(got.SampledAt).Truncate(time.Second) != want {
				t.Errorf("%s: sampled %v ago, %v", name, time.Since(got.SampledAt), got.Err)
			}
		}
		views, _, err := b.views.Get(volumetest.Within(t))
		if err != nil || len(views) != 3 {
			t.Errorf("%d views, %v", len(views), err)
		}
		limits, _, err := b.quotas.Get(volumetest.Within(t))
		if err != nil || len(limits) != 2 {
			t.Errorf("%d quotas, %v", len(limits), err)
		}
	})
}

// Every round of the performance shows what is new, though health and usage use
// the same answer where they come at the same moment.
func TestMoment(t *testing.T) {
	bubble(t, clusterScope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
		for i := range 60 {
			if i%3 == 1 { // between two rounds
				if _, err := b.Health(volumetest.Within(t)); err != nil {
					t.Fatal(err)
				}
			}
			before := time.Now()
			results, err := b.Performance(volumetest.Within(t))
			got := of(results, err, "v0")
			if got.Err != nil || before.Sub(got.SampledAt) > moment {
				t.Fatalf("sampled %v ago, %v", before.Sub(got.SampledAt), got.Err)
			}
			time.Sleep(clusterSampling)
		}
		if n := asked(e, "/clusters/1/"); n != 60 {
			t.Errorf("%d calls in 60 rounds", n)
		}
	})
}

// An hour costs as much as is documented, with each kind of observation at its
// default interval.
func TestHour(t *testing.T) {
	for scope, most := range map[string]int{viewScope: 320, clusterScope: 375} {
		bubble(t, scope, nil, nil, func(t *testing.T, e *emulator, b *backend) {
			for second := range 3600 { // each begins at another moment
				var err error
				switch {
				case second%int(b.Intervals().Performance.Seconds()) == 0:
					_, err = b.Performance(volumetest.Within(t))
				case second%30 == 11:
					_, err = b.Health(volumetest.Within(t))
				case second%60 == 23:
					_, err = b.Usage(volumetest.Within(t))
				}
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			if n := len(e.Calls()); n > most || n < most/2 {
				t.Errorf("%s: %d calls in an hour, not %d", scope, n, most)
			}
		})
	}
}

// Some hundred views do not fit into one URL.
func TestLongLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const volumes = 400
		network := appliancetest.NewNetwork()
		e := start(t, network, volumes, viewScope, nil)
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		results, err := b.Performance(volumetest.Within(t))
		for i := range volumes {
			got := of(results, err, fmt.Sprint("v", i))
			if got.Err != nil || *got.Value.IOPSRead != 10*float64(i+1) {
				t.Fatalf("v%d: %+v, %v", i, got.Value, got.Err)
			}
		}
		if n := asked(e, statisticsPath); n != 2 {
			t.Errorf("%d calls", n)
		}
		for _, c := range e.Calls() {
			if n := len(e.URL + c.Path + "?" + c.Query); n > longestURL {
				t.Errorf("a URL of %d bytes", n)
			}
		}
	})
}

func TestQueryFits(t *testing.T) {
	ids := []uint64{1, 22, 333, 1 << 62}
	base := url.Values{"object_type": {"view"}, "time_frame": {"13m"}, "prop_list": counters[:]}.Encode()
	for most := range len(base) + 100 {
		query, n := queryOf(ids, most)
		if length := len(query.Encode()); n < 1 || n > len(ids) || n != len(query["object_ids"]) || n > 1 && length > most {
			t.Fatalf("%d ids in %d of %d bytes", n, length, most)
		}
	}
	if _, n := queryOf(ids, 4000); n != len(ids) {
		t.Errorf("%d ids", n)
	}
}
