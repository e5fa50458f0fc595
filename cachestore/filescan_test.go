package cachestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzScanFile changes bytes of a good file. Whatever is found must be what
// was put, and a file that passes must be one that bbolt can work with.
func FuzzScanFile(f *testing.F) {
	now := time.Now()
	want := map[string]string{}
	path := filepath.Join(f.TempDir(), "good.db")
	db, err := openFileDB(path, skipRecords)
	if err != nil {
		f.Fatal(err)
	}
	var changes []change
	for i := range 200 {
		key, value := fmt.Sprint("key", i), bytes.Repeat([]byte{byte(i)}, 20*i)
		want[key] = string(value)
		changes = append(changes, change{key, encodeRecord(key, value, now.Add(time.Hour), time.Hour)})
	}
	if err := errors.Join(db.write(changes), db.close()); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte(nil), uint32(0), []byte(nil))
	f.Add(uint32(8192), []byte{0xff}, uint32(12288+12), []byte{0xff, 0xff})
	f.Add(uint32(16384+16), []byte{1, 2, 3, 4}, uint32(16384+10), []byte{0xff})
	f.Fuzz(func(t *testing.T, at uint32, with []byte, at2 uint32, with2 []byte) {
		content := bytes.Clone(good)
		copy(content[int(at)%len(content):], with)
		copy(content[int(at2)%len(content):], with2)
		found := 0
		each := func(key string, b []byte) error {
			value, _, left, err := decodeRecord(key, b, now)
			if err == nil && left > 0 {
				found++
				if string(value) != want[key] {
					t.Errorf("%s has a wrong value", key)
				}
			}
			return err
		}
		err := scanFile(bytes.NewReader(content), int64(len(content)), each)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Errorf("error: %v", err)
			}
			return
		}
		if bytes.Equal(content, good) && found != len(want) {
			t.Errorf("%d of %d records of a good file", found, len(want))
		}
		path := filepath.Join(t.TempDir(), "changed.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := openFileDB(path, skipRecords)
		if err != nil {
			t.Fatalf("bbolt refuses what passed: %v", err)
		}
		if err := errors.Join(db.write(changes[:50]), db.close()); err != nil {
			t.Errorf("bbolt cannot write what passed: %v", err)
		}
	})
}
