package cachestore

import (
	"bytes"
	"testing"
	"time"
)

func TestRecordLife(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const ttl = time.Minute
	for _, tt := range []struct {
		name     string
		deadline time.Time
		want     time.Duration
	}{
		{"half of it left", now.Add(30 * time.Second), 30 * time.Second},
		{"all of it left", now.Add(ttl), ttl},
		{"at its end", now, 0},
		{"over", now.Add(-time.Hour), 0},
		{"the clock was set back a little", now.Add(ttl + time.Second), ttl},
		{"the clock was set back", now.Add(24 * time.Hour), 0},
		{"nonsense in the past", time.UnixMilli(-1 << 62), 0},
		{"nonsense in the future", time.UnixMilli(1 << 62), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := encodeRecord("key", []byte("value"), tt.deadline, ttl)
			value, gotTTL, left, err := decodeRecord("key", b, now)
			if err != nil || left != tt.want || gotTTL != ttl {
				t.Errorf("%s left of %s, %v; want %s", left, gotTTL, err, tt.want)
			}
			if left > 0 && string(value) != "value" {
				t.Errorf("value %q", value)
			}
			if expired(b, now) != (left == 0) {
				t.Error("the header tells otherwise")
			}
		})
	}
}

func TestRecordOfAnotherKey(t *testing.T) {
	b := encodeRecord("key", []byte("value"), time.Now().Add(time.Minute), time.Minute)
	if _, _, _, err := decodeRecord("kex", b, time.Now()); err == nil {
		t.Error("a record was taken for another key's")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	good := encodeRecord("key", []byte(`{"value":1}`), now.Add(time.Minute), 2*time.Minute)
	f.Add("key", good)
	f.Add("", encodeRecord("", nil, now, time.Millisecond))
	f.Add("key", good[:recordHeader])
	f.Add("key", good[:recordHeader-1])
	f.Add("key", []byte("text"))
	f.Add("key", encodeRecord("key", nil, now.Add(time.Hour), -time.Second))
	f.Fuzz(func(t *testing.T, key string, b []byte) {
		value, ttl, left, err := decodeRecord(key, b, now)
		if err != nil {
			return
		}
		if ttl <= 0 || left < 0 || left > ttl || ttl > maxLife {
			t.Errorf("%s left of %s", left, ttl)
		}
		if left == 0 {
			return
		}
		if value == nil || !bytes.HasSuffix(b, value) {
			t.Errorf("value %q of %q", value, b)
		}
		again, _, againLeft, err := decodeRecord(key, encodeRecord(key, value, now.Add(left), ttl), now)
		if err != nil || againLeft != left || !bytes.Equal(again, value) {
			t.Errorf("written and read again: %q, %s, %v", again, againLeft, err)
		}
	})
}
