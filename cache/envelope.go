package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// seal puts a value into an envelope of this process, and returns the value's own
// bytes too.
func (c *Cache) seal(origin string, observedAt time.Time, age, ttl time.Duration, value any) (raw, document []byte, err error) {
	document, err = json.Marshal(value)
	if err != nil {
		return nil, nil, fmt.Errorf("encode snapshot: %w", err)
	}
	raw, err = json.Marshal(envelope{origin, c.cfg.Observer, observedAt.UTC().Round(0), age.Milliseconds(), ttl.Milliseconds(), document})
	return raw, document, err
}

// shared makes a value that is a JSON document by itself use the bytes of its
// envelope, so that those of 10,000 drives are not kept twice. document is the value
// as it stands there.
func shared[T any](value *T, document, envelope []byte) *T {
	if _, ok := any(value).(*json.RawMessage); !ok || !bytes.HasSuffix(envelope, append(slices.Clip(document), '}')) {
		return value
	}
	end := len(envelope) - 1
	within := json.RawMessage(envelope[end-len(document) : end : end])
	return any(&within).(*T)
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
