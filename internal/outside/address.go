package outside

import (
	"net"
	"regexp"
	"strconv"
)

// host is what may be one: a name, or an IP address.
var host = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,253}$`)

// IsAddress is whether a text is host:port, and nothing else.
func IsAddress(s string) bool {
	name, port, err := net.SplitHostPort(s)
	n, noNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && noNumber == nil && n > 0 && host.MatchString(name)
}
