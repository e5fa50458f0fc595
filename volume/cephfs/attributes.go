package cephfs

import (
	"context"
	"strconv"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// Extended attributes that CephFS has for each directory. Listing them shows
// none: each is asked for by its name.
const (
	recursiveBytes = "ceph.dir.rbytes" // of what is below; behind by up to some seconds, like all recursive ones
	recursiveFiles = "ceph.dir.rfiles"
	recursiveDirs  = "ceph.dir.rsubdirs" // the directory itself counts
	recursiveTime  = "ceph.dir.rctime"   // seconds.nanoseconds of the newest change
	quotaBytes     = "ceph.quota.max_bytes"
	quotaFiles     = "ceph.quota.max_files" // of files and directories together
	clusterID      = "ceph.cluster_fsid"
	clientID       = "ceph.client_id" // as "client4150"
)

// attributes are those of a directory.
type attributes struct {
	values map[string]string
	// took is how long the slowest was waited for.
	took time.Duration
}

func (b *backend) attributes(ctx context.Context, names ...string) (attributes, error) {
	values, took, err := b.Point.Xattrs(ctx, names...)
	return attributes{values, took}, err
}

// text is an attribute's value.
func (a attributes) text(name string) string {
	return strings.TrimSpace(strings.TrimRight(a.values[name], "\x00\n"))
}

// number is nil where the attribute is missing, or is no number.
func (a attributes) number(name string) *uint64 { return mount.Count(a.text(name)) }

// quota is a limit; nil where there is none.
func (a attributes) quota(name string) *uint64 {
	if n := a.number(name); n != nil && *n > 0 {
		return n
	}
	return nil
}

// entries is what a quota of files counts; nil where it is not known.
func (a attributes) entries() *uint64 {
	files, dirs := a.number(recursiveFiles), a.number(recursiveDirs)
	if files == nil || dirs == nil || *files+*dirs < *files {
		return nil
	}
	return new(*files + *dirs)
}

// limit makes the volume's quota its capacity. What the file system has left is
// the bound of what the quota leaves.
func (a attributes) limit(u volume.Usage) volume.Usage {
	if quota, used := a.quota(quotaBytes), a.number(recursiveBytes); quota != nil && used != nil {
		left := *quota - min(*quota, *used)
		if u.AvailableBytes != nil {
			left = min(left, *u.AvailableBytes)
		}
		u.CapacityBytes, u.UsedBytes, u.AvailableBytes = quota, used, &left
	}
	// The figures of statfs are no inodes: of the objects of the whole cluster.
	u.Inodes, u.InodesUsed = nil, nil
	if quota, used := a.quota(quotaFiles), a.entries(); quota != nil && used != nil {
		u.Inodes, u.InodesUsed = quota, used
	}
	return u
}

// changed is the time of the newest change below the directory; "" where it is
// not known. The digits behind the point are not to be relied on: some kernels
// print too many.
func (a attributes) changed() string {
	whole, _, _ := strings.Cut(a.text(recursiveTime), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 || seconds > maxTime {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// maxTime is the last second of the year 9999.
const maxTime = 253402300799
