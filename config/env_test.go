package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOrder(t *testing.T) {
	file := `
[redis]
addresses = ["file:1"]
db = 1
password = "file"
[smart]
interval = "100s"
ttl = "200s"
`
	vars := map[string]string{
		"REDIS_HOST": "env", "REDIS_PORT": "2", "REDIS_DB": "2", "REDIS_PASSWORD": "${env}",
		"SMART_CACHE_TTL": "300", "SMART_POLL_INTERVAL": "2m",
	}
	secret := write(t, "secret", "flag\n")
	flags := []Override{
		flag("--redis.address", "redis.addresses", "flag:3"),
		flag("--redis.db", "redis.db", "3"),
		flag("--redis.password-file", "redis.password_file", secret),
		flag("--smartctl.interval", "smart.interval", "50s"),
		flag("--smartctl.rescan", "smart.rescan", "0"),
		flag("--smartctl.scan", "smart.scan", "true"),
	}
	type got struct {
		Address       string
		DB            int
		Password      string
		Interval, TTL time.Duration
		Rescan        time.Duration
		Scan          bool
	}
	tests := []struct {
		name string
		vars map[string]string
		over []Override
		want got
	}{
		{"file", nil, nil, got{"file:1", 1, "file", 100 * time.Second, 200 * time.Second, 10 * time.Minute, false}},
		{"environment", vars, nil, got{"env:2", 2, "${env}", 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, false}},
		{"empty variables", map[string]string{"REDIS_HOST": "", "REDIS_PORT": "", "REDIS_DB": "", "REDIS_PASSWORD": "", "SMART_CACHE_TTL": "", "SMART_POLL_INTERVAL": ""}, nil, got{"file:1", 1, "file", 100 * time.Second, 200 * time.Second, 10 * time.Minute, false}},
		{"flags", vars, flags, got{"flag:3", 3, "flag", 50 * time.Second, 5 * time.Minute, 0, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, file, Options{LookupEnv: lookup(tt.vars), Overrides: tt.over})
			g := got{c.Redis.Addresses[0], c.Redis.DB, c.Redis.Password.Reveal(), c.Smart.Interval, c.Smart.TTL, c.Smart.Rescan, c.Smart.Scan}
			if diff := cmp.Diff(tt.want, g); diff != "" {
				t.Error(diff)
			}
			if c.Cache.Store != StoreRedis {
				t.Errorf("store %q", c.Cache.Store)
			}
		})
	}
}

func TestStoreIsChosen(t *testing.T) {
	const (
		path   = "[cache]\npath = \"/x\"\n"
		redis  = "[redis]\naddresses = [\"a:1\"]\n"
		memory = "[cache]\nstore = \"memory\"\n"
	)
	host := map[string]string{"REDIS_HOST": "::1"}
	tests := []struct {
		name, file string
		vars       map[string]string
		over       []Override
		want       string
	}{
		{"nothing", "", nil, nil, StoreMemory},
		{"path", path, nil, nil, StoreFile},
		{"addresses", redis, nil, nil, StoreRedis},
		{"both", path + redis, nil, nil, StoreRedis},
		{"named in the file", memory + redis, nil, nil, StoreMemory},
		{"variable", "", host, nil, StoreRedis},
		{"variable and path", path, host, nil, StoreRedis},
		{"variable, named in the file", memory, host, nil, StoreMemory},
		{"variable, named by a flag", "", host, []Override{flag("--cache.store", "cache.store", "memory")}, StoreMemory},
		{"path by a flag", redis, host, []Override{flag("--cache.path", "cache.path", "/x")}, StoreFile},
		{"address by a flag", memory, nil, []Override{flag("--cache.store", "cache.store", "redis"), flag("--redis.address", "redis.addresses", "a:1")}, StoreRedis},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tt.file, Options{LookupEnv: lookup(tt.vars), Overrides: tt.over})
			if c.Cache.Store != tt.want {
				t.Errorf("store %q, want %q", c.Cache.Store, tt.want)
			}
		})
	}
}

func TestRedisVariables(t *testing.T) {
	tests := []struct {
		name string
		vars map[string]string
		want string
	}{
		{"default port", map[string]string{"REDIS_HOST": "r"}, "r:6379"},
		{"IPv6", map[string]string{"REDIS_HOST": "fd00::1", "REDIS_PORT": "7000"}, "[fd00::1]:7000"},
		{"spaces", map[string]string{"REDIS_HOST": " r ", "REDIS_PORT": " 7 "}, "r:7"},
		{"port of a service, no host", map[string]string{"REDIS_PORT": "tcp://10.0.0.1:6379"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings := loadWarned(t, "", Options{LookupEnv: lookup(tt.vars)})
			got := ""
			if len(c.Redis.Addresses) > 0 {
				got = c.Redis.Addresses[0]
			}
			if got != tt.want || len(warnings) != 0 {
				t.Errorf("got %q, want %q; warnings %v", got, tt.want, warnings)
			}
		})
	}
}

func TestBadVariablesAndFlags(t *testing.T) {
	tests := []struct {
		name string
		vars map[string]string
		over []Override
		want string
	}{
		{"port", map[string]string{"REDIS_HOST": "r", "REDIS_PORT": "63790x"}, nil, "REDIS_PORT: must be a port, 1 to 65535"},
		{"port without host", map[string]string{"REDIS_PORT": "0"}, nil, "REDIS_PORT: must be a port, 1 to 65535"},
		{"port within the host", map[string]string{"REDIS_HOST": "r:1"}, nil, "REDIS_HOST: must be a host name or an IP address alone: write the port in REDIS_PORT"},
		{"URL as host", map[string]string{"REDIS_HOST": "redis://r"}, nil, "REDIS_HOST: must be a host name or an IP address alone: write the port in REDIS_PORT"},
		{"db", map[string]string{"REDIS_DB": "one"}, nil, "REDIS_DB: must be a whole number"},
		{"interval", map[string]string{"SMART_POLL_INTERVAL": "9o"}, nil, `SMART_POLL_INTERVAL: must be a number of seconds or a duration such as "30s"`},
		{"interval NaN", map[string]string{"SMART_POLL_INTERVAL": "NaN"}, nil, `SMART_POLL_INTERVAL: must be a number of seconds or a duration such as "30s"`},
		{"interval zero", map[string]string{"SMART_POLL_INTERVAL": "0"}, nil, "SMART_POLL_INTERVAL: must be above zero"},
		{"interval infinite", map[string]string{"SMART_POLL_INTERVAL": "inf"}, nil, "SMART_POLL_INTERVAL: must be a year at most"},
		{"interval of a tick", map[string]string{"SMART_POLL_INTERVAL": "1e-12"}, nil, "SMART_POLL_INTERVAL: must be above zero"},
		{"ttl negative", map[string]string{"SMART_CACHE_TTL": "-1s"}, nil, "SMART_CACHE_TTL: must be above zero"},
		{"flag", nil, []Override{flag("--smartctl.interval", "smart.interval", "1 minute")}, `--smartctl.interval: must be a duration with a unit, such as "30s", "5m" or "1d"`},
		{"flag of a bool", nil, []Override{flag("--smartctl.scan", "smart.scan", "yes")}, "--smartctl.scan: must be true or false"},
		{"flag of no key", nil, []Override{flag("--x", "smart.x", "1")}, "--x: sets smart.x, which is no key of the configuration"},
		{"secret in a flag", nil, []Override{flag("--redis.password", "redis.password", "hunter2")}, "--redis.password: a secret must not be given by a flag, where other users can see it: use redis.password_file"},
		{"secret for its file", nil, []Override{flag("--redis.password-file", "redis.password_file", "hunter2")}, "--redis.password-file: must be the absolute path of a file that holds the secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(Options{Default: standard, LookupEnv: lookup(tt.vars), Overrides: tt.over})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestSameKeyTwice: a mistake in a variable shows although the file has one at
// the same key.
func TestSameKeyTwice(t *testing.T) {
	got := complain(t, "[smart]\ninterval = 3", Options{LookupEnv: lookup(map[string]string{"SMART_POLL_INTERVAL": "x"})})
	want := `c.toml: smart.interval: must have a unit: write "3s" for seconds
SMART_POLL_INTERVAL: must be a number of seconds or a duration such as "30s"`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
