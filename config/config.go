// Package config reads the exporter's TOML file, its environment and its flags
// into one plain Config. It knows the grammar and no drive, volume or store: what
// holds where nothing is set, and which values are good, the owners of the values
// say through Options.Default and Options.Check.
package config

import (
	"time"

	"storage_exporter/internal/secret"
)

// Config is what the exporter runs with: flag, environment, file and default,
// in this order. Every value in it has been checked by its owner.
type Config struct {
	Node  Node  `toml:"node"`
	Cache Cache `toml:"cache"`
	Redis Redis `toml:"redis"`
	Smart Smart `toml:"smart"`
	API   API   `toml:"api"`
	// EnclosureObservation and PoolObservation are how often the host's enclosures and
	// its ZFS pools are observed.
	EnclosureObservation Observation `toml:"enclosures"`
	PoolObservation      Observation `toml:"zfs"`
	// VolumeDefaults holds for every volume that says nothing else.
	VolumeDefaults VolumeDefaults `toml:"volumes"`
	// Volumes is sorted by name. Without any [volume.*] section it is the root
	// file system, under the name "root".
	Volumes []Volume `toml:"-"`
	// Proxies are other storage proxies and exporters, sorted by name.
	Proxies []Proxy `toml:"-"`
	// Enclosures are those that are shown otherwise than usual, sorted by id.
	Enclosures []Enclosure `toml:"-"`
	// Events is what counts as a change of state, and Webhooks are told of it, in the
	// order of the file.
	Events   Events    `toml:"events"`
	Webhooks []Webhook `toml:"-"`
	// File is where it was read from, empty without a file.
	File string `toml:"-"`
}

// Observation is how something is observed.
type Observation struct {
	Interval time.Duration `toml:"interval"` // between two observations
}

// API is who may ask. Below [api] a storage proxy's own file has sections of its own.
type API struct {
	// Token must be sent by whoever asks for more than metrics and health; empty: it
	// need not.
	Token secret.Text `toml:"token"`
}

// Node is the host that is observed.
type Node struct {
	// Name is needed where several hosts share a Redis. Empty: this host is alone.
	Name string `toml:"name"`
	// URL is where this exporter is reached, for those who look at the fleet.
	URL string `toml:"url"`
}

// Events is which changes of state are sent.
type Events struct {
	// Hold is how long a new state must hold; 0: until it is observed a second time.
	Hold time.Duration `toml:"hold" zero:"off"`
}

// The stores that snapshots can be kept in.
const (
	StoreMemory = "memory"
	StoreFile   = "file"
	StoreRedis  = "redis"
)

// Cache is where snapshots are kept.
type Cache struct {
	// Store is one of the three names, never empty once loaded: unless it is
	// chosen, it follows from what is set, redis.addresses or cache.path.
	Store string `toml:"store"`
	// Path is the file store's file.
	Path string `toml:"path"`
}

// Redis is how to reach Redis. Addresses are those of one server, of some of
// the sentinels or of some of the cluster's nodes, by Mode.
type Redis struct {
	Mode             string        `toml:"mode"`
	Addresses        []string      `toml:"addresses"`
	MasterName       string        `toml:"master_name"`
	DB               int           `toml:"db"`
	Username         string        `toml:"username"`
	Password         secret.Text   `toml:"password"`
	SentinelUsername string        `toml:"sentinel_username"`
	SentinelPassword secret.Text   `toml:"sentinel_password"`
	Timeout          time.Duration `toml:"timeout"` // of one call
	TLS              TLS           `toml:"tls"`
}

// TLS is how a connection is secured; it is zero unless Enabled.
type TLS struct {
	Enabled            bool   `toml:"enabled"`
	CAFile             string `toml:"ca_file"`   // empty: the system's
	CertFile           string `toml:"cert_file"` // of the client; both or neither
	KeyFile            string `toml:"key_file"`
	ServerName         string `toml:"server_name"`
	InsecureSkipVerify bool   `toml:"insecure_skip_verify"`
}

// Smart is how drives are observed.
type Smart struct {
	Path     string        `toml:"path"`     // of smartctl; a bare name is looked up in PATH
	Interval time.Duration `toml:"interval"` // between two reports of a drive
	Timeout  time.Duration `toml:"timeout"`  // of one run
	TTL      time.Duration `toml:"ttl"`      // of a report
	// Rescan is the time between two scans; 0 is good, too.
	Rescan      time.Duration `toml:"rescan" zero:"off"`
	Concurrency int           `toml:"concurrency"` // runs at once
	// Scan looks for drives although Devices lists some. It is implied when
	// Devices is empty.
	Scan bool `toml:"scan"`
	// Devices are paths, each with the device type after a semicolon where
	// smartctl needs one: "/dev/bus/0;megaraid,1".
	Devices []string `toml:"devices"`
	// DeviceInclude and DeviceExclude are regular expressions, not anchored,
	// on the label of scanned devices; empty: no filter.
	DeviceInclude   string   `toml:"device_include"`
	DeviceExclude   string   `toml:"device_exclude"`
	ScanDeviceTypes []string `toml:"scan_device_types"`
	// PowermodeCheck is the state from which on a drive is left asleep:
	// never, sleep, standby or idle.
	PowermodeCheck string `toml:"powermode_check"`
	// Thresholds of the drives' assessment, one for each name that the default
	// has; ThresholdOff: the rule is switched off.
	Thresholds map[string]float64 `toml:"thresholds"`
}

// VolumeDefaults are the periods of all volumes. A timeout of 0 is the
// backend's own, a TTL of 0 is three intervals.
type VolumeDefaults struct {
	PerformanceInterval time.Duration `toml:"performance_interval"`
	PerformanceTimeout  time.Duration `toml:"performance_timeout"`
	PerformanceTTL      time.Duration `toml:"performance_ttl"`
	HealthCheckInterval time.Duration `toml:"health_check_interval"`
	HealthCheckTimeout  time.Duration `toml:"health_check_timeout"`
	HealthCheckTTL      time.Duration `toml:"health_check_ttl"`
	UsageInterval       time.Duration `toml:"usage_interval"`
	UsageTimeout        time.Duration `toml:"usage_timeout"`
	UsageTTL            time.Duration `toml:"usage_ttl"`
}

// Volume is one [volume.<name>] section.
type Volume struct {
	Name    string `toml:"-"`
	Backend string `toml:"backend"` // may be one that this exporter does not know
	// Path is the mount point or directory; empty for an appliance that is
	// not mounted here.
	Path     string `toml:"path"`
	FSPrefix string `toml:"fsprefix"` // as the storage proxy has it; only shown
	// RequireMount is whether a path that is no mount point means offline;
	// nil: as the backend has it.
	RequireMount *bool `toml:"require_mount"`
	// ReadOnly says that a read-only mount is as it should be.
	ReadOnly bool `toml:"read_only"`
	// The intervals are never 0 once loaded.
	PerformanceInterval time.Duration `toml:"performance_interval"`
	HealthCheckInterval time.Duration `toml:"health_check_interval"`
	UsageInterval       time.Duration `toml:"usage_interval"`
	// Options are the backend's own, secrets resolved.
	Options VolumeOptions `toml:"-"`
}
