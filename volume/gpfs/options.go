package gpfs

import (
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	apiPath        = "/scalemgmt/v2"
	allFilesystems = ":all:"
	standardClass  = "all" // GPFS's own class of all nodes
)

// options are a volume's, as docs/backends/gpfs.md lists them. The storage proxy's
// others, such as gpfs_owner, are about folders.
type options struct {
	access   rest.Access
	user     string
	password secret.Text
	class    string        // gpfs_node_class
	bucket   time.Duration // gpfs_sensor_period
	volumeOptions
}

// volumeOptions are where volumes on one cluster may differ.
type volumeOptions struct {
	filesystem string
	readOnly   bool // a read-only mount is as it should be
}

func read(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	opts := options{
		access:   rest.ReadAccess(o, "gpfs_endpoint", `the URL of a GUI node, such as "https://gui.example.net:443"`, "gpfs_verify_ssl"),
		user:     o.String("gpfs_username", "the name of a GUI user with the role Monitor"),
		password: o.Secret("gpfs_password", "that user's password"),
		class:    o.StringOr("gpfs_node_class", standardClass),
		bucket:   time.Duration(o.Int("gpfs_sensor_period", 10, 1, 300)) * time.Second,
		volumeOptions: volumeOptions{
			filesystem: o.String("gpfs_fs_name", `the file system's name, such as "fs1"`),
			readOnly:   cfg.ReadOnly,
		},
	}
	o.Ignore("gpfs_owner", "gpfs_fileset_prefix", "gpfs_cluster_name")
	opts.access.DefaultPath(apiPath)
	return opts, o.Err()
}

func (o options) identity() volume.Identity {
	return o.access.Identity(o.filesystem, o.user, o.password.Reveal(), o.class, o.bucket.String())
}
