package enclosure

import (
	"strconv"
	"strings"

	"storage_exporter/block"
	"storage_exporter/internal/outside"
)

// maxNumber bounds a slot's number: SES has a byte for it.
const maxNumber = 65535

// clean makes a text of what may be anything: its first line.
func clean(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return outside.TextUpTo(line, maxText)
}

// parseID reads a logical id or an SAS address.
func parseID(b []byte) string { return block.NormalID(clean(b)) }

// parseNumber reads a slot's number. Negative means that the enclosure gives none.
func parseNumber(b []byte) *int {
	n, err := strconv.Atoi(clean(b))
	if err != nil || n < 0 || n > maxNumber {
		return nil
	}
	return new(n)
}

// parseStatus takes only what the kernel may say.
func parseStatus(b []byte) Status {
	switch s := Status(clean(b)); s {
	case Unsupported, OK, Critical, NonCritical, Unrecoverable, NotInstalled, Unknown, Unavailable:
		return s
	}
	return ""
}

// parseFault reads two bits: 2 is set by the host, 4 is sensed by the enclosure.
func parseFault(b []byte) *bool {
	switch clean(b) {
	case "0":
		return new(false)
	case "2", "4", "6":
		return new(true)
	}
	return nil
}

func parseLocate(b []byte) *bool {
	switch clean(b) {
	case "0":
		return new(false)
	case "1":
		return new(true)
	}
	return nil
}

func parsePower(b []byte) *string {
	switch s := clean(b); s {
	case "on", "off":
		return new(s)
	}
	return nil
}
