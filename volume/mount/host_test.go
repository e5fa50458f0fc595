package mount

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
)

// In a container the host's root is mounted somewhere: what a path leads to, and
// where its links point, is the host's.
func TestLookInContainer(t *testing.T) {
	tables := map[string]string{
		"the first process is the host's": "proc/1/mountinfo",
		"only our own is to be seen":      "proc/self/mountinfo",
	}
	for name, file := range tables {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			root := tr.Path("host")
			tr.Write("host/data/x/file", "")
			tr.Symlink("host/vf", "/data/y")
			tr.Symlink("host/data/y", "../data/x")
			if file == "proc/1/mountinfo" {
				tr.Write(file, "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /data rw - xfs /dev/b rw\n")
			} else {
				tr.Write(file, "1 0 0:9 / / rw - overlay overlay rw\n2 1 8:1 / "+root+" ro - ext4 /dev/a rw\n3 2 8:2 / "+root+"/data ro - xfs /dev/b rw\n")
			}
			p := NewHost(Paths{Proc: tr.Path("proc"), Sys: tr.Path(""), Root: root}, nil).NewPoint("/vf", time.Second)
			s := p.Look(t.Context())
			if s.Err != nil || s.Real != "/data/x" || s.Mount.Device != "8:2" || s.Mount.Point != "/data" || s.FS.Blocks == 0 {
				t.Errorf("%+v", s)
			}
			s.FS.Flags |= unix.ST_RDONLY // the container got the host's root read-only
			h := s.Health(Want{})
			if h.ReadOnly == nil || *h.ReadOnly {
				t.Error("the container's read-only view is taken for the host's")
			}
			if h.Metadata["real_path"] != "/data/x" || h.Metadata["source"] != "/dev/b" {
				t.Errorf("%+v", h)
			}
		})
	}
}

// The host's root may be given as seen from here.
func TestRelativeRoot(t *testing.T) {
	tr := blocktest.New(t)
	tr.Write("host/data/x", "")
	tr.Write("proc/1/mountinfo", "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /data rw - xfs /dev/b rw\n")
	t.Chdir(tr.Path(""))
	s := NewHost(Paths{Proc: "proc", Sys: "sys", Root: "host"}, nil).NewPoint("/data", time.Second).Look(t.Context())
	if s.Err != nil || s.Mount.Point != "/data" {
		t.Errorf("%+v", s)
	}
}

func TestNoTable(t *testing.T) {
	p := NewHost(Paths{Proc: t.TempDir()}, nil).NewPoint("/", time.Second)
	s := p.Look(t.Context())
	if h := s.Health(Want{}); h.Status != volume.Unavailable || h.Info == "" || !errors.Is(s.Err, os.ErrNotExist) {
		t.Errorf("%+v: %+v", s, h)
	}
	if _, err := s.Usage(Want{}); err == nil {
		t.Error("usage of nothing")
	}
	if _, _, _, err := p.Rates(t.Context()); err == nil || errors.Is(err, volume.ErrNoSample) {
		t.Errorf("rates of nothing: %v", err)
	}
}

func TestReadFileBound(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(maxFile+1), file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(name); err == nil {
		t.Error("a file beyond the bound is read")
	}
}
