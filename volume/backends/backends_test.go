package backends

import (
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// Every kind has what the set calls, and says what is wrong with no options at all.
func TestTable(t *testing.T) {
	for name, kind := range Table(mount.NewHost(mount.Paths{}, nil)) {
		t.Run(name, func(t *testing.T) {
			if kind.Identify == nil || kind.New == nil {
				t.Fatal("it cannot be made")
			}
			if id, err := kind.Identify(volume.Config{Name: "v", Backend: name}); err == nil {
				t.Errorf("without any option it is on %+v", id)
			}
		})
	}
}
