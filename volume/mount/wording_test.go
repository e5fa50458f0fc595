package mount

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"storage_exporter/block/blocktest"
)

// A path that is missing is called the same by the health, the usage and the
// performance.
func TestOneWording(t *testing.T) {
	tr := blocktest.New(t)
	root := tr.Path("")
	tr.Write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/a rw\n")
	p := NewHost(Paths{Proc: filepath.Join(root, "proc"), Sys: root}, nil).NewPoint(root+"/nowhere", 0)
	state := p.Look(t.Context())
	want := state.Health(Want{}).Info
	_, usage := state.Usage(Want{})
	_, _, _, performance := p.Rates(t.Context())
	for _, err := range []error{usage, performance} {
		if err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}
