package enclosure

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/enclosure/enclosuretest"
)

// counting notes what is read, by the file's name.
type counting struct {
	mu    sync.Mutex
	reads map[string]int
}

func count(r *Reader) *counting {
	c := &counting{reads: make(map[string]int)}
	read := r.read
	r.read = func(path string) ([]byte, error) {
		c.mu.Lock()
		c.reads[filepath.Base(path)]++
		c.mu.Unlock()
		return read(path)
	}
	return c
}

func (c *counting) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	reads := c.reads
	c.reads = make(map[string]int)
	return reads
}

// Each read of these costs an SES command, so each is read once a round and on
// one path; what does not change is read once.
func TestCost(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 24, 0, "0x5003048000000a00", "0x5003048000000a00")
	r := reader(tr)
	c := count(r)
	costly := map[string]int{"status": 24, "fault": 24, "locate": 24, "power_status": 24}
	check := func(when string, slots int) {
		t.Helper()
		read(t, r)
		want := maps.Clone(costly)
		if slots > 0 {
			want["slot"], want["type"] = slots, slots
		}
		got := c.take()
		for _, name := range []string{"id", "vendor", "model", "rev", "sas_address", "state"} {
			delete(got, name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reads %s (-want +got):\n%s", when, diff)
		}
	}
	check("at first", 48)
	check("again", 0)
	tr.Remove(enclosuretest.BayPath("2:0:99:0", "Slot 23"))
	check("with a bay less on one path", 23)
	tr.Write(filepath.Dir(enclosuretest.BayPath("1:0:99:0", "x"))+"/id", "0x5003048000000a01\n")
	check("with another id at one path", 24)
}

// Nothing is ever written: locate and fault are switches.
func TestReadChangesNothing(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a80")
	before := contents(t, tr)
	read(t, reader(tr))
	if diff := cmp.Diff(before, contents(t, tr)); diff != "" {
		t.Errorf("the tree changed:\n%s", diff)
	}
}

func contents(t *testing.T, tr *enclosuretest.Tree) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(tr.Path(""), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			files[path] = fmt.Sprint(info.ModTime(), info.Mode(), string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
