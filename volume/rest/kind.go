package rest

import (
	"log/slog"

	"storage_exporter/volume"
)

// Kind is a backend as the table of backends has it. read reads a volume's options,
// identify says what the volume is on, and open makes the Backend of all volumes on
// one appliance, by name. shared are the options of one of them, for what all have
// in common. A nil dial is the network.
func Kind[O any, B volume.Backend](dial Dialer, read func(volume.Config) (O, error), identify func(O) volume.Identity,
	open func(shared O, volumes map[string]O, dial Dialer, logger *slog.Logger) (B, error),
) volume.Kind {
	return volume.Kind{
		Identify: func(cfg volume.Config) (volume.Identity, error) {
			o, err := read(cfg)
			if err != nil {
				return volume.Identity{}, err
			}
			return identify(o), nil
		},
		New: func(cfgs []volume.Config, logger *slog.Logger) (volume.Backend, error) {
			var shared O
			volumes := make(map[string]O, len(cfgs))
			for _, cfg := range cfgs {
				o, err := read(cfg)
				if err != nil {
					return nil, err
				}
				volumes[cfg.Name], shared = o, o
			}
			return open(shared, volumes, dial, logger)
		},
	}
}
