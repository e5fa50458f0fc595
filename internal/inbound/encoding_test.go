package inbound

import (
	"net/http"
	"testing"
)

func TestAcceptsGzip(t *testing.T) {
	tests := []struct {
		header string
		want   bool
	}{
		{"", false}, {"gzip", true}, {"GZip", true}, {"x-gzip", true}, {"deflate, gzip;q=0.5", true},
		{"gzip;q=0", false}, {"gzip; q=0.0", false}, {"gzip;q=0, *", false}, {"*", true}, {"*;q=0", false},
		{"identity", false}, {"gzip;q=x", false}, {"zstd, br", false}, {"gzipped", false}, {";;;,,,=", false},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			if got := AcceptsGzip(http.Header{"Accept-Encoding": {tt.header}}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
