package cachestore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"storage_exporter/cachestore"
)

func TestMemoryExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cachestore.NewMemory()
		set := func(ttl time.Duration) {
			t.Helper()
			if err := m.Set(t.Context(), cachestore.SetItem{Key: "k", Value: []byte("v"), TTL: ttl}); err != nil {
				t.Fatal(err)
			}
		}
		set(time.Minute)
		time.Sleep(45 * time.Second)
		if got := getOne(t, m, "k").TTL; got != 15*time.Second {
			t.Errorf("life after 45 s of a minute: %s", got)
		}
		time.Sleep(15*time.Second - 1)
		if getOne(t, m, "k").Value == nil {
			t.Error("gone before its time")
		}
		time.Sleep(time.Nanosecond)
		if getOne(t, m, "k").Value != nil {
			t.Error("served at the end of its life")
		}
		set(time.Minute)
		if getOne(t, m, "k").TTL != time.Minute {
			t.Error("a key does not come back")
		}
	})
}

func TestMemoryClaimExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cachestore.NewMemory()
		claim := func(holder string, want bool) {
			t.Helper()
			if got, err := m.Claim(t.Context(), "k", holder, time.Minute); err != nil || got != want {
				t.Errorf("claim by %s: %t, %v", holder, got, err)
			}
		}
		claim("a", true)
		time.Sleep(40 * time.Second)
		claim("a", true) // renews
		time.Sleep(40 * time.Second)
		claim("b", false)
		time.Sleep(20 * time.Second)
		claim("b", true)
	})
}

func TestMemoryLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := func(m *cachestore.Memory, key string, size int, ttl time.Duration) error {
			return m.Set(t.Context(), cachestore.SetItem{Key: key, Value: make([]byte, size), TTL: ttl})
		}
		keys := cachestore.NewMemoryLimited(cachestore.Limits{Keys: 2})
		for _, k := range []string{"a", "b", "a"} {
			if err := set(keys, k, 1, time.Minute); err != nil {
				t.Errorf("within the limit of keys: %v", err)
			}
		}
		if err := set(keys, "c", 1, time.Minute); !errors.Is(err, cachestore.ErrFull) {
			t.Errorf("above the limit of keys: %v", err)
		}
		if _, err := keys.Claim(t.Context(), "c", "holder", time.Minute); !errors.Is(err, cachestore.ErrFull) {
			t.Errorf("claim above the limit of keys: %v", err)
		}
		time.Sleep(time.Minute)
		if err := set(keys, "c", 1, time.Minute); err != nil {
			t.Errorf("after the others expired: %v", err)
		}

		bytes := cachestore.NewMemoryLimited(cachestore.Limits{Bytes: 10_000})
		if err := set(bytes, "a", 6000, time.Second); err != nil {
			t.Error(err)
		}
		if err := set(bytes, "b", 6000, time.Minute); !errors.Is(err, cachestore.ErrFull) {
			t.Errorf("above the limit of bytes: %v", err)
		}
		if getOne(t, bytes, "a").Value == nil || getOne(t, bytes, "b").Value != nil {
			t.Error("a refused value changed the store")
		}
		if err := set(bytes, "a", 9000, time.Second); err != nil {
			t.Errorf("a larger value in place of its own: %v", err)
		}
		time.Sleep(time.Second)
		if err := set(bytes, "b", 9000, time.Minute); err != nil {
			t.Errorf("after the other expired: %v", err)
		}
		if err := bytes.Release(t.Context(), "b", strings.Repeat("\x00", 9000)); err != nil {
			t.Error(err)
		}
		if err := set(bytes, "c", 9000, time.Minute); err != nil {
			t.Errorf("after the other was released: %v", err)
		}
	})
}

// TestMemoryModel compares with what the interface promises, step by step.
func TestMemoryModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble has no deadline to ask for, so that method is hidden.
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			type entry struct {
				value string
				until time.Time
			}
			m, model := cachestore.NewMemory(), map[string]entry{}
			key := rapid.SampledFrom([]string{"a", "b", "c"})
			holder := rapid.SampledFrom([]string{"x", "y"})
			ttl := rapid.Custom(func(rt *rapid.T) time.Duration {
				return time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second
			})
			alive := func(k string) (entry, bool) {
				e, ok := model[k]
				return e, ok && e.until.After(time.Now())
			}
			rt.Repeat(map[string]func(*rapid.T){
				"set": func(rt *rapid.T) {
					k, life := key.Draw(rt, "key"), ttl.Draw(rt, "ttl")
					v := fmt.Sprint("value ", life)
					if err := m.Set(t.Context(), cachestore.SetItem{Key: k, Value: []byte(v), TTL: life}); err != nil {
						rt.Fatal(err)
					}
					model[k] = entry{v, time.Now().Add(life)}
				},
				"claim": func(rt *rapid.T) {
					k, h, life := key.Draw(rt, "key"), holder.Draw(rt, "holder"), ttl.Draw(rt, "ttl")
					e, ok := alive(k)
					want := !ok || e.value == h
					got, err := m.Claim(t.Context(), k, h, life)
					if err != nil || got != want {
						rt.Fatalf("claim %s by %s: %t, %v, want %t", k, h, got, err, want)
					}
					if want {
						model[k] = entry{h, time.Now().Add(life)}
					}
				},
				"release": func(rt *rapid.T) {
					k, h := key.Draw(rt, "key"), holder.Draw(rt, "holder")
					if err := m.Release(t.Context(), k, h); err != nil {
						rt.Fatal(err)
					}
					if e, ok := alive(k); ok && e.value == h {
						delete(model, k)
					}
				},
				"wait": func(rt *rapid.T) { time.Sleep(ttl.Draw(rt, "wait")) },
				"": func(rt *rapid.T) {
					items, err := m.Get(t.Context(), "a", "b", "c")
					if err != nil {
						rt.Fatal(err)
					}
					for i, k := range []string{"a", "b", "c"} {
						e, ok := alive(k)
						if ok != (items[i].Value != nil) || string(items[i].Value) != e.value && ok ||
							ok && items[i].TTL != time.Until(e.until) {
							rt.Fatalf("%s: got %q for %s, want %v (alive: %t)", k, items[i].Value, items[i].TTL, e, ok)
						}
					}
				},
			})
		})
	})
}
