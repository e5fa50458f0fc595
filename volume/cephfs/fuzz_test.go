package cephfs

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"storage_exporter/volume/mount"
)

// Whatever attributes a directory has, no figure contradicts another, no name
// leads out of debugfs, and what is told is sound.
func FuzzAttributes(f *testing.F) {
	f.Add("4398046511104", "1200000", "50042", "10995116277760", "0", "1768000000.090123456000", fsid, "client4150")
	f.Add("5\n", "18446744073709551615", "2", "4\x00", "3", "-1.5", "../..", "client1/../..")
	f.Fuzz(func(t *testing.T, rbytes, rfiles, rdirs, maxBytes, maxFiles, rctime, cluster, id string) {
		a := attributes{values: map[string]string{
			recursiveBytes: rbytes, recursiveFiles: rfiles, recursiveDirs: rdirs, quotaBytes: maxBytes, quotaFiles: maxFiles,
			recursiveTime: rctime, clusterID: cluster, clientID: id,
		}}
		p := probe{
			state: mount.State{
				Path: mnt, Real: mnt, Mount: mount.Mount{Point: mnt, FSType: kernelType},
				FS: unix.Statfs_t{Frsize: 4096, Blocks: 1000, Bfree: 600, Bavail: 500, Files: 9, Ffree: 1<<64 - 1},
			},
			asked: a,
		}
		whole, err := p.state.Usage(mount.Want{})
		if err != nil {
			t.Fatal(err)
		}
		u := a.limit(whole)
		if *u.AvailableBytes > *whole.AvailableBytes || *u.AvailableBytes > *u.CapacityBytes || *u.CapacityBytes == 0 {
			t.Errorf("%d of %d bytes are available", *u.AvailableBytes, *u.CapacityBytes)
		}
		if (u.Inodes == nil) != (u.InodesUsed == nil) || u.Inodes != nil && *u.Inodes == 0 {
			t.Errorf("%v inodes, %v used", u.Inodes, u.InodesUsed)
		}
		if at := a.changed(); at != "" {
			if moment, err := time.Parse(time.RFC3339, at); err != nil || moment.Unix() <= 0 {
				t.Errorf("changed at %q", at)
			}
		}
		if i, ok := a.instance(); ok && (i.directory() != filepath.Base(i.directory()) || !filepath.IsLocal(i.directory())) {
			t.Errorf("its directory is %q", i.directory())
		}
		h := p.health(mount.Want{})
		if len(h.Info) > 500 || !utf8.ValidString(h.Info) {
			t.Errorf("%q", h.Info)
		}
		for name, value := range h.Metadata {
			if len(value) > 1000 || !utf8.ValidString(value) {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
}

// Whatever a process says of itself, what is told of it is short and sound.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(statusOf(mnt, 4136)))
	f.Add([]byte(`{"metadata":{"ceph_version":"\xff","pid":null},"id":18446744073709551615,"blacklisted":true,"fs_name":""}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		st := new(status)
		if json.Unmarshal(answer, st) != nil {
			return
		}
		p := good(fuseType)
		p.client = st
		h := p.health(mount.Want{})
		if st.blocklisted() != (h.Info != "") {
			t.Errorf("blocklisted %v: %q", st.blocklisted(), h.Info)
		}
		for _, name := range []string{"ceph_version", "fs_name"} {
			if value, ok := h.Metadata[name]; len(value) > maxWord || !utf8.ValidString(value) || ok && value == "" {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
}
