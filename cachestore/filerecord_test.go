package cachestore

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
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
			ttlGot, left, ok := checkRecord(encodeHeader("key", []byte("value"), tt.deadline, ttl), []byte("keyvalue"), now)
			if !ok || left != tt.want || ttlGot != ttl {
				t.Errorf("%s left of %s, %t; want %s", left, ttlGot, ok, tt.want)
			}
		})
	}
}

func TestRecordOfAnotherKey(t *testing.T) {
	header := encodeHeader("key", []byte("value"), time.Now().Add(time.Minute), time.Minute)
	if _, _, ok := checkRecord(header, []byte("kexvalue"), time.Now()); ok {
		t.Error("a record was taken for another key's")
	}
}

// encodeFile is a file with these records.
func encodeFile(records []kept, now time.Time) []byte {
	b := []byte(fileMagic)
	for _, r := range records {
		b = append(b, encodeHeader(r.key, r.value, now.Add(r.left), r.ttl)...)
		b = append(append(b, r.key...), r.value...)
	}
	return append(b, encodeEnd(uint32(len(records)))...)
}

// TestFileSlowDisk shows that a disk too slow for all records gets the small
// ones, and a whole file.
func TestFileSlowDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	f, err := OpenFile(path, FileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		err := f.Set(t.Context(), SetItem{Key: fmt.Sprint("document", i), Value: make([]byte, syncBytes/2), TTL: time.Hour},
			SetItem{Key: fmt.Sprint("report", i), Value: make([]byte, 1000), TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.flush(time.Now()); err != nil { // as if the time was up already
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenFile(path, FileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	documents := 0
	for i := range 5 {
		items, err := again.Get(t.Context(), fmt.Sprint("document", i), fmt.Sprint("report", i))
		if err != nil || len(items[1].Value) != 1000 {
			t.Fatalf("report %d: %d bytes, %v", i, len(items[1].Value), err)
		}
		if items[0].Value != nil {
			documents++
		}
	}
	if documents == 0 || documents == 5 {
		t.Errorf("%d of 5 documents were written", documents)
	}
	if damaged, err := filepath.Glob(path + ".*"); err != nil || len(damaged) != 1 { // the lock
		t.Errorf("beside the file: %q, %v", damaged, err)
	}
}

// FuzzReadRecords reads what is hostile, and good files of which bytes were
// changed. What is accepted without an error is what was written, to the byte.
func FuzzReadRecords(f *testing.F) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	want := map[string]string{}
	var records []kept
	for i := range 20 {
		r := kept{fmt.Sprint("key", i), bytes.Repeat([]byte{byte(i)}, 20*i), time.Hour, time.Duration(i+1) * time.Minute}
		want[r.key] = string(r.value)
		records = append(records, r)
	}
	good := encodeFile(records, now)
	f.Add([]byte(nil), uint32(0), []byte(nil))
	f.Add([]byte(nil), uint32(len(fileMagic)), []byte{0xff})
	f.Add([]byte(nil), uint32(len(fileMagic)+4), []byte{0, 0, 0xff, 0xff, 0, 0xff})
	f.Add([]byte(nil), uint32(len(good)-20), []byte{1})
	f.Add(good[:len(good)-recordHeader], uint32(0), []byte(nil))
	f.Add(encodeFile(nil, now), uint32(0), []byte(nil))
	f.Add(encodeFile([]kept{{"", nil, time.Millisecond, time.Hour}, {"key", nil, -time.Second, time.Hour}}, now), uint32(0), []byte(nil))
	f.Fuzz(func(t *testing.T, content []byte, at uint32, with []byte) {
		changed := len(content) == 0
		if changed {
			content = bytes.Clone(good)
			copy(content[int(at)%len(content):], with)
		}
		var found []kept
		err := readRecords(bytes.NewReader(content), int64(len(content)), now, func(key string, value []byte, ttl, left time.Duration) error {
			if value == nil || ttl <= 0 || left <= 0 || left > ttl || ttl > maxLife {
				t.Errorf("%q: %s left of %s", key, left, ttl)
			}
			if changed && string(value) != want[key] {
				t.Errorf("%s has a wrong value", key)
			}
			found = append(found, kept{key, value, ttl, left})
			return nil
		})
		switch {
		case err != nil && !errors.Is(err, errDamaged):
			t.Errorf("error: %v", err)
		case err != nil:
		case changed && (!bytes.Equal(content, good) || len(found) != len(want)):
			t.Errorf("a changed file was accepted, with %d of %d records", len(found), len(want))
		}
		var again []kept
		err = readRecords(bytes.NewReader(encodeFile(found, now)), int64(len(encodeFile(found, now))), now, func(key string, value []byte, ttl, left time.Duration) error {
			again = append(again, kept{key, value, ttl, left})
			return nil
		})
		if err != nil || fmt.Sprint(again) != fmt.Sprint(found) {
			t.Errorf("written and read again: %v, %v", again, err)
		}
	})
}
