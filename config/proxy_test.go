package config

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStorageProxyFile loads a storage proxy's own file as it is.
func TestStorageProxyFile(t *testing.T) {
	var warnings []Problem
	c, err := Load(Options{Path: "testdata/storage-proxy.toml", Default: standard, Warn: func(p Problem) { warnings = append(warnings, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 0 {
		t.Errorf("warnings: %v", warnings)
	}
	if p := c.Volumes[3].Options["gpfs_password"]; p != "secret" {
		t.Errorf("gpfs_password is %v", p)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/storage-proxy.json"
	if *update {
		if err := os.WriteFile(golden, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(b)+"\n"); diff != "" {
		t.Errorf("rewrite with -update if it is meant:\n%s", diff)
	}
}

func TestVolumeStats(t *testing.T) {
	type stats struct{ Interval, Timeout, TTL time.Duration }
	tests := []struct {
		name, text string
		want       stats
		warnings   int
	}{
		{"table", "[storage-proxy]\nvolume-stats = { observe-interval = 20, observe-timeout = 2.5, cache-ttl = 60.0 }", stats{20 * time.Second, 2500 * time.Millisecond, time.Minute}, 0},
		{"section", "[storage-proxy.volume-stats]\nobserve-interval = \"20s\"\nobserve-timeout = \"2.5\"\ncache-ttl = \"1m\"", stats{20 * time.Second, 2500 * time.Millisecond, time.Minute}, 0},
		{"underscores", "[storage_proxy.volume_stats]\nobserve_interval = 20\nobserve_timeout = 2.5\ncache_ttl = 60", stats{20 * time.Second, 2500 * time.Millisecond, time.Minute}, 0},
		{"flat", "[storage-proxy]\nvolume_stats_observe_interval = 20\nvolume_stats_observe_timeout = 2.5\nvolume_stats_cache_ttl = 60", stats{20 * time.Second, 2500 * time.Millisecond, time.Minute}, 0},
		{"flat with dashes", "[storage-proxy]\nvolume-stats-observe-interval = 20\nvolume-stats-observe-timeout = 2.5\nvolume-stats-cache-ttl = 60", stats{20 * time.Second, 2500 * time.Millisecond, time.Minute}, 0},
		{"the exporter's own goes before it", "[volumes]\nperformance_interval = \"7s\"\n[storage-proxy]\nvolume-stats = { observe-interval = 20, observe-timeout = 2.5 }", stats{7 * time.Second, 2500 * time.Millisecond, 0}, 0},
		{"a timeout that suits the proxy only", "[storage-proxy]\nvolume-stats = { observe-interval = 5, observe-timeout = 5 }", stats{5 * time.Second, 0, 0}, 1},
		{"a timeout that suits not every volume", "[storage-proxy]\nvolume-stats = { observe-timeout = 5 }\n[volume.v]\nbackend = \"vfs\"\npath = \"/v\"\nperformance_interval = \"5s\"", stats{10 * time.Second, 0, 0}, 1},
		{"others", "[storage-proxy]\nvolume-stats = { x = 1 }\nvolume_statistics = 4\nsession-name = \"s\"", stats{10 * time.Second, 0, 0}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings := loadWarned(t, tt.text, Options{})
			d := c.VolumeDefaults
			if diff := cmp.Diff(tt.want, stats{d.PerformanceInterval, d.PerformanceTimeout, d.PerformanceTTL}); diff != "" {
				t.Error(diff)
			}
			if len(warnings) != tt.warnings {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

func TestForeignSections(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"known ones", "[api.client]\nx = 1\n[etcd]\n[logging]\n[debug]\n[pyroscope]\n[otel]\n[service-discovery]\n[sentry]\n[artifact-storage.x]\n[reservoir-x]\n[presigned-upload]", nil},
		{"unknown in a proxy's file", "[storage-proxy]\n[redis]\naddr = { host = \"h\", port = 1 }\nservice_name = \"s\"\n[new-thing]\nx = 1\n[smart]\nx = 1", []string{
			"c.toml: new-thing: is not known and was ignored",
			"c.toml: redis.addr: is not known and was ignored",
			"c.toml: redis.service_name: is not known and was ignored",
			"c.toml: smart.x: is not known and was ignored",
		}},
		{"unknown in a volume", "[volume.v]\nbackend = \"vfs\"\npath = \"/v\"\nedge = \"1s\"\nusage_intervall = \"1s\"", []string{
			"c.toml: volume.v.edge: is not known and was ignored",
			"c.toml: volume.v.usage_intervall: is not known and was ignored; did you mean usage_interval?",
		}},
		{"Redis without an address", "[redis]\nusername = \"u\"", []string{
			"c.toml: redis.username: has no effect: no Redis is named, by redis.addresses or REDIS_HOST",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, warnings := loadWarned(t, tt.text, Options{})
			var got []string
			for _, w := range warnings {
				w.Source = "c.toml"
				got = append(got, w.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
