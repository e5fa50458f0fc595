package dellemc

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// inLab runs a test against a cluster, in a bubble of time. change, if any, is
// applied to the options of each volume.
func inLab(t *testing.T, p *papi, change func(i int, options map[string]any), test func(*testing.T, *backend, *volumetest.Emulator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := volumetest.NewNetwork()
		e := p.start(t, network)
		for i, cfg := range e.Volumes {
			if change != nil {
				change(i, cfg.Options)
			}
		}
		b, err := newBackend(e.Volumes, network.Dial, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		test(t, b, e)
	})
}

// Each volume has the protocols that it names, or all, from one call.
func TestProtocolsOfVolumes(t *testing.T) {
	names := []any{"smb", nil, []any{"nfs4"}}
	inLab(t, &papi{volumes: 3}, func(i int, options map[string]any) {
		options["dell_system_name"] = names[i]
	}, func(t *testing.T, b *backend, e *volumetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]float64{"v000": 10, "v001": 6010, "v002": 1000} {
			if got := results[name].Value.IOPSRead; got == nil || *got != want {
				t.Errorf("%s: %v, not %v", name, results[name], want)
			}
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
	}, func(t *testing.T, b *backend, _ *volumetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := volume.Performance{BytesRead: new(20.0), BytesWrite: new(10.0), LatencyReadUsec: new(100.0)}
		if diff := cmp.Diff(want, results["v000"].Value); diff != "" || results["v000"].Err != nil {
			t.Errorf("%v (-want +got):\n%s", results["v000"].Err, diff)
		}
		if got := results["v001"].Value.IOPSRead; got == nil || *got != 6000 {
			t.Errorf("%+v", results["v001"])
		}
		if !errors.Is(results["v002"].Err, rest.ErrNotFound) {
			t.Errorf("%+v", results["v002"])
		}
		health, err := b.Health(t.Context())
		if err != nil || health["v000"].Value.Metadata["performance_scope"] != "volume" || health["v001"].Value.Metadata["performance_scope"] != "cluster" {
			t.Errorf("%v, %+v", err, health)
		}
	})
}

func TestNoSample(t *testing.T) {
	inLab(t, &papi{volumes: 1, quiet: true}, nil, func(t *testing.T, b *backend, _ *volumetest.Emulator) {
		results, err := b.Performance(t.Context())
		if err != nil || !errors.Is(results["v000"].Err, volume.ErrNoSample) {
			t.Errorf("%v, %+v", err, results)
		}
	})
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
			inLab(t, &papi{volumes: 1, forbidden: []string{tt.forbidden}}, nil, func(t *testing.T, b *backend, _ *volumetest.Emulator) {
				results, err := b.Health(t.Context())
				if h := results["v000"].Value; err != nil || h.Status != volume.Healthy || !strings.Contains(h.Info, tt.info) {
					t.Errorf("%v, %+v", err, h)
				}
			})
		})
	}
	inLab(t, &papi{volumes: 1, forbidden: []string{"quota"}}, nil, func(t *testing.T, b *backend, _ *volumetest.Emulator) {
		results, err := b.Usage(t.Context())
		if u := results["v000"].Value; err != nil || u.CapacityBytes == nil || *u.CapacityBytes != 300000 {
			t.Errorf("without the right to quotas: %v, %+v", err, results)
		}
	})
}

// While quotas cannot be asked for, a volume is not as large as the cluster.
func TestQuotasAway(t *testing.T) {
	inLab(t, &papi{volumes: 1}, nil, func(t *testing.T, b *backend, e *volumetest.Emulator) {
		e.Break(volumetest.Fails(http.StatusInternalServerError, ""), func(r *http.Request) bool { return strings.Contains(r.URL.Path, "quota") })
		if results, err := b.Usage(t.Context()); !errors.Is(err, rest.ErrServer) {
			t.Errorf("%v, %+v", err, results)
		}
	})
}

func TestNodeDown(t *testing.T) {
	inLab(t, &papi{volumes: 1, downs: 1}, nil, func(t *testing.T, b *backend, _ *volumetest.Emulator) {
		results, err := b.Health(t.Context())
		if h := results["v000"].Value; err != nil || h.Status != volume.Degraded || h.Info != "1 of 4 nodes are down: node 1" {
			t.Errorf("%v, %+v", err, h)
		}
	})
}

// A session that nobody used ends before its time; one login brings it back.
func TestIdleSession(t *testing.T) {
	inLab(t, &papi{volumes: 1}, nil, func(t *testing.T, b *backend, e *volumetest.Emulator) {
		for range 3 {
			e.Forget()
			results, err := b.Performance(t.Context())
			if err != nil || results["v000"].Err != nil {
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
		if _, err := identify(volume.Config{Name: "v", Options: wrong}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %s: %v", tt.key, tt.value, err)
		}
	}
}
