package backends

import (
	"os"
	"path/filepath"
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

// Every appliance looks at what is mounted where that is required, with the types by
// which that vendor's volumes are mounted.
func TestMountOfAppliances(t *testing.T) {
	own := map[string]string{"dellemc-onefs": "", "gpfs": "gpfs", "spectrumscale": "gpfs", "netapp": "", "purestorage": "", "vast": "", "weka": "wekafs"}
	root := t.TempDir()
	point := filepath.Join(root, "volume")
	for _, dir := range []string{filepath.Join(root, "proc/self"), point} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, kind := range Table(mount.NewHost(mount.Paths{Proc: filepath.Join(root, "proc"), Sys: root}, nil)) {
		if _, isAppliance := own[name]; isAppliance == kind.Mounted || isAppliance != (kind.Mount != nil) {
			t.Errorf("%s: mounted %v, looks at mounts %v", name, kind.Mounted, kind.Mount != nil)
			continue
		}
		for _, fstype := range []string{"nfs4", "cifs", own[name], "ext4"} {
			if fstype == "" || kind.Mount == nil {
				continue
			}
			table := "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:50 / " + point + " rw - " + fstype + " nas:/export rw\n"
			if err := os.WriteFile(filepath.Join(root, "proc/self/mountinfo"), []byte(table), 0o600); err != nil {
				t.Fatal(err)
			}
			got := kind.Mount(volume.Config{Name: "v", Backend: name, Path: point, RequireMount: new(true)})(t.Context())
			if got.Health.Status != volume.Healthy || got.Serves == (fstype == "ext4") || got.Health.Metadata["fstype"] != fstype {
				t.Errorf("%s on %s: %+v", name, fstype, got)
			}
		}
	}
}
