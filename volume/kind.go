package volume

import "log/slog"

// Kind is a backend as the table of backends has it: a new one adds its folder
// and a line to that table.
type Kind struct {
	// Mounted is whether the volumes belong to this host: then what is observed
	// of them is this host's alone, and their keys carry the node's name. Others
	// are on an appliance that looks the same from every host.
	Mounted bool
	// Asks is whether an appliance is asked about the health and usage of mounted
	// volumes, which takes longer than a look at a mount. Those that are not
	// mounted always are.
	Asks bool
	// TellsReadOnly is whether an appliance itself reports that a volume cannot be
	// written.
	TellsReadOnly bool
	// Mount makes the look at what this host has mounted at the path of a volume
	// that an appliance serves, for those that require it; nil where volumes are
	// Mounted anyway.
	Mount func(Config) Look
	// Identify says what a volume is on. An error is the user's: one line that
	// names the option and the remedy, without the option's value where that is a
	// secret.
	Identify func(Config) (Identity, error)
	// New makes the Backend of volumes that share one, in the order of their
	// names. It asks nothing yet: an appliance that is down is not an error here.
	New func(volumes []Config, logger *slog.Logger) (Backend, error)
}

// Identity is what a volume is on.
type Identity struct {
	// Share is equal for volumes that share one Backend: the path, or the
	// endpoint with its credentials. It stays in memory and is never shown.
	Share string
	// Endpoint names the appliance, such as its URL; empty for mounted volumes,
	// which are on this host. It is stored, so it holds no secret.
	Endpoint string
	// Object is what the volume is there: the path, the file system's name. It is
	// stored, too.
	Object string
}
