package cachestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
)

func conformLedger(t *testing.T, store cachestore.Store, key func() string) {
	t.Run("stream", func(t *testing.T) { conformStream(t, store, key()) })
	t.Run("set", func(t *testing.T) { conformSet(t, store, key()) })
	t.Run("swap", func(t *testing.T) { conformSwap(t, store, key) })
}

func conformStream(t *testing.T, store cachestore.Store, k string) {
	newest := func(before string, n int) (values []string, last string) {
		t.Helper()
		entries, err := store.Newest(t.Context(), k, before, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Err != nil || e.ID == "" {
				t.Errorf("%+v", e)
			}
			values, last = append(values, string(e.Value)), e.ID
		}
		return values, last
	}
	if values, _ := newest("", 10); len(values) != 0 {
		t.Errorf("%v before the first", values)
	}
	var ids []string
	for i := range 7 {
		id, err := store.Append(t.Context(), k, 1000, fmt.Append(nil, i))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	page, last := newest("", 3)
	if want := []string{"6", "5", "4"}; !slices.Equal(page, want) || last != ids[4] {
		t.Errorf("%v to %s, want %v", page, last, want)
	}
	page, last = newest(last, 3)
	if want := []string{"3", "2", "1"}; !slices.Equal(page, want) {
		t.Errorf("then %v, want %v", page, want)
	}
	if page, _ = newest(last, 3); !slices.Equal(page, []string{"0"}) {
		t.Errorf("then %v", page)
	}
	if page, _ = newest(ids[0], 3); len(page) != 0 {
		t.Errorf("before the first %v", page)
	}
	if page, _ = newest("", 0); len(page) != 0 {
		t.Errorf("none asked for, %v", page)
	}
	for _, before := range []string{"x", "1", "1-", "-1", "1-x", "18446744073709551616-0", "(1-1", "+"} {
		if _, err := store.Newest(t.Context(), k, before, 1); !errors.Is(err, cachestore.ErrID) {
			t.Errorf("before %q: %v", before, err)
		}
	}
	for i := range 1000 {
		if _, err := store.Append(t.Context(), k, 100, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for before := ""; ; {
		page, before = newest(before, 1000)
		if len(page) > cachestore.MaxNewest {
			t.Fatalf("%d entries in one call", len(page))
		}
		if kept += len(page); len(page) == 0 {
			break
		}
	}
	if kept < 100 || kept > 300 { // Redis drops whole nodes of 100
		t.Errorf("%d entries are kept of about 100", kept)
	}
	largest := bytes.Repeat([]byte{0xff}, cachestore.MaxLedgerValue)
	if _, err := store.Append(t.Context(), k, 100, largest); err != nil {
		t.Error(err)
	}
	if page, _ = newest("", 1); page[0] != string(largest) {
		t.Error("the largest value was changed")
	}
	if _, err := store.Append(t.Context(), k, 100, append(largest, 1)); !errors.Is(err, cachestore.ErrLedgerValue) {
		t.Errorf("one byte too many: %v", err)
	}
}

func conformSet(t *testing.T, store cachestore.Store, k string) {
	marked := func(n int) (names []string) {
		t.Helper()
		members, err := store.Marked(t.Context(), k, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if m.Err != nil || m.Age < 0 || m.Age > time.Minute {
				t.Errorf("%+v", m)
			}
			names = append(names, m.Name)
		}
		return names
	}
	mark := func(name string, keep time.Duration) {
		t.Helper()
		if err := store.Mark(t.Context(), k, name, keep); err != nil {
			t.Fatal(err)
		}
	}
	if names := marked(10); len(names) != 0 {
		t.Errorf("%v in no set", names)
	}
	mark("a", time.Minute)
	mark("b", time.Minute)
	mark("a", time.Minute)
	if names := marked(10); len(names) != 2 || !slices.Contains(names, "a") || !slices.Contains(names, "b") {
		t.Errorf("%v", names)
	}
	if names := marked(1); len(names) != 1 {
		t.Errorf("%v, one was asked for", names)
	}
	if names := marked(0); len(names) != 0 {
		t.Errorf("%v, none was asked for", names)
	}
	eventually(t, "old members to leave", func() bool {
		mark("c", 20*time.Millisecond)
		names := marked(10)
		return len(names) == 1 && names[0] == "c"
	})
	for _, name := range []string{"", strings.Repeat("x", cachestore.MaxMember+1)} {
		if err := store.Mark(t.Context(), k, name, time.Minute); !errors.Is(err, cachestore.ErrMember) {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
	if err := store.Mark(t.Context(), k, "d", 0); !errors.Is(err, cachestore.ErrTTL) {
		t.Errorf("kept for no time: %v", err)
	}
}

func conformSwap(t *testing.T, store cachestore.Store, key func() string) {
	k := key()
	swap := func(old, next []byte, want bool, current string) {
		t.Helper()
		swapped, now, err := store.Swap(t.Context(), k, old, next, time.Minute)
		if err != nil || swapped != want || string(now) != current {
			t.Errorf("swap %q for %q: %t, %q, %v; want %t, %q", old, next, swapped, now, err, want, current)
		}
	}
	swap([]byte("a"), []byte("b"), false, "")
	swap([]byte{}, []byte("b"), false, "")
	swap(nil, []byte("a"), true, "a")
	swap(nil, []byte("b"), false, "a")
	swap([]byte("b"), []byte("c"), false, "a")
	swap([]byte("a"), []byte("\x00\r\n\xff"), true, "\x00\r\n\xff")
	swap([]byte("\x00\r\n\xff"), []byte{}, true, "")
	swap(nil, []byte("x"), false, "")
	if item := getOne(t, store, k); item.Value == nil || item.TTL <= 50*time.Second {
		t.Errorf("Get finds %v", item)
	}
	swap([]byte{}, []byte("y"), true, "y")
	if _, _, err := store.Swap(t.Context(), k, nil, make([]byte, cachestore.MaxLedgerValue+1), time.Minute); !errors.Is(err, cachestore.ErrLedgerValue) {
		t.Errorf("one byte too many: %v", err)
	}
	if _, _, err := store.Swap(t.Context(), k, nil, nil, 0); !errors.Is(err, cachestore.ErrTTL) {
		t.Errorf("for no time: %v", err)
	}
	k = key()
	var winners atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			swapped, _, err := store.Swap(t.Context(), k, nil, fmt.Append(nil, i), time.Minute)
			if err != nil {
				t.Error(err)
			}
			if swapped {
				winners.Add(1)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d have swapped", winners.Load())
	}
}

// Whatever others have written is an error of that entry, or of that key.
func TestRedisLedgerGarbage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	store := newRedis(t, single(server))
	large := strings.Repeat("x", cachestore.MaxLedgerValue+1)
	server.Do("XADD", "stream", "*", "other", "field")
	server.Do("XADD", "stream", "*", "value", large)
	server.Do("XADD", "stream", "*", "a", "b", "value", "good")
	entries, err := store.Newest(t.Context(), "stream", "", 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	if string(entries[0].Value) != "good" || entries[0].Err != nil || !errors.Is(entries[1].Err, cachestore.ErrLedgerValue) ||
		entries[1].Value != nil || !errors.Is(entries[2].Err, cachestore.ErrNoValue) {
		t.Errorf("%+v", entries)
	}
	server.Do("ZADD", "set", "+inf", "future", "-inf", "past", "9e15", "later", "1", large)
	members, err := store.Marked(t.Context(), "set", 10)
	if err != nil || len(members) != 4 {
		t.Fatalf("%v, %v", members, err)
	}
	if members[0].Name != "future" || members[0].Age != 0 || members[1].Name != "later" || members[1].Age != 0 ||
		!errors.Is(members[2].Err, cachestore.ErrMember) || members[3].Err == nil {
		t.Errorf("%+v", members)
	}
	if err := store.Mark(t.Context(), "set", "good", time.Hour); err != nil {
		t.Error(err)
	}
	if members, err = store.Marked(t.Context(), "set", 10); err != nil || len(members) != 1 || members[0].Name != "good" {
		t.Errorf("%+v, %v: a mark in the future would stay for ever", members, err)
	}
	server.Do("SET", "text", large)
	if _, current, err := store.Swap(t.Context(), "text", nil, nil, time.Hour); !errors.Is(err, cachestore.ErrLedgerValue) || current != nil {
		t.Errorf("%d bytes, %v", len(current), err)
	}
	_, err = store.Append(t.Context(), "text", 10, nil)
	wantReply(t, "Append to a text", err, "WRONGTYPE")
	_, err = store.Marked(t.Context(), "text", 10)
	wantReply(t, "Marked of a text", err, "WRONGTYPE")
	_, _, err = store.Swap(t.Context(), "set", nil, nil, time.Hour)
	wantReply(t, "Swap of a set", err, "WRONGTYPE")
}

// What was swapped is in the file soon, also where the file holds an older value that
// has long to live.
func TestFileKeepsSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cache.db")
		store := openFile(t, path, cachestore.FileConfig{})
		defer store.Close()
		var old []byte
		for _, next := range []string{"a", "b"} {
			if swapped, _, err := store.Swap(t.Context(), "key", old, []byte(next), 720*time.Hour); !swapped || err != nil {
				t.Fatalf("%t, %v", swapped, err)
			}
			old = []byte(next)
			time.Sleep(31 * time.Second)
			synctest.Wait()
			if got := afterKill(t, path, "key"); got != next {
				t.Errorf("the file has %q, want %q", got, next)
			}
		}
	})
}
