package smart

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"storage_exporter/cache"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/smartctl"
)

// Settings are what an operator chooses of the observation of drives, as written.
type Settings struct {
	Path        string // of smartctl; a bare name is looked up in PATH
	Interval    time.Duration
	Timeout     time.Duration
	TTL         time.Duration
	Rescan      time.Duration // below a second: no scan follows the first that went well
	Concurrency int
	Scan        bool
	Devices     []string // as ParseDevice takes them
	// DeviceInclude and DeviceExclude are regular expressions; empty: no filter.
	DeviceInclude   string
	DeviceExclude   string
	ScanDeviceTypes []string
	PowermodeCheck  string             // one of smartctl.PowerModeChecks
	Thresholds      map[string]float64 // as assess.Thresholds, with a limit for each name
}

// The bounds of what can be meant.
const (
	leastRescan     = time.Second // as smartctl_exporter has it
	mostConcurrency = 1024
)

var standard = Settings{
	Path:     smartctl.DefaultPath,
	Interval: 90 * time.Second, Timeout: 20 * time.Second, TTL: 120 * time.Second,
	Rescan: 10 * time.Minute, Concurrency: 8, PowermodeCheck: smartctl.DefaultPowerModeCheck,
}

// DefaultSettings are what holds where nothing is chosen, with a threshold for
// each rule.
func DefaultSettings() Settings {
	s := standard
	s.Thresholds = assess.DefaultLimits()
	return s
}

// DefaultTimeout is the timeout where none is chosen: it gives way to a shorter
// interval.
func DefaultTimeout(interval time.Duration) time.Duration {
	return min(standard.Timeout, interval/10*9)
}

// Check reports what is wrong, by the key of the configuration. A setting that a
// message names is in backquotes, as the configuration has it.
func (s Settings) Check(wrong func(key, format string, args ...any)) {
	switch {
	case s.Path == "":
		wrong("path", "must not be empty: write `path = %q`", standard.Path)
	case strings.Contains(s.Path, "/") && !strings.HasPrefix(s.Path, "/"):
		wrong("path", "must be absolute: write `path = \"/…\"`")
	}
	cache.CheckPeriod("", s.Interval, s.Timeout, wrong)
	if s.TTL < cache.LeastInterval {
		wrong("ttl", "must be %v at least", cache.LeastInterval)
	}
	if s.Concurrency < 1 || s.Concurrency > mostConcurrency {
		wrong("concurrency", "must be 1 to %d", mostConcurrency)
	}
	for i, d := range s.Devices {
		if _, err := ParseDevice(d); err != nil {
			wrong("devices", `must be absolute paths, with a type where one is needed, as in "/dev/bus/0;megaraid,1": entry %d is not`, i+1)
		}
	}
	for i, t := range s.ScanDeviceTypes {
		if !smartctl.ValidType(t) {
			wrong("scan_device_types", `must be device types of smartctl, such as "nvme": entry %d is not`, i+1)
		}
	}
	checkPattern("device_include", s.DeviceInclude, wrong)
	checkPattern("device_exclude", s.DeviceExclude, wrong)
	if !slices.Contains(smartctl.PowerModeChecks, s.PowermodeCheck) {
		wrong("powermode_check", "must be one of %s", strings.Join(smartctl.PowerModeChecks, ", "))
	}
	assess.Thresholds(s.Thresholds).Check(func(name, format string, args ...any) { wrong("thresholds."+name, format, args...) })
}

func checkPattern(key, pattern string, wrong func(key, format string, args ...any)) {
	if _, err := compile(pattern); err != nil {
		why := "it does not compile"
		if se, ok := errors.AsType[*syntax.Error](err); ok {
			why = string(se.Code)
		}
		wrong(key, "must be a regular expression: %s", why)
	}
}

// compile returns nil for no pattern.
func compile(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil //nolint:nilnil // no pattern is no filter
	}
	return regexp.Compile(pattern)
}

// Apply puts the settings into a set's configuration, with the Tool that they name.
func (s Settings) Apply(cfg *DrivesConfig) error {
	var err error
	if cfg.Tool, err = smartctl.New(smartctl.Config{Path: s.Path, PowerModeCheck: s.PowermodeCheck, ScanTypes: s.ScanDeviceTypes}); err != nil {
		return err
	}
	for _, d := range s.Devices {
		device, err := ParseDevice(d)
		if err != nil {
			return err
		}
		cfg.Devices = append(cfg.Devices, device)
	}
	if cfg.Include, err = compile(s.DeviceInclude); err != nil {
		return err
	}
	cfg.Exclude, err = compile(s.DeviceExclude)
	cfg.Scan, cfg.ScanOnce, cfg.ScanInterval = s.Scan, s.Rescan < leastRescan, s.Rescan
	cfg.Interval, cfg.Timeout, cfg.TTL, cfg.Concurrency = s.Interval, s.Timeout, s.TTL, s.Concurrency
	cfg.Thresholds = s.Thresholds
	return err
}
