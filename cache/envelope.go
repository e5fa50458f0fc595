package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"storage_exporter/cachestore"
)

// envelope is how a snapshot lies in the store. Other processes read it: a
// change of a key here makes their snapshots unreadable.
type envelope struct {
	Origin     string          `json:"origin"`
	Observer   string          `json:"observer"`
	ObservedAt time.Time       `json:"observed_at"`
	AgeMS      int64           `json:"age_ms"` // when it was put
	TTLMS      int64           `json:"ttl_ms"` // when it was put
	Value      json.RawMessage `json:"value"`
}

// maxLife bounds the age and the life that an envelope may claim.
const maxLife = 366 * 24 * time.Hour

var (
	errForeign = errors.New("snapshot of another origin")
	errGarbage = errors.New("no snapshot of ours")
)

// seal puts a value into an envelope of this process.
func (c *Cache) seal(origin string, observedAt time.Time, age, ttl time.Duration, value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return json.Marshal(envelope{origin, c.cfg.Observer, observedAt.UTC().Round(0), age.Milliseconds(), ttl.Milliseconds(), raw})
}

// open reads an envelope. The bytes come from outside: errGarbage or errForeign,
// wrapped, say why they cannot be used.
func open(item cachestore.Item, origin string) (envelope, error) {
	var env envelope
	if err := json.Unmarshal(item.Value, &env); err != nil {
		return env, fmt.Errorf("%w: %w", errGarbage, err)
	}
	if env.Origin != origin {
		return env, fmt.Errorf("%w: observer %q", errForeign, env.Observer)
	}
	age, ttl := time.Duration(env.AgeMS)*time.Millisecond, time.Duration(env.TTLMS)*time.Millisecond
	switch {
	case env.AgeMS < 0 || env.AgeMS > maxLife.Milliseconds():
		return env, fmt.Errorf("%w: age %v", errGarbage, age)
	case env.TTLMS <= 0 || env.TTLMS > maxLife.Milliseconds():
		return env, fmt.Errorf("%w: life %v", errGarbage, ttl)
	case item.TTL <= 0 || item.TTL > ttl+time.Second:
		// Its age cannot be known: somebody changed the key's expiry.
		return env, fmt.Errorf("%w: %v left of a life of %v", errGarbage, item.TTL, ttl)
	case len(env.Value) == 0 || string(env.Value) == "null":
		return env, fmt.Errorf("%w: no value", errGarbage)
	}
	return env, nil
}
