package purestorage

import (
	"cmp"
	"slices"
	"strings"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// options are a volume's.
type options struct {
	access   rest.Access
	token    secret.Text
	version  string // "1.8", or what pick understands
	protocol string // upper case; empty is all
	fs       string
	physical bool // used is what lies on flash, not what was written
	readOnly bool // a file system that cannot be written is as it should be
}

// all is every protocol; the API has no word for it.
const all = "ALL"

var protocols = []string{all, "NFS", "SMB", "HTTP", "S3"}

func readOptions(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	read := options{
		access:   rest.ReadAccess(o, "purity_endpoint", "the FlashBlade's URL, such as https://fb01", "purity_verify_ssl"),
		token:    o.Secret("purity_api_token", "the API token of an account that may read, such as T-…"),
		version:  strings.ToLower(strings.TrimSpace(o.StringOr("purity_api_version", auto))),
		protocol: strings.ToUpper(o.StringOr("purity_protocol", "NFS")),
		fs:       o.String("purity_fs_name", "the file system's name"),
		readOnly: cfg.ReadOnly,
	}
	if !isVersion(read.version) && !slices.Contains([]string{auto, "1", "1.x", "2", "2.x", "2.latest"}, read.version) {
		o.Wrong("purity_api_version", `must be "auto", "2.x", "1.x" or a version in quotes, such as "1.12"`)
	}
	if !slices.Contains(protocols, read.protocol) {
		o.Wrong("purity_protocol", "must be one of "+strings.Join(protocols, ", "))
	}
	if read.protocol == all {
		read.protocol = ""
	}
	if strings.Contains(read.fs, ",") {
		o.Wrong("purity_fs_name", "must be the name of one file system")
	}
	switch used := o.StringOr("purity_used", "virtual"); used {
	case "virtual", "physical":
		read.physical = used == "physical"
	default:
		o.Wrong("purity_used", `must be "virtual" or "physical"`)
	}
	return read, o.Err()
}

func (o options) identity() volume.Identity {
	return o.access.Identity(o.fs+" by "+cmp.Or(o.protocol, all), o.token.Reveal(), o.version)
}
