package mount

import (
	"errors"
	"path"

	"storage_exporter/volume"
)

// Identify shares a Backend among the volumes of one path. It serves the kinds
// whose volumes are known by nothing but their path.
func Identify(cfg volume.Config) (volume.Identity, error) {
	if cfg.Path == "" {
		return volume.Identity{}, errors.New("`path` is missing: set it to the directory of the volume")
	}
	if !path.IsAbs(cfg.Path) {
		return volume.Identity{}, errors.New("`path` is not absolute: begin it with a slash")
	}
	clean := path.Clean(cfg.Path)
	return volume.Identity{Share: clean, Object: clean}, nil
}

// Bare is Identify for a backend without options, but for those of the storage proxy
// that have no effect.
func Bare(ignored ...string) func(volume.Config) (volume.Identity, error) {
	return func(cfg volume.Config) (volume.Identity, error) {
		o := volume.ReadOptions(cfg)
		o.Ignore(ignored...)
		if err := o.Err(); err != nil {
			return volume.Identity{}, err
		}
		return Identify(cfg)
	}
}

// WantOf is what a volume expects of its mount: what its backend does, unless the
// volume says otherwise.
func WantOf(cfg volume.Config, requireMount bool, fstypes ...string) Want {
	want := Want{Backend: cfg.Backend, FSTypes: fstypes, RequireMount: requireMount, ReadOnly: cfg.ReadOnly}
	if cfg.RequireMount != nil {
		want.RequireMount = *cfg.RequireMount
	}
	return want
}
