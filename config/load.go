package config

import (
	"fmt"

	"storage_exporter/internal/secret"
)

// Options says what to load.
type Options struct {
	// Path of the TOML file; empty: there is none.
	Path string
	// LookupEnv is os.LookupEnv; nil: an empty environment.
	LookupEnv func(name string) (string, bool)
	// Overrides are the flags that were given on the command line.
	Overrides []Override
	// Default returns what holds where nothing is set, with a new map of
	// thresholds each time. Nil: nothing does.
	Default func() *Config
	// Check asks the owners of the values about what was read. What one of them
	// reports keeps the configuration from being returned. It may settle what
	// follows from other values. Nil: anything will do.
	Check func(*Config, *Report)
	// Warn is called for what was accepted but is probably not meant, also where
	// there are mistakes. Nil: nobody is warned.
	Warn func(Problem)
	// Flags names the flags by key, "--redis.mode" for redis.mode, for advice to
	// who uses them.
	Flags map[string]string
}

// Override is a flag that was given. It goes before the environment and the
// file.
type Override struct {
	Flag   string   // as errors name it: --smartctl.interval
	Key    string   // a key of Values
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
		l.validateStore()
		l.validateVolumes()
		if o.Check != nil {
			o.Check(l.cfg, &Report{l})
		}
	}
	for _, w := range l.warnings {
		if o.Warn != nil {
			o.Warn(w)
		}
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
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
	flags    map[string]string
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
	cfg := &Config{}
	if o.Default != nil {
		cfg = o.Default()
	}
	cfg.File = o.Path
	return &loader{
		cfg:     cfg,
		env:     env,
		flags:   o.Flags,
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
		if key, ok := secretFile(l.fields, o.Key); ok {
			l.setSecretFile(l.fields, key, from, last(o.Values))
			continue
		}
		if _, ok := l.fields[o.Key].at.(*secret.Text); ok {
			l.problemAt(o.Key, from, "a secret must not be given by a flag, where other users can see it: use %s", o.Key+fileSuffix)
			continue
		}
		l.setText(o.Key, from, o.Values...)
	}
}
