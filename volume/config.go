package volume

import (
	"log/slog"
	"time"
)

// Config is one [volume.<name>] section. A zero duration means the default; a
// Backend gets the intervals that are in force.
type Config struct {
	Name     string
	Backend  string // a name of the backends' table
	Path     string // where the volume is on this host
	FSPrefix string // shown only
	// Options is the section's free table, as TOML decodes it, with secrets
	// filled in. It is never shown, logged or stored.
	Options map[string]any

	// Strict is whether options that have no effect are mistakes.
	Strict bool

	// RequireMount is whether something other than the root file system must
	// be mounted at or above Path; nil means the backend's own default. That of
	// an appliance is false: then the path is not looked at.
	RequireMount *bool
	// ReadOnly is whether a read-only mount is as it should be.
	ReadOnly bool

	PerformanceInterval time.Duration
	PerformanceTimeout  time.Duration
	PerformanceTTL      time.Duration

	HealthCheckInterval time.Duration
	HealthCheckTimeout  time.Duration
	HealthCheckTTL      time.Duration

	UsageInterval time.Duration
	UsageTimeout  time.Duration
	UsageTTL      time.Duration
}

// MountRequired is whether the configuration says that something must be mounted.
func (c Config) MountRequired() bool { return c.RequireMount != nil && *c.RequireMount }

// LogValue keeps the options, which may hold secrets, out of every log.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("volume", c.Name),
		slog.String("backend", c.Backend),
		slog.String("path", c.Path),
	)
}
