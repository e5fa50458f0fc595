package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/secret"
)

// write puts text into a file and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		s, ok := vars[name]
		return s, ok
	}
}

// standard is what owners might have for defaults.
func standard() *Config {
	return &Config{
		Redis: Redis{Mode: "single", Timeout: 500 * time.Millisecond},
		Smart: Smart{
			Path: "/usr/sbin/smartctl", Interval: 90 * time.Second, Timeout: 20 * time.Second, TTL: 120 * time.Second,
			Rescan: 10 * time.Minute, Concurrency: 8, PowermodeCheck: "standby",
			Thresholds: map[string]float64{"pending_sectors": 1, "temperature": 0, "smart_status": 1, "media_errors": 1, "spin_retries": 1, "grown_defects": 1, "endurance_used": 90},
		},
		VolumeDefaults: VolumeDefaults{PerformanceInterval: 10 * time.Second, HealthCheckInterval: 30 * time.Second, UsageInterval: 60 * time.Second},
	}
}

// load reads text as a file that must be good.
func load(t *testing.T, text string, o Options) *Config {
	t.Helper()
	c, _ := loadWarned(t, text, o)
	return c
}

func loadWarned(t *testing.T, text string, o Options) (*Config, []Problem) {
	t.Helper()
	var warnings []Problem
	o.Path, o.Default = write(t, "c.toml", text), standard
	o.Warn = func(p Problem) { warnings = append(warnings, p) }
	c, err := Load(o)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c, warnings
}

// complain reads text as a file that must be bad, and returns the error
// without the file's folder.
func complain(t *testing.T, text string, o Options) string {
	t.Helper()
	o.Path, o.Default = write(t, "c.toml", text), standard
	c, err := Load(o)
	if err == nil {
		t.Fatal("Load: no error")
	}
	if c != nil {
		t.Error("Load returned a Config beside its error")
	}
	if _, ok := errors.AsType[Problems](err); !ok {
		t.Errorf("Load: %T, want Problems", err)
	}
	return strings.ReplaceAll(err.Error(), o.Path, "c.toml")
}

func flag(name, key string, values ...string) Override {
	return Override{Flag: name, Key: key, Values: values}
}

func TestDefaults(t *testing.T) {
	c, err := Load(Options{Default: standard})
	if err != nil {
		t.Fatal(err)
	}
	want := standard()
	want.Cache.Store = StoreMemory
	want.Volumes = []Volume{{
		Name: "root", Backend: "vfs", Path: "/", FSPrefix: ".",
		PerformanceInterval: 10 * time.Second, HealthCheckInterval: 30 * time.Second, UsageInterval: 60 * time.Second,
	}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKey(t *testing.T) {
	secretFile := write(t, "secret", "from a file\r\n")
	c := load(t, `
[node]
name = "n1"
[cache]
store = "redis"
path = "/var/lib/x"
[redis]
mode = "sentinel"
addresses = ["a:1", "[::1]:2"]
master_name = "m"
db = 3
username = "u"
password = "p${P}p"
sentinel_username = "su"
sentinel_password_file = "`+secretFile+`"
timeout = "250ms"
[redis.tls]
enabled = true
ca_file = "/ca"
cert_file = "/cert"
key_file = "/key"
server_name = "s"
insecure_skip_verify = true
[smart]
path = "smartctl"
interval = "1m"
timeout = "5s"
ttl = "1d"
rescan = "0s"
concurrency = 2
scan = true
devices = ["/dev/bus/0;megaraid,1"]
device_include = "a"
device_exclude = "b"
scan_device_types = ["by-id", "sat+megaraid,14"]
powermode_check = "idle"
[volumes]
performance_interval = "10s"
performance_timeout = "1s"
performance_ttl = "2s"
health_check_interval = "20s"
health_check_timeout = "3s"
health_check_ttl = "4s"
usage_interval = "30s"
usage_timeout = "5s"
usage_ttl = "6s"
[volume.g1]
backend = "gpfs"
[volume.g1.options]
gpfs_endpoint = "https://${P}:443"
gpfs_password_file = "`+secretFile+`"
n = 1
f = 1.5
b = false
literal = "$${P} pa$$word $P"
list = ["x", "${P}"]
nested = { token_file = "`+secretFile+`", key_file = "/k" }
[volume."a b.c"]
backend = "nfs"
path = "/mnt/a"
fsprefix = "x"
require_mount = true
read_only = true
performance_interval = "7s"
health_check_interval = "8s"
usage_interval = "9s"
`, Options{LookupEnv: lookup(map[string]string{"P": "$$${P}"})})
	yes := true
	want := &Config{
		Node:  Node{Name: "n1"},
		Cache: Cache{Store: StoreRedis, Path: "/var/lib/x"},
		Redis: Redis{
			Mode: "sentinel", Addresses: []string{"a:1", "[::1]:2"}, MasterName: "m", DB: 3,
			Username: "u", Password: secret.New("p$$${P}p"),
			SentinelUsername: "su", SentinelPassword: secret.New("from a file"),
			Timeout: 250 * time.Millisecond,
			TLS: TLS{
				Enabled: true, CAFile: "/ca", CertFile: "/cert", KeyFile: "/key",
				ServerName: "s", InsecureSkipVerify: true,
			},
		},
		Smart: Smart{
			Path: "smartctl", Interval: time.Minute, Timeout: 5 * time.Second, TTL: 24 * time.Hour,
			Concurrency: 2, Scan: true, Devices: []string{"/dev/bus/0;megaraid,1"},
			DeviceInclude: "a", DeviceExclude: "b", ScanDeviceTypes: []string{"by-id", "sat+megaraid,14"},
			PowermodeCheck: "idle", Thresholds: standard().Smart.Thresholds,
		},
		VolumeDefaults: VolumeDefaults{
			PerformanceInterval: 10 * time.Second, PerformanceTimeout: 1 * time.Second, PerformanceTTL: 2 * time.Second,
			HealthCheckInterval: 20 * time.Second, HealthCheckTimeout: 3 * time.Second, HealthCheckTTL: 4 * time.Second,
			UsageInterval: 30 * time.Second, UsageTimeout: 5 * time.Second, UsageTTL: 6 * time.Second,
		},
		Volumes: []Volume{
			{
				Name: "a b.c", Backend: "nfs", Path: "/mnt/a", FSPrefix: "x", RequireMount: &yes, ReadOnly: true,
				PerformanceInterval: 7 * time.Second, HealthCheckInterval: 8 * time.Second, UsageInterval: 9 * time.Second,
			},
			{
				Name: "g1", Backend: "gpfs", FSPrefix: ".",
				PerformanceInterval: 10 * time.Second, HealthCheckInterval: 20 * time.Second, UsageInterval: 30 * time.Second,
				Options: VolumeOptions{
					"gpfs_endpoint": "https://$$${P}:443", "gpfs_password": "from a file", "n": int64(1), "f": 1.5, "b": false,
					"literal": "${P} pa$$word $P", "list": []any{"x", "$$${P}"},
					"nested": map[string]any{"token": "from a file", "key_file": "/k"},
				},
			},
		},
		File: c.File,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestTLSSwitchedOff(t *testing.T) {
	c := load(t, "[redis]\naddresses = [\"a:1\"]\n[redis.tls]\nenabled = false\nca_file = \"/ca\"", Options{})
	if diff := cmp.Diff(TLS{}, c.Redis.TLS); diff != "" {
		t.Error(diff)
	}
}
