package cephfs

import (
	"errors"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

// A quota is what the volume may hold; without one it is what statfs says.
func TestLimit(t *testing.T) {
	n := func(n uint64) *uint64 { return &n }
	whole := volume.Usage{CapacityBytes: n(1000), UsedBytes: n(400), AvailableBytes: n(600), Inodes: n(7), InodesUsed: n(3)}
	bytes := volume.Usage{CapacityBytes: n(1000), UsedBytes: n(400), AvailableBytes: n(600)}
	for name, tt := range map[string]struct {
		values map[string]string
		want   volume.Usage
	}{
		"none":          {nil, bytes},
		"no quota":      {map[string]string{quotaBytes: "0", recursiveBytes: "50"}, bytes},
		"quota":         {map[string]string{quotaBytes: "100\n", recursiveBytes: " 30\x00"}, volume.Usage{CapacityBytes: n(100), UsedBytes: n(30), AvailableBytes: n(70)}},
		"overdrawn":     {map[string]string{quotaBytes: "100", recursiveBytes: "130"}, volume.Usage{CapacityBytes: n(100), UsedBytes: n(130), AvailableBytes: n(0)}},
		"above what is": {map[string]string{quotaBytes: "5000", recursiveBytes: "30"}, volume.Usage{CapacityBytes: n(5000), UsedBytes: n(30), AvailableBytes: n(600)}},
		"use not told":  {map[string]string{quotaBytes: "100"}, bytes},
		"no number":     {map[string]string{quotaBytes: "-1", recursiveBytes: "x"}, bytes},
		"of files": {map[string]string{quotaFiles: "10", recursiveFiles: "3", recursiveDirs: "2"},
			volume.Usage{CapacityBytes: n(1000), UsedBytes: n(400), AvailableBytes: n(600), Inodes: n(10), InodesUsed: n(5)}},
		"of files, not told": {map[string]string{quotaFiles: "10", recursiveFiles: "3"}, bytes},
		"of files, absurd":   {map[string]string{quotaFiles: "10", recursiveFiles: "18446744073709551615", recursiveDirs: "2"}, bytes},
	} {
		t.Run(name, func(t *testing.T) {
			volumetest.Same(t, tt.want, attributes{values: tt.values}.limit(whole))
		})
	}
	if got := (attributes{values: map[string]string{quotaBytes: "100", recursiveBytes: "30"}}).limit(volume.Usage{}); *got.AvailableBytes != 70 {
		t.Errorf("%+v", got)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, map[string]string{recursiveBytes: "4096"})
	r := newRig(t, fuse.Point, kernelType, nil)
	u, err := r.OwnUsage()
	if err != nil || *u.CapacityBytes != 1000*4096 || *u.UsedBytes != 400*4096 || *u.AvailableBytes != 500*4096 || u.Inodes != nil {
		t.Errorf("%+v, %v", u, err)
	}
	fuse.SetXattr(quotaBytes, "8192")
	u, err = r.OwnUsage()
	if err != nil || *u.CapacityBytes != 8192 || *u.UsedBytes != 4096 || *u.AvailableBytes != 4096 {
		t.Errorf("quota: %+v, %v", u, err)
	}
}

func TestChanged(t *testing.T) {
	for told, want := range map[string]string{
		"1768000000.090123456000": "2026-01-09T23:06:40Z", "1768000000": "2026-01-09T23:06:40Z", "0.000000000": "", "": "",
		"-5.0": "", "x": "", "99999999999999": "", "253402300799.0": "9999-12-31T23:59:59Z",
	} {
		if got := (attributes{values: map[string]string{recursiveTime: told}}).changed(); got != want {
			t.Errorf("%q: %q, want %q", told, got, want)
		}
	}
}

func TestInstance(t *testing.T) {
	for name, tt := range map[string]struct {
		values map[string]string
		ok     bool
	}{
		"told":    {told(), true},
		"nothing": {nil, false},
		"a path":  {map[string]string{clusterID: fsid, clientID: "client1/../.."}, false},
		"no fsid": {map[string]string{clusterID: "../../etc", clientID: "client1"}, false},
		"no id":   {map[string]string{clusterID: fsid, clientID: "client"}, false},
		"a line":  {map[string]string{clusterID: fsid, clientID: "client1\nclient2"}, false},
	} {
		i, ok := attributes{values: tt.values}.instance()
		if ok != tt.ok || ok && i.directory() != client {
			t.Errorf("%s: %+v, %v", name, i, ok)
		}
	}
}

func TestIdentify(t *testing.T) {
	kind := Kind(nil)
	id := func(path string, options map[string]any) (volume.Identity, error) {
		return kind.Identify(volume.Config{Name: "v", Backend: "cephfs", Path: path, Options: options})
	}
	for name, tt := range map[string]struct {
		path    string
		options map[string]any
		want    string
	}{
		"no path":         {"", nil, "`path` is missing: set it to the directory of the volume"},
		"relative path":   {"mnt", nil, "`path` is not absolute: begin it with a slash"},
		"relative socket": {"/mnt", map[string]any{"ceph_admin_socket": "a.asok"}, `volume.v.options.ceph_admin_socket must be an absolute path, such as "/var/run/ceph/ceph-client.admin.asok"`},
		"relative place":  {"/mnt", map[string]any{"ceph_debugfs_path": "debug"}, `volume.v.options.ceph_debugfs_path must be an absolute path, such as "/sys/kernel/debug/ceph"`},
		"wrong type":      {"/mnt", map[string]any{"ceph_admin_socket": []any{}}, "volume.v.options.ceph_admin_socket must be a text in quotes"},
	} {
		if _, err := id(tt.path, tt.options); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	a, err1 := id("/mnt/a/", nil)
	b, err2 := id("/mnt/./a", nil)
	c, err3 := id("/mnt/a", map[string]any{"ceph_admin_socket": "/s"})
	if errors.Join(err1, err2, err3) != nil || a != b || a.Share == c.Share || a.Object != "/mnt/a" || a.Endpoint != "" {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
	if _, err := kind.New([]volume.Config{{Name: "v", Path: "/mnt", Options: map[string]any{"ceph_admin_socket": "s"}}}, nil); err == nil {
		t.Error("a backend with a wrong option")
	}
}
