package demo

import (
	"fmt"
	"strings"

	"storage_exporter/internal/kit"
)

// volumes are those of the big host.
type volumes struct {
	sections strings.Builder
}

func newVolumes(t kit.T, h *host) *volumes {
	t.Helper()
	v := &volumes{}
	for _, m := range h.mounts[1:] {
		v.local(m)
	}
	return v
}

// local configures what is mounted as a volume of the last element's name.
func (v *volumes) local(m mounted) {
	backend := "vfs"
	if m.fsType == "xfs" {
		backend = "xfs"
	}
	fmt.Fprintf(&v.sections, "[volume.%s]\nbackend = %q\npath = %q\n", m.point[strings.LastIndexByte(m.point, '/')+1:], backend, m.point)
}

// config is the sections of the exporter's file.
func (v *volumes) config() string { return v.sections.String() }

func (v *volumes) faults(*Demo) []Fault { return nil }
