package vfolder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume/mount"
)

const (
	scope = "00000000000000000000000000000001"
	id    = "abcdef00000000000000000000000000"
)

// tree makes a folder below a root and returns the volume's path.
func tree(t *testing.T, root, volume string, parts ...string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(append([]string{root, volume}, parts...)...), 0o700); err != nil {
		t.Fatal(err)
	}
	return "/" + volume
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	with := tree(t, root, "with", scope, id[:2], id[2:4], id[4:])
	old := tree(t, root, "old", id[:2], id[2:4], id[4:])
	without := tree(t, root, "without", scope, id[:2], id[2:4])
	foreign := tree(t, root, "foreign", "not-a-scope", id[:2], id[2:4], id[4:])
	file := tree(t, root, "file", scope, id[:2], id[2:4])
	if err := os.WriteFile(filepath.Join(root, "file", scope, id[:2], id[2:4], id[4:]), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	linked := tree(t, root, "linked")
	if err := os.Symlink(filepath.Join(root, "with", scope), filepath.Join(root, "linked", scope)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		volumes []Volume
		want    []string
		wrong   string
	}{
		{"on one", []Volume{{"a", without}, {"b", with}}, []string{"b"}, ""},
		{"without a scope", []Volume{{"a", old}}, []string{"a"}, ""},
		{"on two", []Volume{{"a", with}, {"b", old}}, []string{"a", "b"}, ""},
		{"nowhere", []Volume{{"a", without}, {"b", foreign}, {"c", file}, {"d", linked}}, nil, ""},
		{"on none", nil, nil, ""},
		{"a volume that is not there", []Volume{{"a", "/nowhere"}, {"b", without}}, nil, "volume a was not asked: no such file or directory"},
		{"found beside one that is not there", []Volume{{"a", "/nowhere"}, {"b", with}}, []string{"b"}, "volume a was not asked: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New(mount.NewHost(mount.Paths{Root: root}, nil), func() []Volume { return tt.volumes })
			names, err := f.Find(t.Context(), id)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if (err == nil) != (tt.wrong == "") || err != nil && err.Error() != tt.wrong {
				t.Errorf("error %v, want %q", err, tt.wrong)
			}
		})
	}
	f := New(mount.NewHost(mount.Paths{Root: root}, nil), func() []Volume { return []Volume{{"a", with}} })
	for _, wrong := range []string{"", "../" + id[3:], strings.ToUpper(id), id + "0"} {
		if _, err := f.Find(t.Context(), wrong); err == nil {
			t.Errorf("%q is taken for an id", wrong)
		}
	}
}

// Where a folder is is remembered for an hour, that it is nowhere for half a minute, that
// a volume could not be asked not at all.
func TestRemembers(t *testing.T) {
	root := t.TempDir()
	volumes := []Volume{{"a", tree(t, root, "a", scope)}}
	f := New(mount.NewHost(mount.Paths{Root: root}, nil), func() []Volume { return volumes })
	find := func() []string {
		t.Helper()
		names, err := f.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	folder := filepath.Join(root, "a", scope, id[:2], id[2:4], id[4:])
	if find() != nil {
		t.Error("found before it is there")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if find() != nil {
		t.Error("asked again at once")
	}
	if left := time.Until(f.known[id].until); left > absentLives {
		t.Errorf("remembered for %v that it is nowhere", left)
	}
	clear(f.known)
	if !slices.Equal(find(), []string{"a"}) {
		t.Error("not found")
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(find(), []string{"a"}) || time.Until(f.known[id].until) < foundLives-time.Minute {
		t.Error("not remembered for an hour")
	}
	volumes = []Volume{{"b", "/nowhere"}}
	clear(f.known)
	if _, err := f.Find(t.Context(), id); err == nil || len(f.known) > 0 {
		t.Errorf("%v, remembered %v", err, f.known)
	}
	for i := range 2 * maxKnown {
		f.remember(string(rune(i)), nil)
	}
	if len(f.known) > maxKnown {
		t.Errorf("%d folders are remembered", len(f.known))
	}
	var err error
	for range 2 * maxSearches {
		if _, err = f.Find(t.Context(), id); errors.Is(err, ErrBusy) {
			break
		}
	}
	if !errors.Is(err, ErrBusy) {
		t.Errorf("%v after many searches, want that there are too many", err)
	}
}

// A volume that hangs costs the search its own time, and later ones nothing.
func TestVolumeThatHangs(t *testing.T) {
	root := t.TempDir()
	with := tree(t, root, "with", scope, id[:2], id[2:4], id[4:])
	fifo := filepath.Join(root, "hangs") // opening it waits for a writer, as a dead mount for its server
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	f := New(mount.NewHost(mount.Paths{Root: root}, nil), func() []Volume { return []Volume{{"dead", "/hangs"}, {"well", with}} })
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		names, err := f.Find(ctx, id)
		cancel()
		if !slices.Equal(names, []string{"well"}) || err == nil || !strings.HasPrefix(err.Error(), "volume dead was not asked: ") {
			t.Errorf("%v, %v", names, err)
		}
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0) // lets go of the one call that waits
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}
