package inbound

import (
	"net/http"
	"strconv"
	"strings"
)

// AcceptsGzip says whether the client takes gzip, as RFC 9110 12.5.3 has it.
func AcceptsGzip(header http.Header) bool {
	others := false
	for item := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(item, ";")
		weight := 1.0
		if name, q, ok := strings.Cut(params, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			weight, _ = strconv.ParseFloat(strings.TrimSpace(q), 64) // 0 if it is none
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			others = weight > 0
		}
	}
	return others
}
