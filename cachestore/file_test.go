package cachestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/logtest"
)

// logBuffer keeps what was logged.
type logBuffer struct{ logtest.Buffer }

func (l *logBuffer) count(text string) int { return strings.Count(l.String(), text) }

func newLog() (*slog.Logger, *logBuffer) {
	buf := &logBuffer{}
	return slog.New(slog.NewTextHandler(buf, &slog.HandlerOptions{Level: slog.LevelDebug})), buf
}

func set(t *testing.T, store cachestore.Store, key, value string) {
	t.Helper()
	if err := store.Set(t.Context(), cachestore.SetItem{Key: key, Value: []byte(value), TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

func TestFileSurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	for run := range 3 {
		store := openFile(t, path, cachestore.FileConfig{})
		for i := range run {
			item := getOne(t, store, fmt.Sprint("key", i))
			if string(item.Value) != fmt.Sprint("value", i) || item.TTL <= 50*time.Minute || item.TTL > time.Hour {
				t.Errorf("run %d: %q for %s", run, item.Value, item.TTL)
			}
		}
		if getOne(t, store, "short").Value != nil || getOne(t, store, "claim").Value != nil {
			t.Errorf("run %d: what expired or was claimed came back", run)
		}
		set(t, store, fmt.Sprint("key", run), "old")
		set(t, store, fmt.Sprint("key", run), fmt.Sprint("value", run))
		if err := store.Set(t.Context(), cachestore.SetItem{Key: "short", Value: []byte("v"), TTL: time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Claim(t.Context(), "claim", "me", time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // the lifetime of "short", by the wall clock
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestFileAfterKill shows that values reach the file without Close.
func TestFileAfterKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	store := openFile(t, path, cachestore.FileConfig{FlushInterval: 10 * time.Millisecond})
	set(t, store, "key", "value")
	eventually(t, "the value to be written", func() bool {
		_, err := os.Stat(path)
		return err == nil && afterKill(t, path, "key") == "value"
	})
}

// TestFileWrites counts how often the file is written, and shows that what is
// irreplaceable is there within a minute and stays there.
func TestFileWrites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		ttl     time.Duration
		asleep  bool
		minutes int
		most    int
	}{
		{"nothing irreplaceable", 2 * time.Minute, false, 120, 7},
		{"irreplaceable with a short life", 2 * time.Minute, true, 30, 31},
		{"irreplaceable with a long life", time.Hour, true, 120, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.db")
			synctest.Test(t, func(t *testing.T) {
				store := openFile(t, path, cachestore.FileConfig{})
				var inode uint64 // of the file: each write makes another one
				writes, lost := 0, 0
				for second := range tt.minutes * 60 {
					if second%60 == 45 {
						for i := range 100 {
							err := store.Set(t.Context(), cachestore.SetItem{
								Key: fmt.Sprint("key", i), Value: []byte("value"), TTL: tt.ttl, Irreplaceable: tt.asleep && i == 7,
							})
							if err != nil {
								t.Fatal(err)
							}
						}
					}
					time.Sleep(time.Second)
					synctest.Wait()
					var stat syscall.Stat_t
					if err := syscall.Stat(path, &stat); err == nil && stat.Ino != inode {
						inode = stat.Ino
						writes++
					}
					if tt.asleep && second > 120 && second%10 == 0 && afterKill(t, path, "key7") == "" {
						lost++
					}
				}
				if writes == 0 || writes > tt.most {
					t.Errorf("%d writes in %d minutes, want at most %d", writes, tt.minutes, tt.most)
				}
				if lost > 0 {
					t.Errorf("would have been lost by a kill at %d moments", lost)
				}
			})
		})
	}
}

// TestFileAsleepAgain shows that a drive's report is written anew when it was
// awake meanwhile.
func TestFileAsleepAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	synctest.Test(t, func(t *testing.T) {
		store := openFile(t, path, cachestore.FileConfig{})
		for i, asleep := range []bool{true, false, true, true, false, false, true} {
			item := cachestore.SetItem{Key: "key", Value: fmt.Append(nil, i), TTL: 24 * time.Hour, Irreplaceable: asleep}
			if err := store.Set(t.Context(), item); err != nil {
				t.Fatal(err)
			}
			if !asleep || i == 3 { // the file has it
				continue
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := afterKill(t, path, "key"); got != fmt.Sprint(i) {
				t.Errorf("after Set %d the file has %q", i, got)
			}
		}
	})
}

// TestFileLockIsGivenUp shows that a program that was being started when the file
// was closed, and so still has the descriptors, keeps nobody off.
func TestFileLockIsGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	store, err := cachestore.OpenFile(path, cachestore.FileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	inherited := -1
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range descriptors {
		if target, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil && target == path+".lock" {
			fd, err := strconv.Atoi(d.Name())
			if err != nil {
				t.Fatal(err)
			}
			if inherited, err = syscall.Dup(fd); err != nil {
				t.Fatal(err)
			}
		}
	}
	if inherited < 0 {
		t.Fatal("no descriptor of the lock")
	}
	defer syscall.Close(inherited)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := cachestore.OpenFile(path, cachestore.FileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// afterKill is what a process would find that starts after this one was killed.
func afterKill(t *testing.T, path, key string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(filepath.Dir(path), "copy.db")
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := cachestore.OpenFile(copied, cachestore.FileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	value := string(getOne(t, other, key).Value)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestFileStaysSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	for range 10 {
		store := openFile(t, path, cachestore.FileConfig{})
		for i := range 20 {
			key := fmt.Sprintf("%d:%d", time.Now().UnixNano(), i)
			if err := store.Set(t.Context(), cachestore.SetItem{Key: key, Value: make([]byte, 10_000), TTL: 20 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil { // writes them
			t.Fatal(err)
		}
		time.Sleep(21 * time.Millisecond) // the lifetime is of the wall clock here
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 1<<20 {
		t.Errorf("%d bytes after 2 MB went through and expired", info.Size())
	}
}

func TestFileInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	first := openFile(t, path, cachestore.FileConfig{})
	_, err := cachestore.OpenFile(path, cachestore.FileConfig{})
	if !errors.Is(err, cachestore.ErrInUse) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--cache.path") {
		t.Errorf("second open: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openFile(t, path, cachestore.FileConfig{})
}

func TestFileCannotBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, want string }{
		{"no directory", filepath.Join(dir, "none", "cache.db"), "does not exist; create it"},
		{"a directory", dir, "not a regular file"},
		{"below a file", filepath.Join(file, "cache.db"), "not a directory"},
		{"a device", "/dev/null", "not a regular file"},
		{"read-only file system", "/proc/cache.db", "cache file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, err := cachestore.OpenFile(tt.path, cachestore.FileConfig{})
			if err == nil {
				_ = store.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error: %v", err)
			}
		})
	}
	t.Run("no permission", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("needs root, to become somebody else")
		}
		runAs(t, "TestFileNoPermission", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
			"CACHESTORE_FORBIDDEN="+filepath.Join(dir, "cache.db"))
	})
}

// TestFileNoPermission runs only within TestFileCannotBeOpened.
func TestFileNoPermission(t *testing.T) {
	path := os.Getenv("CACHESTORE_FORBIDDEN")
	if path == "" {
		t.Skip("runs as part of TestFileCannotBeOpened")
	}
	if _, err := cachestore.OpenFile(path, cachestore.FileConfig{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error: %v", err)
	}
}

// runAs runs one test of this binary in a process of its own.
func runAs(t *testing.T, test string, attr *syscall.SysProcAttr, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^"+test+"$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+test)) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestFileFolderRemoved also shows that a lock in a removed folder is not
// believed in.
// TestFileRemoved shows that a file that somebody removes comes back by itself, long
// before it would be written again.
func TestFileRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	logger, log := newLog()
	store := openFile(t, path, cachestore.FileConfig{Logger: logger, FlushInterval: time.Hour, UrgentInterval: 5 * time.Millisecond})
	there := func() bool { _, err := os.Stat(path); return err == nil }
	set(t, store, "key", "value")
	eventually(t, "the first write", there)
	for n := range 2 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the file to come back", there)
		eventually(t, "the warning", func() bool { return log.count("cache file was removed") == n+1 })
	}
	if got := afterKill(t, path, "key"); got != "value" {
		t.Errorf("the file that came back has %q", got)
	}
}

func TestFileFolderRemoved(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	path := filepath.Join(folder, "cache.db")
	logger, log := newLog()
	cfg := cachestore.FileConfig{Logger: logger, FlushInterval: 5 * time.Millisecond}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	store := openFile(t, path, cfg)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	set(t, store, "key", "value")
	eventually(t, "the warning", func() bool { return log.count("cache file cannot be written") == 1 })
	if string(getOne(t, store, "key").Value) != "value" {
		t.Error("a value was lost in memory")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the recovery", func() bool { return log.count("can be written again") == 1 })
	if _, err := cachestore.OpenFile(path, cfg); !errors.Is(err, cachestore.ErrInUse) {
		t.Errorf("second open: %v", err)
	}
	if err := store.Close(); err != nil || log.count("cannot be written") != 1 {
		t.Errorf("%v, log:\n%s", err, log)
	}
	if string(getOne(t, openFile(t, path, cfg), "key").Value) != "value" {
		t.Error("the value is not in the new folder")
	}
}

// TestFileLinks shows that what a link leads to is written and locked, be it
// there or not, and that links stay.
func TestFileLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link, linked := filepath.Join(dir, "real", "cache.db"), filepath.Join(dir, "link.db"), filepath.Join(dir, "linked")
	err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.Symlink(filepath.Join("linked", "cache.db"), link), os.Symlink("real", linked))
	if err != nil {
		t.Fatal(err)
	}
	store := openFile(t, link, cachestore.FileConfig{})
	set(t, store, "key", "value")
	for _, p := range []string{path, link, filepath.Join(linked, "cache.db")} {
		if _, err := cachestore.OpenFile(p, cachestore.FileConfig{}); !errors.Is(err, cachestore.ErrInUse) {
			t.Errorf("second open by %s: %v", p, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	if string(getOne(t, openFile(t, link, cachestore.FileConfig{}), "key").Value) != "value" {
		t.Error("the value is not there by the link")
	}
}

// TestFileLeftovers shows that neither a half-written file of a process that
// was killed nor a link in its place is in the way.
func TestFileLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "cache.db"), filepath.Join(dir, "other")
	if err := errors.Join(os.WriteFile(other, []byte("x"), 0o600), os.Symlink(other, path+".new")); err != nil {
		t.Fatal(err)
	}
	store := openFile(t, path, cachestore.FileConfig{})
	set(t, store, "key", "value")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(other); err != nil || string(content) != "x" {
		t.Errorf("another file was written: %q, %v", content, err)
	}
	if _, err := os.Lstat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

// TestFileDiskFull fills a real file system of 64 KiB, in a mount namespace
// that ends with its process.
func TestFileDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a file system of 64 KiB")
	}
	runAs(t, "TestFileDiskFullMounted", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS},
		"CACHESTORE_MOUNT="+t.TempDir())
}

// TestFileDiskFullMounted runs only within TestFileDiskFull.
func TestFileDiskFullMounted(t *testing.T) {
	dir := os.Getenv("CACHESTORE_MOUNT")
	if dir == "" {
		t.Skip("runs as part of TestFileDiskFull")
	}
	mount := func(flags uintptr, options string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
			t.Fatalf("mount a tmpfs (%s): %v", options, err)
		}
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	mount(0, "size=64k")
	path := filepath.Join(dir, "cache.db")
	filler := filepath.Join(dir, "filler")
	cfg := cachestore.FileConfig{FlushInterval: 5 * time.Millisecond}
	var buf *logBuffer
	const lost, back = "cache file cannot be written", "can be written again"

	t.Run("while running", func(t *testing.T) {
		cfg.Logger, buf = newLog()
		store := openFile(t, path, cfg)
		set(t, store, "small", "value")
		for i := range 10 {
			set(t, store, fmt.Sprint("large", i), strings.Repeat("x", 20_000))
		}
		eventually(t, "the warning", func() bool { return buf.count(lost) > 0 })
		for i := range 10 {
			if len(getOne(t, store, fmt.Sprint("large", i)).Value) != 20_000 {
				t.Error("a value was lost in memory")
			}
		}
		time.Sleep(100 * time.Millisecond) // lets it try again, and not warn again
		mount(syscall.MS_REMOUNT, "size=4m")
		eventually(t, "the recovery", func() bool { return buf.count(back) > 0 })
		if buf.count(lost) != 1 || buf.count(back) != 1 {
			t.Errorf("log:\n%s", buf)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		store = openFile(t, path, cfg)
		defer store.Close()
		if len(getOne(t, store, "large9").Value) != 20_000 || string(getOne(t, store, "small").Value) != "value" {
			t.Error("what was written after the recovery is not there")
		}
	})
	t.Run("read-only", func(t *testing.T) {
		cfg.Logger, buf = newLog()
		store := openFile(t, path, cfg)
		mount(syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=4m")
		set(t, store, "late", "value")
		eventually(t, "the warning", func() bool { return buf.count(lost) > 0 })
		if _, err := cachestore.OpenFile(filepath.Join(dir, "other.db"), cfg); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "write to the folder") {
			t.Errorf("a start there: %v", err)
		}
		mount(syscall.MS_REMOUNT, "size=4m")
		eventually(t, "the recovery", func() bool { return buf.count(back) > 0 })
		if err := store.Close(); err != nil || buf.count(lost) != 1 || buf.count(back) != 1 {
			t.Errorf("%v, log:\n%s", err, buf)
		}
	})
	t.Run("a file that is a mount", func(t *testing.T) {
		single := filepath.Join(t.TempDir(), "single.db")
		if err := os.WriteFile(single, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link.db")
		if err := os.Symlink(single, link); err != nil {
			t.Fatal(err)
		}
		running := openFile(t, link, cfg)
		if err := syscall.Mount(path, single, "", syscall.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(single, 0) })
		set(t, running, "key", "value")
		if err := running.Close(); !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "mount its folder instead") {
			t.Errorf("mounted while running: %v", err)
		}
		if _, err := cachestore.OpenFile(link, cfg); err == nil || !strings.Contains(err.Error(), "mount its folder instead") {
			t.Errorf("mounted before the start: %v", err)
		}
	})
	t.Run("at the start", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		cfg.Logger, buf = newLog()
		_ = os.WriteFile(filler, make([]byte, 8<<20), 0o600) // as much as fits
		store := openFile(t, path, cfg)
		set(t, store, "key", "value")
		if string(getOne(t, store, "key").Value) != "value" {
			t.Error("no value without a file")
		}
		time.Sleep(50 * time.Millisecond)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the recovery", func() bool { return buf.count(back) > 0 })
		if buf.count(lost) != 1 || buf.count("damaged") != 0 {
			t.Errorf("log:\n%s", buf)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		store = openFile(t, path, cfg)
		defer store.Close()
		if string(getOne(t, store, "key").Value) != "value" {
			t.Error("what was written after the recovery is not there")
		}
	})
}
