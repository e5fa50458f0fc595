package demo

import (
	"bytes"
	"context"
	"math"
	"path"
	"time"

	"github.com/BurntSushi/toml"

	"storage_exporter/internal/kit"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/gpfs/gpfstest"
	"storage_exporter/volume/purestorage/purestoragetest"
	"storage_exporter/volume/weka/wekatest"
)

// volumes are those of the big host: on two appliances of one file system each and on
// one of two, on one that is not there, and on real directories.
type volumes struct {
	sections map[string]any

	weka  *wekatest.Cluster
	array *purestoragetest.Array
	scale *appliancetest.Emulator
}

// absent is the volume whose appliance does not answer.
const absent = "backup"

func newVolumes(t kit.T, h *host) *volumes {
	t.Helper()
	v := newLocal(h)
	v.weka = wekatest.Start(t, nil, 2)
	v.weka.Load = waves(180)
	v.add(v.weka.Emulator, "training", "datasets")
	v.array = purestoragetest.Start(t, nil, 2, "auto", "2.9")
	v.array.Load = waves(7)
	v.add(v.array.Emulator, "checkpoints", "models")
	// 38 TiB, of which it has lost a disk.
	scale := &gpfstest.GUI{Filesystems: 1, Word: "DEGRADED", Scale: 4 << 20, Load: waves(14)}
	v.scale = scale.Start(t, nil)
	v.add(v.scale, "archive")
	nobody, err := hold()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nobody.free)
	v.sections[absent] = section("dellemc-onefs", "/mnt/"+absent, map[string]any{
		"dell_endpoint": "https://" + nobody.address, "dell_username": "monitor", "dell_password": "invented",
		"dell_api_version": "12", "dell_ifs_path": "/ifs/" + absent, "dell_system_name": "nfs",
	})
	return v
}

// newLocal are the volumes of a host that are on mounts alone.
func newLocal(h *host) *volumes {
	v := &volumes{sections: map[string]any{}}
	for _, m := range h.mounts[1:] { // without the root
		backend := "vfs"
		if m.fsType == backendXFS {
			backend = backendXFS
		}
		v.sections[path.Base(m.point)] = section(backend, m.point, map[string]any{})
	}
	return v
}

// add configures the volumes of an emulator, which has made up other names for them.
func (v *volumes) add(e *appliancetest.Emulator, names ...string) {
	for i, name := range names {
		v.sections[name] = section(e.Volumes[i].Backend, "/mnt/"+name, e.Volumes[i].Options)
	}
}

// forget drops the calls that the appliances have counted: nobody asks for them.
func (v *volumes) forget() {
	for _, a := range []*appliancetest.Emulator{v.weka.Emulator, v.array.Emulator, v.scale} {
		a.Forget()
	}
}

// backendXFS is also the type of its file system.
const backendXFS = "xfs"

func section(backend, path string, options map[string]any) map[string]any {
	return map[string]any{"backend": backend, "path": path, "options": options}
}

// config is the sections of the exporter's file.
func (v *volumes) config() (string, error) {
	var b bytes.Buffer
	err := toml.NewEncoder(&b).Encode(map[string]any{"volume": v.sections})
	return b.String(), err
}

// waves is the load of a file system over the time, in waves of some minutes around so
// many times what an emulator takes for usual.
func waves(times float64) func(i int, at time.Time) float64 {
	return func(i int, at time.Time) float64 {
		seconds := float64(at.Unix())
		return times * (1.1 + .6*math.Sin(seconds/97+float64(2*i)) + .3*math.Sin(seconds/23+float64(i)))
	}
}

// faults are those of the appliances.
func (v *volumes) faults(d *Demo) []Fault {
	at := func(f func()) func(context.Context) error {
		return func(context.Context) error { return d.kit.Try(func(kit.T) { f() }) }
	}
	return []Fault{
		{
			"volume-degrades", "a drive of the Weka cluster of training and datasets has failed, and it rebuilds", "the Weka cluster is whole again", d,
			at(func() { v.weka.Set(func() { v.weka.Down, v.weka.Status = 1, "REBUILDING" }) }),
			at(func() { v.weka.Set(func() { v.weka.Down, v.weka.Status = 0, "" }) }),
		},
		{
			"volume-offline", "the FlashBlade refuses connections: checkpoints and models go offline", "the FlashBlade answers again", d,
			at(v.array.Emulator.Down), at(v.array.Up),
		},
		{
			"appliance-hangs", "the GUI node of archive hangs", "the GUI node of archive answers again", d,
			at(func() { v.scale.Break(appliancetest.Hangs()) }), at(v.scale.Mend),
		},
	}
}
