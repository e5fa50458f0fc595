package cachestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
	"storage_exporter/internal/secret"
)

// Whatever keeps a Redis from being used is logged once, with its remedy, is seen in
// the metrics, and ends when the store can be used, not before.
func TestTroubleIsShown(t *testing.T) {
	t.Parallel()
	const users = "reader on >pass ~* +@read +ping +client|setname"
	tests := []struct {
		name    string
		options redistest.Options
		change  func(t *testing.T, server *redistest.Server, cfg *cachestore.RedisConfig)
		reason  string
		remedy  string
		mend    func(server *redistest.Server) // nil: a restart of the exporter is needed
	}{
		{
			name: "wrong password", options: redistest.Options{Password: "right"}, reason: "auth", remedy: "redis.password",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) {
				cfg.Credentials.Password = secret.New("wrong")
			},
			mend: func(s *redistest.Server) { s.Do("CONFIG", "SET", "requirepass", "wrong") },
		},
		{
			name: "no password", options: redistest.Options{Password: "right"}, reason: "auth", remedy: "redis.password",
			change: func(*testing.T, *redistest.Server, *cachestore.RedisConfig) {},
			mend:   func(s *redistest.Server) { s.Do("CONFIG", "SET", "requirepass", "") },
		},
		{
			name: "a password that the server does not want", reason: "auth", remedy: "redis.password",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) {
				cfg.Credentials = cachestore.RedisCredentials{Username: "nobody", Password: secret.New("x")}
			},
		},
		{
			name: "database out of range", reason: "other", remedy: "redis.db",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) { cfg.DB = 99 },
		},
		{
			name: "no rights to write", options: redistest.Options{ACL: []string{users}}, reason: "auth", remedy: "docs/redis.md",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) {
				cfg.Credentials = cachestore.RedisCredentials{Username: "reader", Password: secret.New("pass")}
			},
			mend: func(s *redistest.Server) { s.Do("ACL", "SETUSER", "reader", "+@all") },
		},
		{
			name: "no rights on these keys", options: redistest.Options{ACL: []string{"other on >pass ~other:* +@all"}}, reason: "auth", remedy: "docs/redis.md",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) {
				cfg.Credentials = cachestore.RedisCredentials{Username: "other", Password: secret.New("pass")}
			},
			mend: func(s *redistest.Server) { s.Do("ACL", "SETUSER", "other", "~*") },
		},
		{
			name: "mode cluster on a single server", reason: "other", remedy: "redis.mode to single",
			change: func(_ *testing.T, _ *redistest.Server, cfg *cachestore.RedisConfig) {
				cfg.Mode = cachestore.RedisCluster
			},
		},
		{
			name: "a replica", reason: "readonly", remedy: "name the master",
			change: func(t *testing.T, server *redistest.Server, cfg *cachestore.RedisConfig) {
				server.Do("REPLICAOF", "127.0.0.1", "1")
			},
			mend: func(s *redistest.Server) { s.Do("REPLICAOF", "NO", "ONE") },
		},
		{
			name: "out of memory", options: redistest.Options{MaxMemory: "1kb"}, reason: "full", remedy: "maxmemory",
			change: func(*testing.T, *redistest.Server, *cachestore.RedisConfig) {},
			mend:   func(s *redistest.Server) { s.Do("CONFIG", "SET", "maxmemory", "0") },
		},
		{
			name: "killed", reason: "connection", remedy: "redis.addresses",
			change: func(_ *testing.T, server *redistest.Server, _ *cachestore.RedisConfig) { server.Kill() },
			mend:   func(s *redistest.Server) { s.Restart() },
		},
		{
			name: "hung", reason: "timeout", remedy: "overloaded",
			change: func(_ *testing.T, server *redistest.Server, _ *cachestore.RedisConfig) { server.Pause() },
			mend:   func(s *redistest.Server) { s.Resume() },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, tt.options)
			cfg := single(server)
			cfg.Timeout = 300 * time.Millisecond
			tt.change(t, server, &cfg)
			reg := prometheus.NewRegistry()
			logger, log := newLog()
			store := cachestore.NewInstrument(cachestore.NewBreaker(newRedis(t, cfg), cachestore.BreakerConfig{OpenFor: 200 * time.Millisecond}),
				"redis", cachestore.NewMetrics(reg), logger)
			// As the cache does it: look, claim, set, release.
			turn := func() {
				_, _ = store.Changed(t.Context(), cachestore.Known{Key: "storage:key"})
				_, _ = store.Claim(t.Context(), "claim:storage:key", "me", time.Minute)
				_ = store.Set(t.Context(), cachestore.SetItem{Key: "storage:key", Value: []byte("v"), TTL: time.Minute})
				_ = store.Release(t.Context(), "claim:storage:key", "me")
			}
			for range 4 {
				turn()
			}
			if n := log.count("level=WARN"); n != 1 || log.count("reason="+tt.reason) != 1 || !strings.Contains(fmt.Sprint(log), tt.remedy) || log.count("available again") != 0 {
				t.Errorf("%d warnings, want one of the reason %s with the remedy %q:\n%s", n, tt.reason, tt.remedy, log)
			}
			wantUp(t, reg, 0)
			if n, err := testutil.GatherAndCount(reg, "storage_cache_store_errors_total"); err != nil || n != 6 {
				t.Errorf("%d series of errors, %v; want one for each reason", n, err)
			}
			if counted(t, reg, tt.reason) == 0 {
				t.Errorf("no error counted as %s", tt.reason)
			}
			if tt.mend == nil {
				return
			}
			tt.mend(server)
			eventually(t, "the store to be used again", func() bool { turn(); return log.count("available again") == 1 })
			turn()
			wantUp(t, reg, 1)
			if log.count("level=WARN") != 1 {
				t.Errorf("warned again:\n%s", log)
			}
		})
	}
}

func wantUp(t *testing.T, reg *prometheus.Registry, want float64) {
	t.Helper()
	if got := gathered(t, reg, "storage_cache_store_up", ""); got != want {
		t.Errorf("storage_cache_store_up %v, want %v", got, want)
	}
}

func counted(t *testing.T, reg *prometheus.Registry, reason string) float64 {
	t.Helper()
	return gathered(t, reg, "storage_cache_store_errors_total", reason)
}

// gathered is the value of a family's series, by a label's value.
func gathered(t *testing.T, reg *prometheus.Registry, family, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == family && (label == "" || l.GetValue() == label) {
					return m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
	}
	t.Fatalf("no series of %s with %q", family, label)
	return 0
}

// A user of an earlier version, who has no right to the ledger's commands, is a trouble
// that lasts: the calls that he may make do not end it, and it is logged once.
func TestTroubleOfLedgerRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ACL: []string{"old on >pass ~* +pttl +getrange +set +get +pexpire +eval +evalsha +ping +client|setname"}})
	cfg := single(server)
	cfg.Credentials = cachestore.RedisCredentials{Username: "old", Password: secret.New("pass")}
	logger, log := newLog()
	store := cachestore.NewInstrument(newRedis(t, cfg), "redis", cachestore.NewMetrics(prometheus.NewRegistry()), logger)
	for range 3 {
		_, err := store.Append(t.Context(), "stream", 10, []byte("v"))
		wantReply(t, "Append", err, "can't run this command")
		set(t, store, "key", "value")
	}
	if text := log.String(); strings.Count(text, "cannot be used") != 1 || strings.Contains(text, "available again") || !strings.Contains(text, "docs/redis.md") {
		t.Errorf("log:\n%s", text)
	}
	server.Do("ACL", "SETUSER", "old", "+xadd")
	if _, err := store.Append(t.Context(), "stream", 10, []byte("v")); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "available again") != 1 {
		t.Errorf("log:\n%s", text)
	}
	// What others have put under the key is no trouble of the store.
	if _, err := store.Append(t.Context(), "key", 10, []byte("v")); err == nil {
		t.Error("appended to a text")
	}
	if text := log.String(); strings.Count(text, "cannot be used") != 1 {
		t.Errorf("log:\n%s", text)
	}
}
