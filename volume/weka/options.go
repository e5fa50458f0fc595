package weka

import (
	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// options are a volume's.
type options struct {
	access       rest.Access
	user         string
	password     secret.Text
	organization string
	token        secret.Text // a long-lived one, in place of user and password; may be empty
	fs           string
}

func readOptions(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	read := options{
		access:       rest.ReadAccess(o, "weka_endpoint", "the URL of a backend server with its port, such as https://weka01:14000, or a list of them", "weka_verify_ssl"),
		organization: o.StringOr("weka_organization", "Root"),
		token:        o.SecretOr("weka_token"),
		fs:           o.String("weka_fs_name", "the file system's name"),
	}
	o.Ignore("weka_username", "weka_password")
	if read.token.Reveal() == "" {
		read.user = o.String("weka_username", "the name of an account that may read")
		read.password = o.Secret("weka_password", "the account's password")
	}
	read.access.DefaultPath("/api/v2")
	return read, o.Err()
}

func (o options) identity() volume.Identity {
	return o.access.Identity(o.organization+"/"+o.fs, o.user, o.password.Reveal(), o.organization, o.token.Reveal())
}
