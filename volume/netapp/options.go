package netapp

import (
	"regexp"
	"strings"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// options are those of one volume. The storage proxy's netapp_nfs_host and
// netapp_xcp_cmd are not needed here.
type options struct {
	access   rest.Access
	user     string
	password secret.Text
	object   object
	interval time.Duration // of performance
}

// object is a volume by its names on the cluster.
type object struct {
	svm  string // empty: whichever has a volume of the name
	name string
}

func (o object) String() string {
	if o.svm == "" {
		return o.name
	}
	return o.svm + "/" + o.name
}

// plainName is what volumes and SVMs may be called; everything else may be an
// operator of ONTAP's queries.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func readOptions(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	read := options{
		access:   rest.ReadAccess(o, "netapp_ontap_endpoint", "the URL of the cluster's or the SVM's management LIF, such as https://ontap01", "netapp_ontap_verify_ssl"),
		user:     o.String("netapp_ontap_user", "the name of an account that may read by REST"),
		password: o.Secret("netapp_ontap_password", "the account's password"),
		object: object{
			svm:  o.StringOr("netapp_svm_name", ""),
			name: o.String("netapp_volume_name", "the volume's name on the cluster"),
		},
		interval: cfg.PerformanceInterval,
	}
	o.Ignore("netapp_nfs_host", "netapp_xcp_cmd")
	named := func(key, name string) {
		if name != "" && (!plainName.MatchString(name) || strings.Contains(name, "..")) {
			o.Wrong(key, "must be one name, of letters, digits, underscores, dots and hyphens")
		}
	}
	named("netapp_volume_name", read.object.name)
	named("netapp_svm_name", read.object.svm)
	for _, u := range read.access.Endpoints {
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/api"), strings.TrimSuffix(u.RawPath, "/api")
	}
	return read, o.Err()
}

func (o options) identity() volume.Identity {
	return o.access.Identity(o.object.String(), o.user, o.password.Reveal())
}
