package cache

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
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
