package api

import (
	"testing"

	"storage_exporter/volume/backends"
)

// Every backend has capabilities for the manager.
func TestCapabilitiesOfAllBackends(t *testing.T) {
	for name := range backends.Table(nil) {
		if len(capabilities[name]) == 0 {
			t.Errorf("%s has none", name)
		}
	}
}
