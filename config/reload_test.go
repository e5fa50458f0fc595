package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRestartNeeded(t *testing.T) {
	const before = "[redis]\naddresses = [\"a:1\"]\npassword = \"one\"\n[redis.tls]\nenabled = true\n"
	tests := []struct {
		name, after string
		want        []string
	}{
		{"nothing", before, nil},
		{"drives and volumes", before + "[smart]\ninterval = \"50s\"\n[volumes]\nusage_interval = \"9s\"\n[volume.v]\nbackend = \"vfs\"\npath = \"/v\"", nil},
		{"enclosures and pools", before + "[enclosures]\ninterval = \"9s\"\n[zfs]\ninterval = \"9s\"", []string{"enclosures.interval", "zfs.interval"}},
		{"all", "[node]\nname = \"n\"\n[cache]\nstore = \"memory\"\n[redis]\naddresses = [\"a:2\"]\npassword = \"two\"", []string{"cache.store", "node.name", "redis.addresses", "redis.password", "redis.tls.enabled"}},
	}
	from := load(t, before, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, RestartNeeded(from, load(t, tt.after, Options{}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
