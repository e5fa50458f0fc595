package dellemc

import (
	"path"
	"slices"
	"strings"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// options are a volume's, as docs/backends/dellemc-onefs.md lists them. The storage
// proxy's dell_api_version is not read: each call is made at the lowest version
// that has it, which all later releases answer.
type options struct {
	access   rest.Access
	user     string
	password secret.Text
	volumeOptions
}

// volumeOptions are where volumes on one cluster may differ.
type volumeOptions struct {
	path      string   // below /ifs
	protocols []string // whose operations count; none is all that clients speak
	dataset   string   // of performance; empty for the cluster's figures
}

func read(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	opts := options{
		access:   rest.ReadAccess(o, "dell_endpoint", `the cluster's URL, such as "https://onefs.example.net:8080"`, "dell_verify_ssl"),
		user:     o.String("dell_username", "the name of an account that may read", "dell_admin"),
		password: o.Secret("dell_password", "the account's password"),
		volumeOptions: volumeOptions{
			path:      o.String("dell_ifs_path", `the volume's directory on the cluster, such as "/ifs/data"`),
			protocols: protocols(o.Strings("dell_system_name")),
			dataset:   o.StringOr("dell_perf_dataset", ""),
		},
	}
	o.Ignore("dell_api_version")
	if len(opts.access.Endpoints) > 1 {
		o.Wrong("dell_endpoint", "must be one URL: a session is one node's; set it to the address of a node or to a SmartConnect name")
	}
	if opts.path != "" {
		opts.path = path.Clean(opts.path)
		if opts.path != "/ifs" && !strings.HasPrefix(opts.path, "/ifs/") {
			o.Wrong("dell_ifs_path", "must begin with /ifs")
		}
	}
	return opts, o.Err()
}

// protocols are those of the statistics; none is all that clients speak. The
// storage proxy takes any word; what it may well be set to is understood.
func protocols(names []string) []string {
	var all []string
	for _, name := range names {
		switch name = strings.ToLower(name); name {
		case "all", "external":
			return nil
		case "nfs":
			all = append(all, "nfs3", "nfs4")
		case "smb":
			all = append(all, "smb1", "smb2")
		default:
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (o options) identity() volume.Identity {
	object := o.path
	if o.dataset != "" {
		object += " in " + o.dataset
	}
	return o.access.Identity(strings.Join(append([]string{object}, o.protocols...), " "), o.user, o.password.Reveal())
}
