package weka

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
	"storage_exporter/volume/weka/wekatest"
)

// within a bubble, with an emulator of two volumes.
func bubble(t *testing.T, change func(*wekatest.Cluster), check func(*testing.T, *wekatest.Cluster, *backend)) {
	t.Helper()
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := wekatest.Start(t, network, 2)
		if change != nil {
			change(e)
		}
		check(t, e, volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...))
	})
}

// reads observes and returns the reads of the first volume.
func reads(t *testing.T, b *backend) (float64, error) {
	t.Helper()
	got, err := b.Performance(volumetest.Within(t))
	if err == nil {
		err = got["v0"].Err
	}
	if err != nil {
		return 0, err
	}
	return *got["v0"].Value.IOPSRead, nil
}

func asked(e *wekatest.Cluster, path string) int {
	n := 0
	for _, c := range e.Calls() {
		if strings.HasSuffix(c.Path, path) {
			n++
		}
	}
	return n
}

func TestScopeNeverWidens(t *testing.T) {
	bubble(t, nil, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		if got, err := reads(t, b); got != 10.5 || err != nil {
			t.Fatal(got, err)
		}
		for _, refuses := range []bool{false, true} {
			e.Set(func() { e.Without, e.Refuses = "fs_stats", refuses })
			for range 30 {
				time.Sleep(time.Minute)
				if got, err := reads(t, b); err == nil {
					t.Fatalf("a volume that had figures of its own shows %v of the cluster", got)
				} else if !refuses && !errors.Is(err, volume.ErrNoSample) {
					t.Fatal(err)
				}
			}
		}
		e.Set(func() { e.Without = "" })
		time.Sleep(time.Minute)
		if got, err := reads(t, b); got != 10.5 || err != nil {
			t.Fatal(got, err)
		}
	})
}

func TestScopeNarrows(t *testing.T) {
	bubble(t, func(e *wekatest.Cluster) { e.Without, e.Refuses = "fs_stats", true }, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		for range 20 {
			if got, err := reads(t, b); got != 31.5 || err != nil {
				t.Fatal(got, err)
			}
			time.Sleep(time.Minute)
		}
		if n := asked(e, "/stats"); n > 22 {
			t.Errorf("%d calls in twenty minutes", n)
		}
		e.Set(func() { e.Without = "" })
		time.Sleep(retryScope)
		if got, err := reads(t, b); got != 10.5 || err != nil {
			t.Fatal(got, err)
		}
	})
}

// A process that observes only the health says what the figures are of, too, but
// leaves it to performance to find out first.
func TestScopeWithoutPerformance(t *testing.T) {
	for without, want := range map[string]string{"": "volume", "fs_stats": "cluster"} {
		bubble(t, func(e *wekatest.Cluster) { e.Without = without }, func(t *testing.T, e *wekatest.Cluster, b *backend) {
			for range 2 {
				if _, err := b.Health(volumetest.Within(t)); err != nil || asked(e, "/stats") != 0 {
					t.Fatalf("%d calls in the first minute, %v", asked(e, "/stats"), err)
				}
				time.Sleep(30 * time.Second)
			}
			for range 30 {
				results, err := b.Health(volumetest.Within(t))
				if got := results["v0"].Value.Metadata["performance_scope"]; err != nil || got != want {
					t.Fatalf("%q, not %q: %v", got, want, err)
				}
				time.Sleep(30 * time.Second)
			}
			if n := asked(e, "/stats"); want == "volume" && n != 1 || n > 4 {
				t.Errorf("%s: %d calls in a quarter of an hour", want, n)
			}
		})
	}
	bubble(t, func(e *wekatest.Cluster) { e.Forbidden = "/stats" }, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		for range 10 {
			results, err := b.Health(volumetest.Within(t))
			if h := results["v0"].Value; err != nil || h.Status != volume.Healthy || h.Metadata["performance_scope"] != "" {
				t.Fatalf("%+v, %v", h, err)
			}
			time.Sleep(30 * time.Second)
		}
		if n := asked(e, "/stats"); n != 1 {
			t.Errorf("%d calls that are refused", n)
		}
	})
}

// The statistics that hang do not cost the health.
func TestScopeHangs(t *testing.T) {
	bubble(t, nil, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		e.Break(appliancetest.Hangs(), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/stats") })
		start := time.Now()
		results, err := b.Health(volumetest.Within(t))
		if h := results["v0"].Value; err != nil || h.Status != volume.Healthy || time.Since(start) > 8*time.Second {
			t.Errorf("%+v, %v, after %v", h, err, time.Since(start))
		}
	})
}

// A file system that goes does not stand in for the new one of its name.
func TestMadeAnew(t *testing.T) {
	const list = `{"data": [{"id": "FSId<7>", "name": "a", "is_removing": true}, {"id": "FSId<8>", "name": "a"}, {"id": "FSId<9>", "name": "b"}, {"id": "FSId<2>", "name": "b", "is_removing": true}]}`
	all, err := filesystemsOf(volumetest.Answer([]byte(list), sampledAt))
	if err != nil || all["a"].ID != "FSId<8>" || all["b"].ID != "FSId<9>" {
		t.Errorf("%+v, %v", all, err)
	}
}

// A minute's statistics come late.
func TestLateStatistics(t *testing.T) {
	bubble(t, func(e *wekatest.Cluster) { e.Lag = 50 * time.Second }, func(t *testing.T, _ *wekatest.Cluster, b *backend) {
		for range 60 {
			time.Sleep(7 * time.Second)
			got, err := b.Performance(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			r := got["v0"]
			if age := time.Since(r.SampledAt); r.Err != nil || age > 2*time.Minute || age < 50*time.Second {
				t.Fatalf("%v, sampled %v ago", r.Err, age)
			}
		}
	})
}

func TestForbiddenStatistics(t *testing.T) {
	bubble(t, func(e *wekatest.Cluster) { e.Forbidden = "/stats" }, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		if _, err := reads(t, b); !errors.Is(err, rest.ErrForbidden) {
			t.Error(err)
		}
		if n := asked(e, "/stats"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A session that was revoked altogether is made anew, with one login.
func TestRevoked(t *testing.T) {
	bubble(t, func(e *wekatest.Cluster) { e.ListForm = true }, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		for range 3 {
			if _, err := reads(t, b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			e.Access.End()
			e.Refresh.End()
		}
		e.Forget()
		if _, err := reads(t, b); err != nil {
			t.Fatal(err)
		}
		if n, m := asked(e, "/login"), asked(e, "/login/refresh"); n != 1 || m != 1 {
			t.Errorf("%d logins, %d refreshes", n, m)
		}
	})
}

// For hours, the password is sent once.
func TestRefreshes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		for range 120 {
			if _, err := reads(t, b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := asked(e, "/login"); n != 1 {
			t.Errorf("%d logins", n)
		}
		if n := asked(e, "/login/refresh"); n < 20 || n > 40 {
			t.Errorf("%d refreshes in two hours", n)
		}
	})
}

func TestLongLivedToken(t *testing.T) {
	const token = "weka-long-lived-token"
	bubble(t, func(e *wekatest.Cluster) {
		e.Access.New(e.Appliance, token)
		for i := range e.Volumes {
			o := e.Volumes[i].Options
			o["weka_token"] = token
			delete(o, "weka_username")
			delete(o, "weka_password")
		}
	}, func(t *testing.T, e *wekatest.Cluster, b *backend) {
		if got, err := reads(t, b); got != 10.5 || err != nil {
			t.Fatal(got, err)
		}
		if n := asked(e, "/login"); n != 0 {
			t.Errorf("%d logins", n)
		}
	})
}

// A list of backend servers: the next is asked when one is away.
func TestServersTakeOver(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := wekatest.Start(t, network, 1)
		gone := appliancetest.NewAppliance(t, network, e)
		gone.Down()
		e.Volumes[0].Options["weka_endpoint"] = gone.URL + ", " + e.URL
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		if got, err := reads(t, b); got != 10.5 || err != nil {
			t.Fatal(got, err)
		}
	})
}

func TestIdentity(t *testing.T) {
	base := func(change map[string]any) volume.Identity {
		t.Helper()
		options := map[string]any{"weka_endpoint": "https://weka01:14000/", "weka_username": "u", "weka_password": "p", "weka_fs_name": "a", "unknown": 1}
		for k, v := range change {
			options[k] = v
		}
		id, err := Kind(nil).Identify(volume.Config{Name: "v", Options: options})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	standard := base(nil)
	if standard.Endpoint != "https://weka01:14000/api/v2" || standard.Object != "Root/a" {
		t.Errorf("%+v", standard)
	}
	if other := base(map[string]any{"weka_fs_name": "b"}); other.Share != standard.Share {
		t.Error("two file systems of one cluster share no session")
	}
	for key, value := range map[string]any{"weka_organization": "Lab", "weka_username": "v", "weka_password": "q", "weka_endpoint": "https://weka02:14000", "weka_token": "t", "weka_verify_ssl": false} {
		if other := base(map[string]any{key: value}); other.Share == standard.Share {
			t.Errorf("another %s shares the session", key)
		}
	}
}
