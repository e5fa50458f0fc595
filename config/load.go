package config

import (
	"fmt"
	"strings"
)

// Options says what to load.
type Options struct {
	// Path of the TOML file; empty: there is none.
	Path string
	// LookupEnv is os.LookupEnv; nil: an empty environment.
	LookupEnv func(name string) (string, bool)
	// Overrides are the flags that were given on the command line.
	Overrides []Override
	// Known tells whether a backend is known; one that is not is a problem
	// then, as --config.check wants it. Nil: any backend will do.
	Known func(backend string) bool
}

// Override is a flag that was given. It goes before the environment and the
// file.
type Override struct {
	Flag   string   // as errors name it: --smartctl.interval
	Key    string   // one of Keys
	Values []string // of a key with one value the last counts
}

// Load reads the file, the environment and the flags. Its error is Problems,
// with every mistake that was found. A configuration with a mistake is never
// returned.
func Load(o Options) (*Config, error) {
	l := newLoader(o)
	readable := true
	if o.Path != "" {
		readable = l.readFile(o.Path)
	}
	l.readEnvironment()
	l.readFlags(o.Overrides)
	if readable {
		l.settle()
		l.validate()
		if o.Known != nil {
			l.problems = append(l.problems, l.cfg.Check(o.Known)...)
		}
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	l.cfg.Warnings = l.warnings
	return l.cfg, nil
}

// layer is how far before others a value goes.
type layer int

const (
	fromDefault layer = iota
	fromProxy         // the storage proxy's own keys in the file
	fromFile
	fromEnv
	fromFlag
)

// origin is where a value was set, in the words of the one who set it.
type origin struct {
	layer  layer
	source string // the file
	name   string // key, variable or flag
}

// loader fills one Config, layer upon layer.
type loader struct {
	cfg      *Config
	env      lookupEnv
	fields   map[string]field
	origins  map[string]origin
	bad      map[string]bool // keys with a problem already: one line each
	meant    map[string]bool // keys and sections for which a misspelt one stands
	problems Problems
	warnings []Problem
	// lenient: the file is a storage proxy's, so what is not ours is not a
	// mistake.
	lenient bool
}

func newLoader(o Options) *loader {
	env := lookupEnv(o.LookupEnv)
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	cfg := Default()
	cfg.File = o.Path
	return &loader{
		cfg:     cfg,
		env:     env,
		fields:  fieldsOf(cfg, ""),
		origins: make(map[string]origin),
		bad:     make(map[string]bool),
		meant:   make(map[string]bool),
	}
}

// problem notes a mistake in the value of key, where it was set.
func (l *loader) problem(key string, format string, args ...any) {
	from, ok := l.origins[key]
	if !ok {
		from = l.inFile(key)
	}
	l.problemAt(key, from, format, args...)
}

func (l *loader) problemAt(key string, from origin, format string, args ...any) {
	if l.bad[key] {
		return
	}
	l.bad[key] = true
	l.problems = append(l.problems, Problem{from.source, from.name, fmt.Sprintf(format, args...)})
}

// missing notes that key is not set, unless a problem says why already: a
// misspelt key or section, or a section that could not be read.
func (l *loader) missing(key string, format string, args ...any) {
	for k := key; ; {
		if l.bad[k] || l.meant[k] {
			return
		}
		i := strings.LastIndexByte(k, '.')
		if i < 0 {
			break
		}
		k = k[:i]
	}
	l.problem(key, format, args...)
}

func (l *loader) warn(from origin, format string, args ...any) {
	if len(l.warnings) < maxShown {
		l.warnings = append(l.warnings, Problem{from.source, from.name, fmt.Sprintf(format, args...)})
	}
}

func (l *loader) inFile(key string) origin { return origin{fromFile, l.cfg.File, key} }

// setText stores what a flag or a variable says under key.
func (l *loader) setText(key string, from origin, values ...string) {
	f, ok := l.fields[key]
	if !ok {
		l.problemAt(from.name, from, "sets %s, which is no key of the configuration", key)
		return
	}
	if err := f.setText(values); err != nil {
		l.refuse(key, from, err)
		return
	}
	l.origins[key] = from
}

// refuse notes a mistake in a flag or a variable: one line even if the file
// has another mistake at the same key.
func (l *loader) refuse(key string, from origin, err error) {
	l.problemAt(from.name, from, "%v", err)
	l.bad[key] = true
}

func (l *loader) readFlags(overrides []Override) {
	for _, o := range overrides {
		from := origin{layer: fromFlag, name: o.Flag}
		if key, ok := l.secretFile(o.Key); ok {
			l.setSecretFile(key, from, last(o.Values))
			continue
		}
		if _, ok := l.fields[o.Key].at.(*Secret); ok {
			l.problemAt(o.Key, from, "a secret must not be given by a flag, where other users can see it: use %s", o.Key+fileSuffix)
			continue
		}
		l.setText(o.Key, from, o.Values...)
	}
}

// settle fills in what follows from other values.
func (l *loader) settle() {
	c := l.cfg
	l.chooseStore()
	l.settleTLS()
	if l.origins["smart.timeout"].layer == fromDefault && c.Smart.Timeout >= c.Smart.Interval {
		c.Smart.Timeout = c.Smart.Interval * 9 / 10
	}
	if c.Smart.Rescan < leastRescan {
		c.Smart.Rescan = 0
	}
	l.settleProxyTimeout()
	if len(c.Volumes) == 0 && !l.bad["volume"] {
		c.Volumes = []Volume{{Name: "root", Backend: "vfs", Path: "/", FSPrefix: "."}}
	}
	for i := range c.Volumes {
		v, d := &c.Volumes[i], c.VolumeDefaults
		if v.PerformanceInterval == 0 {
			v.PerformanceInterval = d.PerformanceInterval
		}
		if v.HealthCheckInterval == 0 {
			v.HealthCheckInterval = d.HealthCheckInterval
		}
		if v.UsageInterval == 0 {
			v.UsageInterval = d.UsageInterval
		}
	}
}

// chooseStore settles the store from what was set last, unless it was named.
func (l *loader) chooseStore() {
	c := l.cfg
	if c.Cache.Store != "" {
		return
	}
	redis, path := fromDefault, fromDefault
	if len(c.Redis.Addresses) > 0 {
		redis = l.origins["redis.addresses"].layer
	}
	if c.Cache.Path != "" {
		path = l.origins["cache.path"].layer
	}
	switch {
	case redis > fromDefault && redis >= path:
		c.Cache.Store = StoreRedis
	case path > fromDefault:
		c.Cache.Store = StoreFile
	default:
		c.Cache.Store = StoreMemory
	}
	if redis == fromDefault {
		l.warnOfIdleRedis()
	}
}

// warnOfIdleRedis keeps a forgotten address from passing in silence.
func (l *loader) warnOfIdleRedis() {
	for _, key := range sorted(l.fields) {
		from, ok := l.origins[key]
		if ok && strings.HasPrefix(key, "redis.") {
			l.warn(from, "has no effect: no Redis is named, by redis.addresses or REDIS_HOST")
			return
		}
	}
}

// settleTLS clears what is switched off, and refuses what looks as if TLS were
// on when it is not.
func (l *loader) settleTLS() {
	tls := &l.cfg.Redis.TLS
	if tls.Enabled {
		return
	}
	if _, explicit := l.origins["redis.tls.enabled"]; !explicit && *tls != (TLS{}) {
		for _, key := range []string{"ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"} {
			if _, ok := l.origins["redis.tls."+key]; ok {
				l.problem("redis.tls."+key, "has no effect without TLS: write enabled = true in [redis.tls], or enabled = false to keep TLS off")
				break
			}
		}
	}
	*tls = TLS{}
}
