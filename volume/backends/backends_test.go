package backends

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// Of an appliance of which nothing answers, the mount tells, with the types by
// which that vendor's volumes are mounted.
func TestMountBeside(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/self"), 0o755); err != nil {
		t.Fatal(err)
	}
	point := filepath.Join(root, "volume")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	appliances := map[string]map[string]any{
		"dellemc-onefs": {"dell_endpoint": "", "dell_username": "u", "dell_password": "p", "dell_ifs_path": "/ifs/data"},
		"gpfs":          {"gpfs_endpoint": "", "gpfs_username": "u", "gpfs_password": "p", "gpfs_cluster_name": "c", "gpfs_owner": "0:0", "gpfs_fs_name": "f"},
		"spectrumscale": {"gpfs_endpoint": "", "gpfs_username": "u", "gpfs_password": "p", "gpfs_cluster_name": "c", "gpfs_owner": "0:0", "gpfs_fs_name": "f"},
		"netapp":        {"netapp_ontap_endpoint": "", "netapp_ontap_user": "u", "netapp_ontap_password": "p", "netapp_volume_name": "v"},
		"purestorage":   {"purity_endpoint": "", "purity_api_token": "t", "purity_fs_name": "f"},
		"vast":          {"vast_endpoint": "", "vast_username": "u", "vast_password": "p"},
		"weka":          {"weka_endpoint": "", "weka_username": "u", "weka_password": "p", "weka_fs_name": "f"},
	}
	own := map[string]string{"gpfs": "gpfs", "spectrumscale": "gpfs", "weka": "wekafs"}
	for name, options := range appliances {
		for _, fstype := range []string{"nfs4", "cifs", own[name], "ext4"} {
			if fstype == "" {
				continue
			}
			t.Run(name+" on "+fstype, func(t *testing.T) {
				table := "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:50 / " + point + " rw - " + fstype + " nas:/export rw\n"
				if err := os.WriteFile(filepath.Join(root, "proc/self/mountinfo"), []byte(table), 0o600); err != nil {
					t.Fatal(err)
				}
				kind := Table(mount.NewHost(mount.Paths{Proc: filepath.Join(root, "proc"), Sys: root}, nil))[name]
				filled := maps.Clone(options)
				for key, value := range filled {
					if value == "" {
						filled[key] = "https://127.0.0.1:1" // nobody listens there
					}
				}
				cfg := volume.Config{Name: "v", Backend: name, Path: point, Options: filled}
				if _, err := kind.Identify(cfg); err != nil {
					t.Fatal(err)
				}
				b, err := kind.New([]volume.Config{cfg}, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				results, err := b.Health(ctx)
				if fstype == "ext4" {
					if status, _ := volume.Diagnose(cmp.Or(err, results["v"].Err)); status != volume.Offline {
						t.Errorf("%+v, %v", results, err)
					}
					return
				}
				if got := results["v"].Value; err != nil || got.Status != volume.Degraded || got.Metadata["fstype"] != fstype {
					t.Errorf("%+v, %v", results, err)
				}
			})
		}
	}
}
