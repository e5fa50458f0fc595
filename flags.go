package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"storage_exporter/config"
	"storage_exporter/internal/nearest"
)

// flags are the command line, parsed.
type flags struct {
	log *promslog.Config
	web *web.FlagConfig

	telemetryPath   string
	maxRequests     int
	noExporterStats bool
	externalURL     string
	note            string
	lifecycle       bool
	pprof           bool

	fleet        bool
	fleetTargets string

	configFile  string
	configCheck bool

	health      string
	healthGiven bool

	procfs, sysfs, rootfs, udevData string
	zpoolPath                       string
	maxProcs                        int
	maxProcsGiven                   bool // by the flag, not by GOMAXPROCS
	memoryLimitMiB                  int

	disableDefaults bool
	collectors      map[string]*collectorFlag
	settings        []*setting
}

// collectorFlag is --collector.<name> and --no-collector.<name>.
type collectorFlag struct{ enabled, given bool }

// setting is a flag that goes before a key of the configuration file.
type setting struct {
	flag, key string
	values    []string
	given     bool
	enabled   bool // of a flag without a value
	isBool    bool
}

// newApp declares the flags. names are the collectors', in order.
func newApp(names []string) (*kingpin.Application, *flags) {
	app := kingpin.New("storage_exporter", "Watches drives and storage volumes in the background and exports them to Prometheus.")
	app.Version(version.Print("storage_exporter"))
	app.HelpFlag.Short('h')
	app.UsageWriter(nil)
	f := &flags{log: &promslog.Config{}, collectors: make(map[string]*collectorFlag)}

	promslogflag.AddFlags(app, f.log)
	f.web = kingpinflag.AddFlags(app, ":9777")
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.max-requests", "Scrapes that are served at once, filtered ones included; 0 means no bound.").Default("40").IntVar(&f.maxRequests)
	app.Flag("web.disable-exporter-metrics", "Leave out the metrics about the process itself (go_*, process_*).").BoolVar(&f.noExporterStats)
	app.Flag("web.external-url", "URL at which people reach this exporter, for the links in events.").PlaceHolder("URL").StringVar(&f.externalURL)
	app.Flag("web.note", "A word beside the host's name on the page, such as staging.").PlaceHolder("TEXT").StringVar(&f.note)
	app.Flag("web.enable-lifecycle", "Allow a reload by POST /-/reload.").BoolVar(&f.lifecycle)
	app.Flag("web.enable-pprof", "Serve profiles under /debug/pprof/.").BoolVar(&f.pprof)

	app.Flag("fleet", "Show all hosts that share the Redis, at /api/fleet.").BoolVar(&f.fleet)
	app.Flag("fleet.targets", "Regexp of the addresses, host:port, of hosts of the fleet that /sd lists to Prometheus; anchored. By default none.").StringVar(&f.fleetTargets)

	app.Flag("config.file", "TOML file to read; a Backend.AI storage-proxy.toml will do.").StringVar(&f.configFile)
	app.Flag("config.check", "Check the configuration, report all problems and exit: 0 without problems, else 1.").BoolVar(&f.configCheck)
	app.Flag("health", "Ask the exporter that runs at this URL whether it answers, and exit: 0 if it does, whatever the status, else 1. With https and --web.config.file its certificate must be cert_file.").PlaceHolder("URL").IsSetByUser(&f.healthGiven).StringVar(&f.health)

	app.Flag("path.procfs", "Where procfs is mounted.").Default("/proc").StringVar(&f.procfs)
	app.Flag("path.sysfs", "Where sysfs is mounted.").Default("/sys").StringVar(&f.sysfs)
	app.Flag("path.rootfs", "Where the host's root file system is mounted.").Default("/").StringVar(&f.rootfs)
	app.Flag("path.udev.data", "Where udev keeps its data.").Default("/run/udev/data").StringVar(&f.udevData)
	app.Flag("zpool.path", "The zpool binary; a bare name is looked for in PATH, /usr/sbin and /sbin.").Default("zpool").StringVar(&f.zpoolPath)
	app.Flag("runtime.gomaxprocs", "Threads that run Go code at once (GOMAXPROCS).").Envar("GOMAXPROCS").Default("2").IsSetByUser(&f.maxProcsGiven).IntVar(&f.maxProcs)
	app.Flag("runtime.memory-limit-mib", "Memory to stay below where possible, in MiB, unless GOMEMLIMIT is set; 0 means no limit. A lower limit of the control group counts.").Default("256").IntVar(&f.memoryLimitMiB)

	app.Flag("collector.disable-defaults", "Disable all collectors but those that are named by a flag.").BoolVar(&f.disableDefaults)
	for _, name := range names {
		c := &collectorFlag{}
		f.collectors[name] = c
		app.Flag("collector."+name, "Enable the "+name+" collector and its observations.").Default("true").IsSetByUser(&c.given).BoolVar(&c.enabled)
	}
	f.addSettings(app)
	return app, f
}

// addSettings declares the flags that stand for keys of the configuration
// file. Those of smartctl_exporter keep its names and meaning.
func (f *flags) addSettings(app *kingpin.Application) {
	standard := config.Values(defaults())
	text := func(flag, key, help string) {
		s := &setting{flag: flag, key: key, values: make([]string, 1)}
		f.settings = append(f.settings, s)
		c := app.Flag(flag, help).IsSetByUser(&s.given)
		if d := standard[key]; d != "" {
			c = c.Default(d)
		}
		c.StringVar(&s.values[0])
	}
	list := func(flag, key, help string) {
		s := &setting{flag: flag, key: key}
		f.settings = append(f.settings, s)
		app.Flag(flag, help).IsSetByUser(&s.given).StringsVar(&s.values)
	}
	text("node.name", "node.name", "Name of this host, needed where several hosts share one Redis.")
	text("node.url", "node.url", "Where this exporter is reached, as in https://HOST:9777, for those who look at the fleet.")
	text("cache.store", "cache.store", "Where snapshots are kept: memory, file or redis. By default it follows from what else is set.")
	text("cache.path", "cache.path", "File of the store \"file\", on a local file system.")
	text("redis.mode", "redis.mode", "How Redis is run: single, sentinel or cluster.")
	list("redis.address", "redis.addresses", "host:port of Redis; in mode sentinel, of a sentinel. Repeatable.")
	text("redis.master-name", "redis.master_name", "Name of the master that the sentinels watch.")
	text("redis.db", "redis.db", "Number of the Redis database.")
	text("redis.username", "redis.username", "ACL user of Redis.")
	text("redis.password-file", "redis.password_file", "File with the password of Redis.")

	text("smartctl.path", "smart.path", "The path to the smartctl binary.")
	text("smartctl.interval", "smart.interval", "The interval between observations of a drive.")
	text("smartctl.timeout", "smart.timeout", "How long one run of smartctl may take.")
	text("smartctl.concurrency", "smart.concurrency", "Runs of smartctl at once.")
	text("smartctl.rescan", "smart.rescan", "The interval between scans for drives; below 1s there are none after the first that succeeds.")
	scan := &setting{flag: "smartctl.scan", key: "smart.scan", isBool: true}
	f.settings = append(f.settings, scan)
	app.Flag(scan.flag, "Scan for drives although some are listed; implied when none are.").IsSetByUser(&scan.given).BoolVar(&scan.enabled)
	list("smartctl.device", "smart.devices", "The device to monitor, with its type after a semicolon where smartctl needs one (repeatable). Example: \"/dev/bus/0;megaraid,1\"")
	text("smartctl.device-exclude", "smart.device_exclude", "Regexp of devices to exclude from automatic scanning.")
	text("smartctl.device-include", "smart.device_include", "Regexp of devices to include in automatic scanning.")
	list("smartctl.scan-device-type", "smart.scan_device_types", "Device type to use during automatic scan; \"by-id\" scans /dev/disk/by-id (repeatable).")
	text("smartctl.powermode-check", "smart.powermode_check", "The power mode from which on a drive is left asleep: never, sleep, standby or idle.")
}

// check finds flags whose value cannot be meant.
func (f *flags) check() (problems config.Problems) {
	for _, n := range []struct {
		name  string
		value int
	}{{"--web.max-requests", f.maxRequests}, {f.maxProcsName(), f.maxProcs}, {"--runtime.memory-limit-mib", f.memoryLimitMiB}} {
		if n.value < 0 {
			problems = append(problems, config.Problem{Key: n.name, Message: fmt.Sprintf("must not be below 0, and is %d", n.value)})
		}
	}
	if _, err := f.targets(); err != nil {
		problems = append(problems, config.Problem{Key: "--fleet.targets", Message: err.Error()})
	} else if f.fleetTargets != "" && !f.fleet {
		problems = append(problems, config.Problem{Key: "--fleet.targets", Message: "needs --fleet beside it"})
	}
	return problems
}

// targets is --fleet.targets; nil: none.
func (f *flags) targets() (*regexp.Regexp, error) {
	if f.fleetTargets == "" {
		return nil, nil
	}
	if _, err := regexp.Compile(f.fleetTargets); err != nil {
		return nil, fmt.Errorf("is no regular expression: %w", err)
	}
	return regexp.Compile("^(?:" + f.fleetTargets + ")$")
}

// checkFleet finds a fleet without what the hosts share.
func (f *flags) checkFleet(c *config.Config) (problems config.Problems) {
	if f.fleet && c.Cache.Store != config.StoreRedis {
		problems = append(problems, config.Problem{Key: "--fleet", Message: "needs the Redis that the hosts share: set redis.addresses"})
	}
	return problems
}

func (f *flags) maxProcsName() string {
	if f.maxProcsGiven {
		return "--runtime.gomaxprocs"
	}
	return "GOMAXPROCS"
}

// wrongFlag says in one line which flag or variable err, which the command line led
// to, is about, and what was probably meant.
func wrongFlag(app *kingpin.Application, args []string, err error) error {
	var names []string
	for _, known := range app.Model().Flags {
		names = append(names, known.Name)
		if value := os.Getenv(known.Envar); known.Envar != "" && value != "" && known.Value.Set(value) != nil {
			return wrongValue(known.Envar, value, err)
		}
	}
	if name, unknown := strings.CutPrefix(err.Error(), "unknown long flag '--"); unknown {
		name = strings.TrimSuffix(name, "'")
		positive, negated := strings.CutPrefix(name, "no-")
		near := nearest.Name(positive, names)
		switch {
		case near == "":
			return fmt.Errorf("--%.64s is no flag; --help lists them", name)
		case negated:
			near = "no-" + near
		}
		return fmt.Errorf("--%.64s is no flag; did you mean --%s?", name, near)
	}
	parsed, _ := app.ParseContext(args)
	for _, element := range parsed.Elements {
		flag, ok := element.Clause.(*kingpin.FlagClause)
		if ok && element.Value != nil && flag.Model().Value.Set(*element.Value) != nil {
			return wrongValue("--"+flag.Model().Name, *element.Value, err)
		}
	}
	return fmt.Errorf("%w; --help lists the flags", err)
}

func wrongValue(name, value string, err error) error {
	if errors.Is(err, strconv.ErrSyntax) || errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s: must be a number, not %.64q", name, value)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// names are the flags by the key that they stand for.
func (f *flags) names() map[string]string {
	names := make(map[string]string)
	for _, s := range f.settings {
		names[s.key] = "--" + s.flag
	}
	return names
}

// overrides are the settings that were given on the command line.
func (f *flags) overrides() []config.Override {
	var out []config.Override
	for _, s := range f.settings {
		if !s.given {
			continue
		}
		values := s.values
		if s.isBool {
			values = []string{"false"}
			if s.enabled {
				values = []string{"true"}
			}
		}
		out = append(out, config.Override{Flag: "--" + s.flag, Key: s.key, Values: values})
	}
	return out
}

// enabled says whether a collector and its observations run.
func (f *flags) enabled(name string) bool {
	c, ok := f.collectors[name]
	if !ok {
		return false
	}
	return c.enabled && (c.given || !f.disableDefaults)
}

// shutdownTimeout bounds what happens between SIGTERM and the end.
const shutdownTimeout = 4 * time.Second
