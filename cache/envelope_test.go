package cache

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
)

// Whatever stands under our key: what is taken as a snapshot has an age and a
// life that make sense, and the origin asked for.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":5,"ttl_ms":60000,"value":{"a":1}}`), int64(30_000))
	f.Add([]byte(`{"origin":"host2","ttl_ms":60000,"value":1}`), int64(1))
	f.Add([]byte(`{"origin":"host1","age_ms":-1,"ttl_ms":1e300,"value":null}`), int64(-5))
	f.Add([]byte("\x00garbage"), int64(0))
	f.Add([]byte(`{"origin":"host1","observed_at":"99999-01-01","ttl_ms":9223372036854775807,"value":1}`), int64(1)<<62)
	f.Fuzz(func(t *testing.T, raw []byte, leftMS int64) {
		item := cachestore.Item{Value: raw, TTL: time.Duration(leftMS) * time.Millisecond}
		env, err := open(item, "host1")
		if err != nil {
			return
		}
		ttl := time.Duration(env.TTLMS) * time.Millisecond
		age := time.Duration(env.AgeMS)*time.Millisecond + max(ttl-item.TTL, 0)
		if env.Origin != "host1" || ttl <= 0 || age < 0 || age > 2*maxLife || len(env.Value) == 0 {
			t.Errorf("taken as a snapshot: %+v with %v left", env, item.TTL)
		}
	})
}

// A document is kept once: what is read of it are the envelope's own bytes.
func TestDocumentIsKeptOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		document := json.RawMessage(`{"name":"a<b", "list":[1,2]}`)
		var e *Entry[json.RawMessage]
		s := c.NewSource(SourceConfig{Kind: "k", Name: "n", Origin: "o", Interval: time.Minute,
			Observe: func(_ context.Context, r *Round) error { e.Put(r, &document, time.Time{}); return nil }})
		e = Add[json.RawMessage](s, "x", time.Hour)
		s.Start()
		other := newCache(t, store, "replica2")
		defer closeCache(t, other)
		theirs := Add[json.RawMessage](other.NewSource(SourceConfig{Kind: "k", Name: "n", Origin: "o", Interval: time.Minute}), "x", time.Hour)
		synctest.Wait()
		for _, e := range []*Entry[json.RawMessage]{e, theirs} {
			snap, err := e.Get(within(t, time.Second))
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if json.Unmarshal(*snap.Value, &got) != nil || json.Unmarshal(document, &want) != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %s, want %s", *snap.Value, document)
			}
			raw := e.own.raw
			if last := len(raw) - 2; &raw[last] != &(*snap.Value)[len(*snap.Value)-1] {
				t.Error("the document is kept beside its envelope")
			}
		}
	})
}
