package cachestore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"storage_exporter/cachestore"
)

// goodFile makes a file with keys key0 to key49 of 2 KB each.
func goodFile(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good.db")
	store := openFile(t, path, cachestore.FileConfig{})
	for i := range 50 {
		if err := store.Set(t.Context(), cachestore.SetItem{Key: fmt.Sprint("key", i), Value: []byte(goodValue(i)), TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func goodValue(i int) string { return strings.Repeat(fmt.Sprintf("value %d ", i), 250) }

// openDamaged opens a file with this content and shows that it works as a new
// one does. It returns how many of goodFile's values were kept and whether
// the file was moved aside.
func openDamaged(t *testing.T, content []byte) (kept int, aside bool) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "cache.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	logger, log := newLog()
	store := openFile(t, path, cachestore.FileConfig{Logger: logger})
	for i := range 50 {
		switch item := getOne(t, store, fmt.Sprint("key", i)); {
		case item.Value == nil:
		case string(item.Value) != goodValue(i):
			t.Errorf("key%d has a wrong value", i)
		default:
			kept++
		}
	}
	set(t, store, "new", "value")
	if err := store.Close(); err != nil {
		t.Errorf("Close: %v\n%s", err, log)
	}
	store = openFile(t, path, cachestore.FileConfig{Logger: logger})
	if string(getOne(t, store, "new").Value) != "value" {
		t.Errorf("the file does not keep what is set\n%s", log)
	}
	for i := range 50 {
		if getOne(t, store, fmt.Sprint("key", i)).Value != nil {
			kept--
		}
	}
	if kept > 0 {
		t.Errorf("%d values that were read from the damaged file are not in the new one", kept)
	}
	found, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 && log.count("level=WARN") == 0 {
		t.Error("moved aside without a warning")
	}
	for i := range 50 {
		if getOne(t, store, fmt.Sprint("key", i)).Value != nil {
			kept++
		}
	}
	return kept, len(found) > 0
}

func TestFileDamaged(t *testing.T) {
	t.Parallel()
	good := goodFile(t)
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), good...)) }
	value := strings.Index(string(good), "value 7 value 7")
	for _, tt := range []struct {
		name    string
		content []byte
		aside   bool
		kept    int // at least
	}{
		{"whole", good, false, 50},
		{"empty", nil, false, 0},
		{"text", []byte(strings.Repeat("[storage-proxy]\nipc-base-path = \"/tmp\"\n", 500)), true, 0},
		{"one byte", []byte{1}, true, 0},
		{"cut to a quarter", good[:len(good)/4], true, 0},
		{"cut to a half", good[:len(good)/2], true, 0},
		{"cut by a byte", good[:len(good)-1], false, 0},
		{"zeros", make([]byte, len(good)), true, 0},
		{"zeros after the meta pages", change(func(b []byte) []byte { clear(b[8192:]); return b }), true, 0},
		{"a value changed", change(func(b []byte) []byte { b[value] ^= 1; return b }), true, 49},
		{"meta pages changed", change(func(b []byte) []byte { b[20] ^= 1; b[4096+20] ^= 1; return b }), true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, aside := openDamaged(t, tt.content)
			if tt.name == "cut by a byte" { // the last page may be in use or not
				return
			}
			if aside != tt.aside || kept < tt.kept {
				t.Errorf("moved aside: %t, kept %d values", aside, kept)
			}
		})
	}
	t.Run("pages", func(t *testing.T) {
		for page := 0; page+4096 <= len(good); page += 4096 {
			openDamaged(t, change(func(b []byte) []byte { clear(b[page : page+4096]); return b }))
		}
	})
	t.Run("random bytes", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			openDamaged(t, change(func(b []byte) []byte {
				for range 1 + random.IntN(20) {
					page := random.IntN(len(b)/4096) * 4096
					b[page+random.IntN(64)] = byte(random.IntN(256)) // where the structure is
				}
				return b
			}))
		}
	})
}

func TestFileGarbageRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "cache.db")
	store := openFile(t, path, cachestore.FileConfig{})
	set(t, store, "key", "value")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			if _, err := b.CreateBucket([]byte("bucket")); err != nil {
				return err
			}
			if err := b.Put([]byte("short"), []byte("x")); err != nil {
				return err
			}
			return b.Put([]byte("garbage"), []byte(strings.Repeat("garbage", 100)))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	logger, log := newLog()
	store = openFile(t, path, cachestore.FileConfig{Logger: logger})
	if string(getOne(t, store, "key").Value) != "value" {
		t.Error("the good record was lost")
	}
	if getOne(t, store, "garbage").Value != nil || getOne(t, store, "short").Value != nil {
		t.Error("garbage is served")
	}
	if log.count("moved_to=") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// TestFileDamagedWhileOpen cuts the file below a running store.
func TestFileDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	if err := os.WriteFile(path, goodFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	logger, log := newLog()
	store := openFile(t, path, cachestore.FileConfig{Logger: logger, FlushInterval: 5 * time.Millisecond})
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new file", func() bool {
		set(t, store, "new", "value")
		return log.count("moved_to=") > 0
	})
	if err := store.Close(); err != nil {
		t.Errorf("Close: %v\n%s", err, log)
	}
	store = openFile(t, path, cachestore.FileConfig{Logger: logger})
	for i := range 50 {
		if string(getOne(t, store, fmt.Sprint("key", i)).Value) != goodValue(i) {
			t.Fatalf("key%d is not in the new file\n%s", i, log)
		}
	}
}
