package cephfs

import "regexp"

// instance names a client of a cluster, as it is for as long as it is mounted.
type instance struct {
	fsid string
	id   string // as "client4150"
}

var (
	isFsid   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	isClient = regexp.MustCompile(`^client[0-9]{1,20}$`)
)

// instance is false where the attributes do not have it, as before Linux 5.11.
func (a attributes) instance() (instance, bool) {
	i := instance{a.text(clusterID), a.text(clientID)}
	return i, isFsid.MatchString(i.fsid) && isClient.MatchString(i.id)
}

// directory is the name of its directory in debugfs.
func (i instance) directory() string { return i.fsid + "." + i.id }
