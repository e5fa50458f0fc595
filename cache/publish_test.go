package cache

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
)

// What is published is a snapshot that an entry of another process reads, with
// the age that it had.
func TestPublish(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		value := 7
		publication := Publication{Key: "k", Origin: "o", ObservedAt: time.Now(), Age: 3 * time.Second, TTL: time.Minute}
		if err := Publish(t.Context(), c, publication, &value); err != nil {
			t.Fatal(err)
		}
		other := New(Config{Store: store, Observer: "other", Logger: c.cfg.Logger, Metrics: c.cfg.Metrics})
		s := other.NewSource(SourceConfig{Kind: "k", Name: "n", Origin: "o", Interval: time.Minute})
		snap, err := Add[int](s, "k", time.Minute).Get(t.Context())
		if err != nil || *snap.Value != 7 || snap.Age != 3*time.Second || snap.Mine {
			t.Errorf("%+v, %v", snap, err)
		}
		items, err := store.Get(t.Context(), "k")
		if err != nil || !json.Valid(items[0].Value) {
			t.Errorf("%s, %v", items[0].Value, err)
		}
		if err := other.Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// Who reads what another process has published gets its bytes and its age, and neither
// more than he allows nor what is of another origin.
func TestPublished(t *testing.T) {
	bubble(t, func(t *testing.T, with *Cache, _ *faultyStore) {
		store := cachestore.NewMemory()
		defer store.Close()
		c := New(Config{Store: store, Observer: "other", Logger: with.cfg.Logger, Metrics: with.cfg.Metrics})
		defer c.Close(t.Context()) //nolint:errcheck // it has nothing to end
		value := []string{"a", "b"}
		if err := Publish(t.Context(), c, Publication{Key: "k", Origin: "o", ObservedAt: time.Now().Add(time.Hour), Age: 3 * time.Second, TTL: time.Minute}, &value); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if raw, age, err := Published(t.Context(), c, "k", "o", 1000); err != nil || string(raw) != `["a","b"]` || age != 8*time.Second {
			t.Errorf("%s, %v, %v", raw, age, err)
		}
		if raw, _, err := Published(t.Context(), c, "k", "o", 50); !errors.Is(err, cachestore.ErrTooLarge) {
			t.Errorf("too large: %s, %v", raw, err)
		}
		if raw, _, err := Published(t.Context(), c, "k", "other", 1000); !errors.Is(err, errForeign) {
			t.Errorf("of another origin: %s, %v", raw, err)
		}
		time.Sleep(time.Minute)
		if raw, _, err := Published(t.Context(), c, "k", "o", 1000); raw != nil || err != nil {
			t.Errorf("expired: %s, %v", raw, err)
		}
	})
}
