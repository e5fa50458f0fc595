package cachestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/certtest"
	"storage_exporter/internal/redistest"
	"storage_exporter/internal/secret"
)

func single(s *redistest.Server) cachestore.RedisConfig {
	return cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{s.Addr}}
}

// countingStore counts the calls that reach a store.
type countingStore struct {
	cachestore.Store
	gets atomic.Int64
}

func (c *countingStore) Get(ctx context.Context, keys ...string) ([]cachestore.Item, error) {
	c.gets.Add(1)
	return c.Store.Get(ctx, keys...)
}

// wantReply checks for an error that the server answered with, which must not
// open the breaker.
func wantReply(t *testing.T, what string, err error, code string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), code) || errors.Is(err, cachestore.ErrUnavailable) {
		t.Errorf("%s: %v; want an answer of %s", what, err, code)
	}
}

func TestRedisHung(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	cfg := single(server)
	cfg.Timeout = 200 * time.Millisecond
	counting := &countingStore{Store: newRedis(t, cfg)}
	store := cachestore.NewBreaker(counting, cachestore.BreakerConfig{OpenFor: time.Second})
	eventually(t, "the first answer", func() bool { return store.Ping(t.Context()) == nil })
	set(t, store, "key", "value")

	server.Pause()
	for range 2 {
		if _, err := store.Get(t.Context(), "key"); !errors.Is(err, cachestore.ErrUnavailable) {
			t.Errorf("Get from a hung server: %v", err)
		}
	}
	for range 20 {
		if _, err := store.Get(t.Context(), "key"); !errors.Is(err, cachestore.ErrOpen) {
			t.Errorf("Get while open: %v", err)
		}
	}
	if got := counting.gets.Load(); got != 2 {
		t.Errorf("%d calls reached the hung server, want 2", got)
	}
	eventually(t, "a probe", func() bool {
		_, err := store.Get(t.Context(), "key")
		return errors.Is(err, cachestore.ErrUnavailable)
	})
	if got := counting.gets.Load(); got != 3 {
		t.Errorf("%d calls reached the hung server, want 3", got)
	}
	server.Resume()
	eventually(t, "the value", func() bool {
		items, err := store.Get(t.Context(), "key")
		return err == nil && string(items[0].Value) == "value"
	})
}

func TestRedisCallsDeadline(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	cfg := single(server)
	cfg.Timeout = time.Minute
	store := newRedis(t, cfg)
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	for op, call := range map[string]func(context.Context) error{
		"get": func(ctx context.Context) error { _, err := store.Get(ctx, "key"); return err },
		"set": func(ctx context.Context) error {
			return store.Set(ctx, cachestore.SetItem{Key: "key", TTL: time.Minute})
		},
		"claim": func(ctx context.Context) error { _, err := store.Claim(ctx, "key", "a", time.Minute); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := call(ctx); !errors.Is(err, cachestore.ErrUnavailable) {
			t.Errorf("%s: %v", op, err)
		}
		cancel()
	}
	server.Resume()
}

func TestRedisKilledAndRestartedEmpty(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	store := newRedis(t, single(server))
	set(t, store, "key", "value")
	if _, err := store.Claim(t.Context(), "claim", "a", time.Minute); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for range 3 {
		for op, err := range callAll(t.Context(), store, "key") {
			if !errors.Is(err, cachestore.ErrUnavailable) {
				t.Errorf("%s after the server was killed: %v", op, err)
			}
		}
	}
	server.Restart()
	// After some refused connections the library asks only once a second.
	eventually(t, "the new server", func() bool { return store.Ping(t.Context()) == nil })
	if getOne(t, store, "key").Value != nil {
		t.Error("a value in an empty server")
	}
	if held, err := store.Claim(t.Context(), "claim", "b", time.Minute); err != nil || !held { // the script is gone too
		t.Errorf("Claim: %t, %v", held, err)
	}
}

func TestRedisDownAtStart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.Kill()
	store := newRedis(t, single(server))
	if err := store.Ping(t.Context()); !errors.Is(err, cachestore.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
}

func TestRedisPassword(t *testing.T) {
	t.Parallel()
	const right, wrong = "right-Pa55word", "wrong-Pa55word"
	server := redistest.Start(t, redistest.Options{Password: right})
	for _, tt := range []struct {
		name string
		cred cachestore.RedisCredentials
		want string
	}{
		{"wrong", cachestore.RedisCredentials{Password: secret.New(wrong)}, "WRONGPASS"},
		{"wrong user", cachestore.RedisCredentials{Username: "nobody", Password: secret.New(right)}, "WRONGPASS"},
		{"none", cachestore.RedisCredentials{}, "NOAUTH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := single(server)
			logger, log := newLog()
			cfg.Credentials, cfg.Logger = tt.cred, logger
			store := newRedis(t, cfg)
			for op, err := range callAll(t.Context(), store, "key") {
				wantReply(t, op, err, tt.want)
				if text := fmt.Sprint(err, log); strings.Contains(text, "Pa55word") {
					t.Errorf("%s shows the password: %s", op, text)
				}
			}
		})
	}
	t.Run("file that changes", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "password")
		write := func(password string) {
			if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(wrong)
		cfg := single(server)
		cfg.Credentials.Password = secret.FromFile("", path)
		store := newRedis(t, cfg)
		wantReply(t, "Ping", store.Ping(t.Context()), "WRONGPASS")
		write(right)
		if err := store.Ping(t.Context()); err != nil {
			t.Errorf("Ping with the new password: %v", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := store.Ping(t.Context()); err != nil {
			t.Errorf("Ping on a connection that is there: %v", err)
		}
		server.Restart()
		if err := store.Ping(t.Context()); err != nil { // finds out that the connection is gone
			err = store.Ping(t.Context())
			wantReply(t, "Ping without the file", err, path)
		}
	})
}

// documentedACL is the user of the documentation, as a line of the configuration.
func documentedACL(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "ACL SETUSER storage_exporter ")
	rights, _, _ := strings.Cut(rest, "\n")
	if !found {
		t.Fatal("no ACL user in the documentation")
	}
	return "exporter " + strings.Replace(rights, ">PASSWORD", ">pass", 1)
}

func TestRedisWithoutRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ACL: []string{
		documentedACL(t), "reader on >pass ~* +@read +ping +client|setname",
	}})
	open := func(user string) cachestore.Store {
		cfg := single(server)
		cfg.Credentials = cachestore.RedisCredentials{Username: user, Password: secret.New("pass")}
		return newRedis(t, cfg)
	}
	exporter, reader := open("exporter"), open("reader")
	for op, err := range callAll(t.Context(), exporter, "storage:key") {
		if err != nil {
			t.Errorf("%s with the rights that are documented: %v", op, err)
		}
	}
	wantReply(t, "Set of a foreign key", exporter.Set(t.Context(), cachestore.SetItem{Key: "other", TTL: time.Minute}), "NOPERM")
	items, err := exporter.Get(t.Context(), "storage:key", "other")
	if err != nil || items[0].Err != nil {
		t.Errorf("Get: %v, %v", items, err)
	} else {
		wantReply(t, "Get of a foreign key", items[1].Err, "NOPERM")
	}
	wantReply(t, "Set by a reader", reader.Set(t.Context(), cachestore.SetItem{Key: "storage:key", TTL: time.Minute}), "NOPERM")
	if string(getOne(t, reader, "storage:key").Value) != "v" {
		t.Error("a reader cannot read")
	}
}

func TestRedisReplica(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, redistest.Options{})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: master})
	set(t, newRedis(t, single(master)), "key", "value")
	store := cachestore.NewBreaker(newRedis(t, single(replica)), cachestore.BreakerConfig{})
	eventually(t, "the replication", func() bool {
		items, err := store.Get(t.Context(), "key")
		return err == nil && string(items[0].Value) == "value"
	})
	for range 5 {
		wantReply(t, "Set", store.Set(t.Context(), cachestore.SetItem{Key: "key", TTL: time.Minute}), "READONLY")
		_, err := store.Claim(t.Context(), "claim", "a", time.Minute)
		wantReply(t, "Claim", err, "READONLY")
	}
	if string(getOne(t, store, "key").Value) != "value" {
		t.Error("a read-only server does not serve")
	}
}

func TestRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{MaxMemory: "3mb"})
	store := cachestore.NewBreaker(newRedis(t, single(server)), cachestore.BreakerConfig{})
	set(t, store, "key", "value")
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		err = store.Set(t.Context(), cachestore.SetItem{Key: fmt.Sprint("filler", i), Value: make([]byte, 100_000), TTL: time.Minute})
	}
	for range 5 {
		wantReply(t, "Set", store.Set(t.Context(), cachestore.SetItem{Key: "more", Value: make([]byte, 100_000), TTL: time.Minute}), "OOM")
	}
	if string(getOne(t, store, "key").Value) != "value" {
		t.Error("a full server does not serve")
	}
}

func TestRedisGarbage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	store := newRedis(t, single(server))
	set(t, store, "good", "value")
	server.Do("HSET", "hash", "field", "value")
	server.Do("LPUSH", "list", "value")
	server.Do("SET", "eternal", "value")
	server.Do("SETRANGE", "large", cachestore.MaxValueSize, "x")
	server.Do("EXPIRE", "large", 60)
	items, err := store.Get(t.Context(), "hash", "good", "list", "eternal", "large", "none")
	if err != nil {
		t.Fatal(err)
	}
	wantReply(t, "a hash", items[0].Err, "WRONGTYPE")
	wantReply(t, "a list", items[2].Err, "WRONGTYPE")
	if string(items[1].Value) != "value" || items[1].Err != nil {
		t.Errorf("the good key: %q, %v", items[1].Value, items[1].Err)
	}
	if !errors.Is(items[3].Err, cachestore.ErrNoExpiry) || items[3].Value != nil {
		t.Errorf("a key without expiry: %v", items[3])
	}
	if !errors.Is(items[4].Err, cachestore.ErrTooLarge) || items[4].Value != nil {
		t.Errorf("a large value: %v", items[4].Err)
	}
	if items[5].Err != nil || items[5].Value != nil {
		t.Errorf("a missing key: %v", items[5])
	}
	if items, err = store.Get(t.Context(), "hash"); err != nil || items[0].Err == nil {
		t.Errorf("a hash alone: %v, %v", items, err)
	}
	_, err = store.Claim(t.Context(), "hash", "a", time.Minute)
	wantReply(t, "Claim of a hash", err, "WRONGTYPE")
	if err := store.Set(t.Context(), cachestore.SetItem{Key: "hash", Value: []byte("new"), TTL: time.Minute}); err != nil {
		t.Errorf("Set over a hash: %v", err)
	}
}

func TestRedisTLS(t *testing.T) {
	t.Parallel()
	trusted, foreign := certtest.New(t, "localhost"), certtest.New(t, "localhost")
	server := redistest.Start(t, redistest.Options{TLS: trusted, Config: []string{"tls-auth-clients yes"}})
	client := cachestore.RedisTLS{CAFile: trusted.CAFile, CertFile: trusted.CertFile, KeyFile: trusted.KeyFile}
	with := func(change func(c *cachestore.RedisTLS)) *cachestore.RedisTLS {
		c := client
		change(&c)
		return &c
	}
	for _, tt := range []struct {
		name string
		tls  *cachestore.RedisTLS
		good bool
	}{
		{"good", &client, true},
		{"good by name", with(func(c *cachestore.RedisTLS) { c.ServerName = "localhost" }), true},
		{"not verified", with(func(c *cachestore.RedisTLS) { c.CAFile, c.InsecureSkipVerify = "", true }), true},
		{"another name", with(func(c *cachestore.RedisTLS) { c.ServerName = "example.test" }), false},
		{"untrusted", with(func(c *cachestore.RedisTLS) { c.CAFile = foreign.CAFile }), false},
		{"the system's roots", with(func(c *cachestore.RedisTLS) { c.CAFile = "" }), false},
		{"no client certificate", with(func(c *cachestore.RedisTLS) { c.CertFile, c.KeyFile = "", "" }), false},
		{"plain", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := single(server)
			cfg.TLS = tt.tls
			err := newRedis(t, cfg).Ping(t.Context())
			if tt.good != (err == nil) || !tt.good && !errors.Is(err, cachestore.ErrUnavailable) {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

func TestRedisConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := []string{"127.0.0.1:6379"}
	for _, tt := range []struct {
		name string
		cfg  cachestore.RedisConfig
		want string
	}{
		{"no mode", cachestore.RedisConfig{Addresses: one}, "redis.mode must be one of single, sentinel, cluster"},
		{"no address", cachestore.RedisConfig{Mode: "cluster"}, "redis.addresses is missing"},
		{"two servers", cachestore.RedisConfig{Mode: "single", Addresses: []string{"a:1", "b:1"}}, "for several"},
		{"no port", cachestore.RedisConfig{Mode: "single", Addresses: []string{"redis"}}, "must be host:port"},
		{"no master", cachestore.RedisConfig{Mode: "sentinel", Addresses: one}, "redis.master_name is missing"},
		{"database of a cluster", cachestore.RedisConfig{Mode: "cluster", Addresses: one, DB: 1}, "which has no other"},
		{"negative", cachestore.RedisConfig{Mode: "single", Addresses: one, DB: -1, Timeout: -1}, "redis.db must be 0 to 65535\nredis.timeout must be 10ms at least"},
		{"no password file", cachestore.RedisConfig{Mode: "single", Addresses: one, Credentials: cachestore.RedisCredentials{Password: secret.FromFile("", filepath.Join(dir, "none"))}}, "none: no such file"},
		{"no sentinel password file", cachestore.RedisConfig{Mode: "sentinel", Addresses: one, Sentinel: cachestore.RedisSentinelConfig{Master: "m", Credentials: cachestore.RedisCredentials{Password: secret.FromFile("", dir)}}}, "not a regular file"},
		{"no authority", cachestore.RedisConfig{Mode: "single", Addresses: one, TLS: &cachestore.RedisTLS{CAFile: text}}, "no PEM certificate"},
		{"half a pair", cachestore.RedisConfig{Mode: "single", Addresses: one, TLS: &cachestore.RedisTLS{CertFile: text}}, "redis.tls.key_file is missing beside cert_file"},
		{"no pair", cachestore.RedisConfig{Mode: "single", Addresses: one, TLS: &cachestore.RedisTLS{CertFile: text, KeyFile: text}}, "is no client certificate with its key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, err := cachestore.NewRedis(tt.cfg)
			if err == nil {
				_ = store.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "Pa55word") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestRedisConfigHidesPasswords(t *testing.T) {
	cred := cachestore.RedisCredentials{Username: "user-Pa55word", Password: secret.New("Pa55word")}
	cfg := cachestore.RedisConfig{Credentials: cred, Sentinel: cachestore.RedisSentinelConfig{Credentials: cred}}
	logger, log := newLog()
	logger.Info("configuration", "redis", cfg)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), log.String()} {
		if strings.Contains(text, "Pa55word") {
			t.Errorf("shown: %s", text)
		}
	}
}

func TestRedisSentinelFailover(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redistest.SentinelOptions{})
	store := newRedis(t, cachestore.RedisConfig{
		Mode: cachestore.RedisSentinel, Addresses: s.Addrs(),
		Sentinel: cachestore.RedisSentinelConfig{Master: s.Name},
		Timeout:  500 * time.Millisecond,
	})
	set(t, store, "key", "value")
	s.Master.Do("WAIT", 1, 5000)
	s.Master.Kill()
	if err := store.Set(t.Context(), cachestore.SetItem{Key: "key", TTL: time.Minute}); err == nil {
		t.Error("Set without a master")
	}
	eventually(t, "the failover", func() bool {
		return store.Set(t.Context(), cachestore.SetItem{Key: "new", Value: []byte("v"), TTL: time.Minute}) == nil
	})
	if !bytes.Equal(getOne(t, store, "key").Value, []byte("value")) {
		t.Error("the new master does not serve what was replicated")
	}
}
