package cachestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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
	first := len("storage_exporter snapshots 2\n")
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
		{"only the first line", good[:first], true, 0},
		{"cut to a quarter", good[:len(good)/4], true, 11},
		{"cut to a half", good[:len(good)/2], true, 24},
		{"cut by a byte", good[:len(good)-1], true, 50},
		{"a byte too many", change(func(b []byte) []byte { return append(b, 0) }), true, 50},
		{"twice", append(change(func(b []byte) []byte { return b }), good...), true, 50},
		{"zeros", make([]byte, len(good)), true, 0},
		{"zeros after the first line", change(func(b []byte) []byte { clear(b[first:]); return b }), true, 0},
		{"another version", change(func(b []byte) []byte { b[first-2]++; return b }), true, 0},
		{"a value changed", change(func(b []byte) []byte { b[value] ^= 1; return b }), true, 49},
		{"a length changed", change(func(b []byte) []byte { b[first+4] ^= 0x80; return b }), true, 0},
		{"a record missing", change(func(b []byte) []byte {
			end := first + 28 + len("key0") + len(goodValue(0))
			return append(b[:first], b[end:]...)
		}), true, 49},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, aside := openDamaged(t, tt.content)
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
					at := strings.Index(string(good), fmt.Sprint("key", random.IntN(50)))
					b[at-random.IntN(28)] = byte(random.IntN(256)) // where the structure is
				}
				return b
			}))
		}
	})
}

// TestFileEarlierFormat opens a bbolt file, as versions before this format
// wrote it, on machines of little-endian byte order.
func TestFileEarlierFormat(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile("testdata/bbolt.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cache.db")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	for run := range 2 {
		logger, log := newLog()
		store := openFile(t, path, cachestore.FileConfig{Logger: logger})
		if log.count("level=INFO") != 1-run || log.count("level=WARN") != 0 {
			t.Errorf("log of run %d:\n%s", run, log)
		}
		if got := string(getOne(t, store, "key").Value); run == 1 && got != "value" {
			t.Errorf("the new file has %q", got)
		}
		set(t, store, "key", "value")
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filepath.Glob(path + ".damaged-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestFileOfEarlierVersionInUse opens a file that a version before this format
// has open: that locked the file itself.
func TestFileOfEarlierVersionInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := cachestore.OpenFile(path, cachestore.FileConfig{}); !errors.Is(err, cachestore.ErrInUse) {
		t.Errorf("error: %v", err)
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
	set(t, store, "new", "value")
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
