package block

import (
	"strconv"
	"strings"
)

// IsNumber says whether a text is the number of a device: major:minor.
func IsNumber(s string) bool {
	major, minor, ok := strings.Cut(s, ":")
	if !ok {
		return false
	}
	_, err1 := strconv.ParseUint(major, 10, 32)
	_, err2 := strconv.ParseUint(minor, 10, 32)
	return err1 == nil && err2 == nil
}
