package vast

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"strings"
	"unicode"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// What a volume's figures are of.
const (
	viewScope    = "view"
	clusterScope = "cluster"
)

// options are a volume's. The storage proxy's vast_storage_base_dir,
// vast_cluster_info_cache_ttl and vast_use_auth_token have no effect: nothing is
// made below a directory, and no answer serves for longer than a moment.
type options struct {
	access   rest.Access
	user     string
	password secret.Text
	token    secret.Text // a long-lived one, in place of user and password; may be empty
	basic    bool        // user and password go with every call; else there is a session
	tenant   string      // may be empty
	cluster  int         // its id
	view     string      // the path of a view; empty: the volume is the cluster
}

var versions = regexp.MustCompile(`^(v[1-9][0-9]?|latest)$`)

func readOptions(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	read := options{
		access:  rest.ReadAccess(o, "vast_endpoint", "the URL of the management, such as https://vms01", "vast_verify_ssl"),
		token:   o.SecretOr("vast_api_token"),
		basic:   o.Bool("vast_force_login", true),
		tenant:  strings.TrimSpace(o.StringOr("vast_tenant", "")),
		cluster: o.Int("vast_cluster_id", 1, 1, math.MaxInt32),
		view:    strings.TrimSpace(o.StringOr("vast_view_path", "")),
	}
	o.Ignore("vast_username", "vast_password", "vast_storage_base_dir", "vast_cluster_info_cache_ttl", "vast_use_auth_token")
	if read.token.Reveal() == "" {
		read.user = o.String("vast_username", "the name of an account that may read")
		read.password = o.Secret("vast_password", "the account's password")
	}
	version := strings.ToLower(o.StringOr("vast_api_version", "v2"))
	if !versions.MatchString(version) {
		o.Wrong("vast_api_version", `must be "latest" or a version such as "v2"`)
	}
	if strings.ContainsFunc(read.tenant, unicode.IsControl) {
		o.Wrong("vast_tenant", "must be a tenant's name on one line")
	}
	if read.view != "" {
		if !strings.HasPrefix(read.view, "/") {
			o.Wrong("vast_view_path", "must begin with /: set it to the path of a view as the cluster knows it")
		}
		read.view = path.Clean(read.view)
	}
	read.access.DefaultPath("/api/" + version)
	return read, o.Err()
}

func (o options) scope() string {
	if o.view != "" {
		return viewScope
	}
	return clusterScope
}

func (o options) identity() volume.Identity {
	return o.access.Identity(o.object(), o.user, o.password.Reveal(), o.token.Reveal(), fmt.Sprint(o.basic), o.tenant, o.scope())
}
