package mount

import (
	"errors"
	"strings"
	"testing"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
)

// What was mounted under a path and is gone is missed, until it is back or the
// configuration was reloaded.
func TestGone(t *testing.T) {
	const (
		root = "1 0 8:1 / / rw - ext4 /dev/a rw\n"
		data = "2 1 8:2 / /data rw - xfs /dev/b rw\n"
	)
	type step struct {
		table  string
		gone   string // a part of the words; "" where it is not
		before func(*blocktest.Tree, *Host)
	}
	reload := func(_ *blocktest.Tree, h *Host) { h.Forget() }
	for name, tt := range map[string]struct {
		path  string
		steps []step
	}{
		"unmounted, and back as another device": {"/data", []step{
			{root + data, "", nil}, {root, "/data (xfs, /dev/b) was mounted for /data and is gone, with nothing mounted there", nil}, {root, "gone", nil},
			{root + "7 1 8:9 / /data rw - xfs /dev/c rw\n", "", nil},
		}},
		"mounted late":             {"/data", []step{{root, "", nil}, {root + data, "", nil}, {root, "gone", nil}}},
		"a reload":                 {"/data", []step{{root + data, "", nil}, {root, "gone", nil}, {root, "", reload}, {root, "", nil}}},
		"a reload, and gone again": {"/data", []step{{root + data, "", nil}, {root, "", reload}, {root + data, "", nil}, {root, "gone", nil}}},
		"a directory of it": {"/data/new", []step{
			{root + data, "", func(tr *blocktest.Tree, _ *Host) { tr.Write("host/data/new/x", "") }},
			{root, "/data/new does not exist, for /data (xfs, /dev/b) was mounted and is gone", func(tr *blocktest.Tree, _ *Host) { tr.Remove("host/data/new") }},
		}},
		"its mount point, too": {"/data", []step{
			{root + data, "", nil}, {root, "gone", func(tr *blocktest.Tree, _ *Host) { tr.Remove("host/data") }},
		}},
		"one below another": {"/data/sub", []step{
			{root + data, "", nil}, {root + data + "3 2 8:3 / /data/sub rw - ext4 /dev/c rw\n", "", nil}, {root + data, "/data/sub (ext4, /dev/c)", nil},
		}},
		"another in its place":     {"/data", []step{{root + data, "", nil}, {root + "3 1 0:9 / /data rw - tmpfs none rw\n", "with tmpfs in its place", nil}, {root + data, "", nil}}},
		"another over it, and off": {"/data", []step{{root + data, "", nil}, {root + data + "3 2 0:9 / /data rw - tmpfs none rw\n", "", nil}, {root + data, "", nil}, {root, "gone", nil}}},
		"a link to elsewhere": {"/link", []step{
			{root + data, "", func(tr *blocktest.Tree, _ *Host) { tr.Symlink("host/link", "/data") }},
			{root + data, "", func(tr *blocktest.Tree, _ *Host) { tr.Symlink("host/link", "/other") }}, {root, "", nil},
		}},
		"a link to it": {"/link", []step{
			{root + data, "", func(tr *blocktest.Tree, _ *Host) { tr.Symlink("host/link", "/data/sub") }}, {root, "was mounted for /link", nil},
		}},
		"an autofs point that unmounts itself": {"/data", []step{
			{root + "2 1 0:8 / /data rw - autofs a rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - autofs a rw\n3 2 0:9 / /data rw - nfs4 nas:/e rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - autofs a rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - autofs a rw\n4 2 0:10 / /data rw - nfs4 nas:/e rw\n", "", nil},
			{root, "nas:/e", nil},
		}},
		"one of a whole directory": {"/data/sub", []step{
			{root + "2 1 0:8 / /data rw - autofs a rw\n3 2 0:9 / /data/sub rw - nfs nas:/e rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - autofs a rw\n", "", nil}, {root, "nas:/e", nil},
		}},
		"a part of an export, mounted by the kernel": {"/data/sub", []step{
			{root + "2 1 0:8 / /data rw - nfs4 nas:/e rw\n3 2 0:9 / /data/sub rw - nfs4 nas:/e/sub rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - nfs4 nas:/e rw\n", "", nil}, {root, "gone", nil},
		}},
		"another export": {"/data/sub", []step{
			{root + "2 1 0:8 / /data rw - nfs4 nas:/e rw\n3 2 0:9 / /data/sub rw - nfs4 nas:/f rw\n", "", nil},
			{root + "2 1 0:8 / /data rw - nfs4 nas:/e rw\n", "nas:/f", nil},
		}},
		"NFS of another version": {"/data", []step{
			{root + "2 1 0:8 / /data rw - nfs nas:/e rw\n", "", nil}, {root + "2 1 0:8 / /data rw - nfs4 nas:/e rw\n", "", nil},
		}},
		"bound to itself":    {"/data", []step{{root + "2 1 8:1 /data /data rw - ext4 /dev/a rw\n", "", nil}, {root, "", nil}}},
		"bound from another": {"/data", []step{{root + "2 1 8:1 /other /data rw - ext4 /dev/a rw\n", "", nil}, {root, "gone", nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			tr.Write("host/data/sub/x", "")
			tr.Write("host/other/x", "")
			host := NewHost(Paths{Proc: tr.Path("proc"), Sys: tr.Sys(), Root: tr.Path("host")}, nil)
			p := host.NewPoint(tt.path, time.Second)
			for i, s := range tt.steps {
				if s.before != nil {
					s.before(tr, host)
				}
				tr.Write("proc/1/mountinfo", s.table)
				state := p.Look(t.Context())
				h := state.Health(Want{})
				_, usage := state.Usage(Want{})
				_, _, _, rates := p.Rates(t.Context())
				if s.gone == "" {
					if state.Err != nil || errors.Is(usage, ErrNotMounted) || errors.Is(rates, ErrNotMounted) || h.Metadata["mount_point"] == "" {
						t.Errorf("%d: %v, %v, %v, %v", i, state.Err, usage, rates, h.Metadata)
					}
					continue
				}
				if h.Status != volume.Offline || !strings.Contains(h.Info, s.gone) || !strings.Contains(h.Info, "reload the configuration") {
					t.Errorf("%d: %s %q, want %q", i, h.Status, h.Info, s.gone)
				}
				if !errors.Is(usage, ErrNotMounted) || !errors.Is(rates, ErrNotMounted) || len(h.Metadata) > 0 || h.ReadOnly != nil {
					t.Errorf("%d: %v, %v, %v", i, usage, rates, h.Metadata)
				}
			}
		})
	}
}

// Where there is no volume, the file system above is not shown as its own.
func TestMetadataOfNothing(t *testing.T) {
	tr := blocktest.New(t)
	tr.Write("host/file", "")
	tr.Write("host/dir/x", "")
	tr.Symlink("host/circle", "circle")
	tr.Write("proc/1/mountinfo", "1 0 8:1 / / rw - ext4 /dev/a rw\n")
	host := NewHost(Paths{Proc: tr.Path("proc"), Sys: tr.Sys(), Root: tr.Path("host")}, nil)
	for path, shown := range map[string]bool{"/dir": true, "/none": false, "/dir/none": false, "/file": false, "/file/x": false, "/circle": false} {
		state := host.NewPoint(path, time.Second).Look(t.Context())
		if h := state.Health(Want{}); (len(h.Metadata) > 0) != shown || (h.Status == volume.Offline || h.Status == volume.Unavailable) == shown {
			t.Errorf("%s: %+v", path, h)
		}
		for what, want := range map[string]Want{"a mount": {RequireMount: true}, "another type": {FSTypes: []string{"xfs"}}} {
			if h := state.Health(want); len(h.Metadata) > 0 || h.Status == volume.Healthy {
				t.Errorf("%s without %s: %+v", path, what, h)
			}
		}
	}
}
