// Package fleet makes one view of many hosts that share a store. Each exporter puts a
// digest of itself there, and marks its name in a set; whoever shows the fleet reads the
// digests, never the hosts. Everybody who may write to the store may write a digest:
// what is read is taken for hostile.
package fleet

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"time"

	"storage_exporter/internal/outside"
)

const (
	// interval is the time between two digests of a node.
	interval = 30 * time.Second
	// life is how long a digest lives in the store. A node is live while it does.
	life = 90 * time.Second
	// keep is how long a silent node is listed.
	keep = 7 * 24 * time.Hour
	// marks is every which digest marks the node's name, too: that costs more than the
	// digest.
	marks = 3
	// set is the key of the names.
	set = "fleet:nodes"
	// maxNodes bounds the nodes that are read: those that were marked last.
	maxNodes = 20_000
	// piece is how many digests are read in one call.
	piece = 500
)

func key(node string) string { return "fleet:node:" + node }

// nodeName is what becomes part of keys.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// IsName is whether a text may be a node's name.
func IsName(s string) bool { return nodeName.MatchString(s) }

// CheckURL says what is wrong with the URL of a node's exporter.
func CheckURL(s string) error {
	_, _, err := parseURL(s)
	return err
}

// parseURL takes a URL of a scheme, a host and perhaps a port apart.
func parseURL(s string) (scheme, address string, err error) {
	wrong := errors.New("must be http:// or https:// with a host and a port, and nothing else: write `https://HOST:9777`")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || s != u.Scheme+"://"+u.Host {
		return "", "", wrong
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	if address = net.JoinHostPort(u.Hostname(), port); !outside.IsAddress(address) {
		return "", "", wrong
	}
	return u.Scheme, address, nil
}
