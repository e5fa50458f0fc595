package cache

import (
	"testing"
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
