package dellemc

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// inLab runs a test against a cluster, in a bubble of time. change, if any, is
// applied to the options of each volume.
func inLab(t *testing.T, p *papi, change func(i int, options map[string]any), test func(*testing.T, *backend, *appliancetest.Emulator)) {
	t.Helper()
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := p.start(t, network)
		for i, cfg := range e.Volumes {
			if change != nil {
				change(i, cfg.Options)
			}
		}
		test(t, volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...), e)
	})
}

// Each volume has the protocols that it names, or all, from one call. A name that
// is none costs the others nothing, and is no idle protocol.
func TestProtocolsOfVolumes(t *testing.T) {
	names := []any{"smb", nil, []any{"nfs4"}, "ALL", "s3", "onefs-a"}
	inLab(t, &papi{volumes: len(names)}, func(i int, options map[string]any) {
		options["dell_system_name"] = names[i]
	}, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]float64{"v0": 10, "v1": 6010, "v2": 1000, "v3": 6010, "v4": 0} {
			if got := results[name].Value.IOPSRead; got == nil || *got != want {
				t.Errorf("%s: %v, not %v", name, results[name], want)
			}
		}
		if r := results["v5"]; r.Err == nil || errors.Is(r.Err, volume.ErrNoSample) || !strings.Contains(r.Err.Error(), "dell_system_name") {
			t.Errorf("a word that is no protocol: %+v", r)
		}
		if n := len(e.Calls()); n != 2 { // and a login
			t.Errorf("%d calls: %v", n, e.Calls())
		}
	})
}

// A volume's dataset tells of its path; one that is not there is its own fault.
func TestDatasets(t *testing.T) {
	p := &papi{volumes: 3, datasets: map[string][]any{"paths": {
		map[string]any{"path": "/ifs/v0", "bytes_in": 10.0, "bytes_out": 20.0, "latency_read": 100.0, "latency_write": 0.0, "reads": 7.0, "time": 946684800},
		map[string]any{"path": nil, "bytes_in": 99.0, "bytes_out": 99.0, "workload_type": "Excluded"},
	}}}
	datasets := []any{"paths", nil, "nowhere"}
	inLab(t, p, func(i int, options map[string]any) {
		options["dell_perf_dataset"] = datasets[i]
	}, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := volume.Performance{BytesRead: new(20.0), BytesWrite: new(10.0), LatencyReadUsec: new(100.0)}
		if diff := cmp.Diff(want, results["v0"].Value); diff != "" || results["v0"].Err != nil {
			t.Errorf("%v (-want +got):\n%s", results["v0"].Err, diff)
		}
		if got := results["v1"].Value.IOPSRead; got == nil || *got != 6000 {
			t.Errorf("%+v", results["v1"])
		}
		if !errors.Is(results["v2"].Err, rest.ErrNotFound) {
			t.Errorf("%+v", results["v2"])
		}
		health, err := b.Health(t.Context())
		if err != nil || health["v0"].Value.Metadata["performance_scope"] != "volume" || health["v1"].Value.Metadata["performance_scope"] != "cluster" {
			t.Errorf("%v, %+v", err, health)
		}
	})
}

func TestNoSample(t *testing.T) {
	inLab(t, &papi{volumes: 1, quiet: true}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil || !errors.Is(results["v0"].Err, volume.ErrNoSample) {
			t.Errorf("%v, %+v", err, results)
		}
	})
}

// Figures of long ago say nothing about now; those of a clock that is ahead are of
// now.
func TestOldSample(t *testing.T) {
	dataset := func(at time.Time) map[string][]any {
		return map[string][]any{"paths": {map[string]any{"path": "/ifs/v1", "bytes_in": 1.0, "bytes_out": 2.0, "time": at.Unix()}}}
	}
	for late, want := range map[time.Duration]error{-time.Hour: nil, 80 * time.Second: nil, 100 * time.Second: volume.ErrNoSample} {
		p := &papi{volumes: 2, late: late}
		inLab(t, p, func(i int, options map[string]any) {
			if i == 1 {
				options["dell_perf_dataset"] = "paths"
			}
		}, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
			p.datasets = dataset(time.Now().Add(-late))
			results, err := b.Performance(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range results {
				if age := time.Since(r.SampledAt); !errors.Is(r.Err, want) || age < max(late, 0) || age > max(late, 0)+5*time.Second {
					t.Errorf("%v late: %s: %+v", late, name, r)
				}
			}
		})
	}
}

// What an account may not read is told, and costs only that.
func TestRights(t *testing.T) {
	for _, tt := range []struct {
		forbidden, info string
	}{
		{"statistics/current", "the statistics are not known"},
		{"cluster/config", "the nodes are not known"},
		{"storagepool", "the disk pools are not known"},
		{"event", "the events are not known"},
	} {
		t.Run(tt.forbidden, func(t *testing.T) {
			inLab(t, &papi{volumes: 1, forbidden: []string{tt.forbidden}}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
				results, err := b.Health(t.Context())
				if h := results["v0"].Value; err != nil || h.Status != volume.Healthy || !strings.Contains(h.Info, tt.info) {
					t.Errorf("%v, %+v", err, h)
				}
			})
		})
	}
	inLab(t, &papi{volumes: 1, forbidden: []string{"quota"}}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
		results, err := b.Usage(t.Context())
		if u := results["v0"].Value; err != nil || u.CapacityBytes == nil || *u.CapacityBytes != 300000 {
			t.Errorf("without the right to quotas: %v, %+v", err, results)
		}
	})
}

// While quotas cannot be asked for, a volume is not as large as the cluster.
func TestQuotasAway(t *testing.T) {
	inLab(t, &papi{volumes: 1}, nil, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
		e.Break(appliancetest.Fails(http.StatusInternalServerError, ""), func(r *http.Request) bool { return strings.Contains(r.URL.Path, "quota") })
		if results, err := b.Usage(t.Context()); !errors.Is(err, rest.ErrServer) {
			t.Errorf("%v, %+v", err, results)
		}
	})
}

// A quota that cannot be asked for is one volume's alone.
func TestQuotaOfOnePath(t *testing.T) {
	for status, want := range map[int]error{http.StatusBadRequest: rest.ErrRejected, http.StatusNotFound: nil} {
		inLab(t, &papi{volumes: 3}, nil, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
			e.Break(appliancetest.Fails(status, ""), func(r *http.Request) bool { return r.URL.Query().Get("path") == "/ifs/v1" })
			results, err := b.Usage(t.Context())
			if err != nil || !errors.Is(results["v1"].Err, want) {
				t.Fatalf("%v, %+v", err, results["v1"])
			}
			for name, capacity := range map[string]uint64{"v0": 5000, "v2": 5002} {
				if c := results[name].Value.CapacityBytes; c == nil || *c != capacity {
					t.Errorf("HTTP %d: %s: %+v", status, name, results[name])
				}
			}
		})
	}
}

// Of two quotas on a directory the one with the least room left counts, whichever
// comes first.
func TestTwoQuotas(t *testing.T) {
	want := volume.Usage{CapacityBytes: new(uint64(3000)), UsedBytes: new(uint64(2900)), AvailableBytes: new(uint64(100)), InodesUsed: new(uint64(7))}
	for _, volumes := range []int{3, 2 * maxSingleQuotas} {
		inLab(t, &papi{volumes: volumes, twice: true}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
			results, err := b.Usage(t.Context())
			for _, name := range []string{"v0", "v2"} {
				if diff := cmp.Diff(want, results[name].Value); diff != "" || err != nil {
					t.Errorf("%s of %d: %v (-want +got):\n%s", name, volumes, err, diff)
				}
			}
		})
	}
}

// A cluster that says that it is down, while its nodes are up when they are asked
// again, is not offline; one whose nodes were up before is.
func TestSaysThatItIsDown(t *testing.T) {
	for downs, want := range map[int]volume.Status{0: volume.Degraded, emulatedNodes: volume.Offline} {
		p := &papi{volumes: 1}
		inLab(t, p, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
			for _, status := range []volume.Status{volume.Healthy, want} {
				results, err := b.Health(t.Context())
				if h := results["v0"].Value; err != nil || h.Status != status {
					t.Errorf("%d down: %v, %+v", downs, err, h)
				}
				p.health, p.downs = healthDown, downs
				time.Sleep(statisticsEvery + time.Second)
			}
		})
	}
}

// A cluster without statistics may still say that it is down; if it does not, its
// health is not known.
func TestStatisticsAway(t *testing.T) {
	for downs, want := range map[int]volume.Status{0: volume.Unavailable, 1: volume.Unavailable, emulatedNodes: volume.Offline} {
		inLab(t, &papi{volumes: 1, downs: downs}, nil, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
			e.Break(appliancetest.Fails(http.StatusInternalServerError, ""), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "statistics/current") })
			results, err := b.Health(t.Context())
			h := results["v0"].Value
			if err != nil || h.Status != want || !strings.Contains(h.Info, "the statistics are not known") || strings.Contains(h.Info, "down") != (downs > 0) {
				t.Errorf("%d nodes down: %v, %+v", downs, err, h)
			}
		})
	}
}

func TestQuorumWithoutNodes(t *testing.T) {
	inLab(t, &papi{volumes: 1}, nil, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
		e.Break(appliancetest.Says("no nodes", "application/json", `{"name": "onefs-a", "has_quorum": false, "devices": null}`),
			func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "cluster/config") })
		results, err := b.Health(t.Context())
		if h := results["v0"].Value; err != nil || h.Status != volume.Offline || h.Metadata["cluster_name"] != "onefs-a" {
			t.Errorf("%v, %+v", err, h)
		}
	})
}

// What was kept from the last time is as old as it is.
func TestAgeOfWhatIsKept(t *testing.T) {
	inLab(t, &papi{volumes: 2, untimed: true}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
		begin := time.Now()
		for range 2 {
			health, err1 := b.Health(t.Context())
			usage, err2 := b.Usage(t.Context())
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			for what, at := range map[string]time.Time{"health": health["v0"].SampledAt, "quota": usage["v0"].SampledAt, "cluster": usage["v1"].SampledAt} {
				if age := time.Since(at); age != time.Since(begin) {
					t.Errorf("%s is %v old", what, age)
				}
			}
			time.Sleep(15 * time.Second)
		}
	})
}

func TestNodeDown(t *testing.T) {
	inLab(t, &papi{volumes: 1, downs: 1}, nil, func(t *testing.T, b *backend, _ *appliancetest.Emulator) {
		results, err := b.Health(t.Context())
		if h := results["v0"].Value; err != nil || h.Status != volume.Degraded || h.Info != "1 of 4 nodes are down: node 1" {
			t.Errorf("%v, %+v", err, h)
		}
	})
}

// A session that nobody used ends before its time; one login brings it back.
func TestIdleSession(t *testing.T) {
	inLab(t, &papi{volumes: 1}, nil, func(t *testing.T, b *backend, e *appliancetest.Emulator) {
		for range 3 {
			e.Forget()
			results, err := b.Performance(t.Context())
			if err != nil || results["v0"].Err != nil {
				t.Fatalf("%v, %+v", err, results)
			}
			if n := len(e.Calls()); n > 3 {
				t.Errorf("%d calls: %v", n, e.Calls())
			}
			time.Sleep(sessionIdle + time.Minute)
		}
	})
}

func TestOptions(t *testing.T) {
	good := map[string]any{"dell_endpoint": "https://onefs:8080/", "dell_admin": "monitor", "dell_password": int64(1234), "dell_ifs_path": "/ifs/a/", "dell_api_version": "12"}
	cfg := volume.Config{Name: "v", Options: good}
	o, err := read(cfg)
	if err != nil || o.user != "monitor" || o.password.Reveal() != "1234" || o.path != "/ifs/a" || o.access.Endpoint() != "https://onefs:8080" {
		t.Errorf("%v, %+v", err, o)
	}
	for _, tt := range []struct{ key, value, want string }{
		{"dell_ifs_path", "/data", "volume.v.options.dell_ifs_path must begin with /ifs"},
		{"dell_ifs_path", "/ifs/../etc", "volume.v.options.dell_ifs_path must begin with /ifs"},
		{"dell_endpoint", "https://a,https://b", "volume.v.options.dell_endpoint must be one URL"},
	} {
		wrong := map[string]any{}
		for k, v := range good {
			wrong[k] = v
		}
		wrong[tt.key] = tt.value
		if _, err := Kind(nil).Identify(volume.Config{Name: "v", Options: wrong}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %s: %v", tt.key, tt.value, err)
		}
	}
}
