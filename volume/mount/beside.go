package mount

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"storage_exporter/volume"
)

// The types of file systems by which clients mount what appliances serve.
var network = []string{"nfs", "nfs4", "cifs", "smb3"}

// Beside is the kind of an appliance whose volumes may be required to be mounted on
// this host, too. own is the vendor's own type of file system, if it has one.
func Beside(host *Host, kind volume.Kind, own ...string) volume.Kind {
	identify, types := kind.Identify, append(own, network...)
	kind.Identify = func(cfg volume.Config) (volume.Identity, error) {
		id, err := identify(cfg)
		switch {
		case err != nil:
		case cfg.MountRequired():
			if _, err = Identify(cfg); err != nil {
				err = fmt.Errorf("require_mount is set, but %w", err)
			}
		case cfg.ReadOnly && !kind.TellsReadOnly:
			err = fmt.Errorf("`read_only` has no effect on a volume of %s that is not required to be mounted here: set require_mount = true, or remove it", cfg.Backend)
		}
		return id, err
	}
	kind.Mount = func(cfg volume.Config) volume.Look {
		point := host.NewPoint(path.Clean(cfg.Path), cfg.PerformanceInterval)
		want := WantOf(cfg, true)
		return func(ctx context.Context) volume.Mounted { return point.Look(ctx).mounted(want, types) }
	}
	return kind
}

// mounted is what a look says of a volume that is mounted by one of the types.
func (s State) mounted(want Want, types []string) volume.Mounted {
	m := volume.Mounted{Health: s.Health(want)}
	m.Serves = s.Err == nil && slices.Contains(types, s.Mount.FSType) && want.Check(s.Path, s.Mount) == nil
	if u, err := s.Usage(want); m.Serves && (err == nil || errors.Is(err, volume.ErrUnsupported) && u != volume.Usage{}) {
		m.Usage = &u
	}
	return m
}
