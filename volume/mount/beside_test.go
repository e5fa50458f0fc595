package mount

import (
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
)

// appliance is a kind whose volumes are well configured.
func appliance() volume.Kind {
	return volume.Kind{Identify: func(volume.Config) (volume.Identity, error) { return volume.Identity{Object: "o"}, nil }}
}

func TestBeside(t *testing.T) {
	tr := blocktest.New(t)
	for _, dir := range []string{"nfs", "own", "disk", "root"} {
		tr.Write(dir+"/volume/file", "")
	}
	root := tr.Path("")
	tr.Write("proc/self/mountinfo", strings.ReplaceAll("1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:50 / @/nfs ro - nfs4 nas:/export ro\n"+
		"3 1 8:2 / @/disk rw - ext4 /dev/b rw\n4 1 0:51 / @/own rw - wekafs weka/fs rw\n", "@", root))
	host := NewHost(Paths{Proc: filepath.Join(root, "proc"), Sys: root}, nil)
	kind := Beside(host, appliance(), "wekafs")
	for _, tt := range []struct {
		dir    string
		serves bool
		status volume.Status
		info   string
	}{
		{"nfs/volume", true, volume.Degraded, "/nfs is mounted read-only"},
		{"own/volume", true, volume.Healthy, ""},
		{"disk/volume", false, volume.Healthy, ""},
		{"root/volume", false, volume.Offline, "/root/volume is on / (ext4, /dev/a), with nothing mounted there: mount it, or set require_mount = false"},
		{"nowhere", false, volume.Offline, "/nowhere"},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			cfg := volume.Config{Name: "v", Backend: "weka", Path: root + "/" + tt.dir, RequireMount: new(true)}
			got := kind.Mount(cfg)(t.Context())
			if got.Health.Status != tt.status || !strings.Contains(got.Health.Info, tt.info) || got.Serves != tt.serves || (got.Usage != nil) != tt.serves {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A key that has no effect is refused, with the remedy.
func TestBesideRefuses(t *testing.T) {
	plain, telling := Beside(nil, appliance()), appliance()
	telling.TellsReadOnly = true
	telling = Beside(nil, telling)
	for _, tt := range []struct {
		name string
		kind volume.Kind
		cfg  volume.Config
		want string // empty for no mistake
	}{
		{"neither", plain, volume.Config{}, ""},
		{"required", plain, volume.Config{Path: "/m", RequireMount: new(true), ReadOnly: true}, ""},
		{"required nowhere", plain, volume.Config{RequireMount: new(true)}, "require_mount is set, but `path` is missing"},
		{"required somewhere", plain, volume.Config{Path: "m", RequireMount: new(true)}, "require_mount is set, but `path` is not absolute"},
		{"not required", plain, volume.Config{RequireMount: new(false)}, ""},
		{"read-only without a mount", plain, volume.Config{Backend: "netapp", Path: "/m", ReadOnly: true}, "set require_mount = true, or remove it"},
		{"read-only by the appliance's word", telling, volume.Config{ReadOnly: true}, ""},
	} {
		if _, err := tt.kind.Identify(tt.cfg); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
