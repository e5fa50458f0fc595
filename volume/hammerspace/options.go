package hammerspace

import (
	"cmp"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// apiPath is where the API is on an Anvil.
const apiPath = "/mgmt/v1.2/rest"

// options are a volume's. The storage proxy's mount_source, share_query_retry,
// share_query_wait_sec and ssl_config are about making shares: nothing is made here.
type options struct {
	access   rest.Access
	user     string
	password secret.Text
	share    string // empty: the volume is the cluster
	path     string // on this host; may be empty
	volume   volume.Config
}

func readOptions(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	read := options{
		access:   rest.ReadAccess(o, "address", "the Anvil's management URL, such as https://anvil01"+apiPath, "ssl_enabled"),
		user:     o.String("username", "the name of an account that may read"),
		password: o.Secret("password", "the account's password"),
		share:    o.StringOr("share", ""),
		path:     cleanPath(cfg.Path),
		volume:   cfg,
	}
	o.Ignore("mount_source", "share_query_retry", "share_query_wait_sec", "ssl_config")
	read.access.DefaultPath(apiPath)
	return read, o.Err()
}

func (o options) identity() volume.Identity {
	return o.access.Identity(cmp.Or(o.share, "cluster")+" at "+o.path, o.user, o.password.Reveal())
}
