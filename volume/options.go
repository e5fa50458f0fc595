package volume

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"storage_exporter/internal/nearest"
	"storage_exporter/internal/secret"
)

// Options reads a volume's option table. Each method returns the value, or zero
// where it is missing or wrong; Err then says so once all were read. A key that
// nobody asked for is a mistake, too, where the configuration is checked strictly; else
// it has no effect, for a storage proxy's file may have any. No error shows a value: it may be a secret that
// was written to the wrong key.
type Options struct {
	volume, backend string
	table           map[string]any
	asked           []string // the keys that the backend knows
	wrong           []string
	strict          bool
}

// ReadOptions begins to read the options of a volume.
func ReadOptions(cfg Config) *Options {
	return &Options{volume: cfg.Name, backend: cfg.Backend, table: cfg.Options, strict: cfg.Strict}
}

// Ignore names keys that are accepted without effect: those of the storage proxy, whose
// file works unchanged.
func (o *Options) Ignore(keys ...string) { o.asked = append(o.asked, keys...) }

// Err is one line with every mistake and its remedy; nil when there was none.
func (o *Options) Err() error {
	wrong := o.wrong
	if o.strict {
		wrong = append(slices.Clone(wrong), o.unknown()...)
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// unknown are the mistakes of keys that the backend does not know.
func (o *Options) unknown() []string {
	const most = 5
	var wrong []string
	more := 0
	for _, key := range slices.Sorted(maps.Keys(o.table)) {
		switch {
		case slices.Contains(o.asked, key):
		case len(wrong) == most:
			more++
		default:
			wrong = append(wrong, o.Name(key)+" is no option of "+cmp.Or(o.backend, "this backend")+": remove it, or correct its name"+nearest.Hint(key, o.asked))
		}
	}
	if more > 0 {
		wrong = append(wrong, fmt.Sprintf("neither are %d more", more))
	}
	return wrong
}

// Wrong adds a mistake that the backend itself found: the key, and what to do
// about it, as in Wrong("weka_stats", `must be "fs" or "cluster"`).
func (o *Options) Wrong(key, remedy string) {
	o.wrong = append(o.wrong, o.Name(key)+" "+remedy)
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Name is the option as the configuration file spells it.
func (o *Options) Name(key string) string {
	return "volume." + spelt(o.volume) + ".options." + spelt(key)
}

func spelt(key string) string {
	if !bareKey.MatchString(key) {
		return strconv.Quote(key)
	}
	return key
}

// String is a text that must be there; what completes "set it to …". A number or
// a bool is taken as it is written: a password may be all digits. The aliases are
// older spellings.
func (o *Options) String(key, what string, aliases ...string) string {
	found, v := o.find(key, aliases)
	s, ok := text(v)
	switch {
	case v == nil, ok && strings.TrimSpace(s) == "":
		o.Wrong(found, "is missing: set it to "+what)
		return ""
	case !ok:
		o.Wrong(found, "must be a text in quotes: set it to "+what)
	}
	return s
}

// StringOr is a text that need not be there.
func (o *Options) StringOr(key, standard string, aliases ...string) string {
	found, v := o.find(key, aliases)
	s, ok := text(v)
	if v != nil && !ok {
		o.Wrong(found, "must be a text in quotes")
	}
	return cmp.Or(s, standard)
}

// Secret is String for a password or a token. The configuration also takes it
// from a file (key_file) and from the environment; that is done already.
func (o *Options) Secret(key, what string, aliases ...string) secret.Text {
	return secret.New(o.String(key, what, aliases...))
}

// SecretOr is Secret for one that need not be there: it is then empty.
func (o *Options) SecretOr(key string, aliases ...string) secret.Text {
	return secret.New(o.StringOr(key, "", aliases...))
}

// Bool is true or false; "yes", "off", 1 and the like are understood, too.
func (o *Options) Bool(key string, standard bool, aliases ...string) bool {
	found, v := o.find(key, aliases)
	if v == nil {
		return standard
	}
	s, _ := text(v)
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "on", "1", "t", "y":
		return true
	case "false", "no", "off", "0", "f", "n":
		return false
	}
	o.Wrong(found, "must be true or false")
	return standard
}

// Int is a whole number between least and most.
func (o *Options) Int(key string, standard, least, most int) int {
	_, v := o.find(key, nil)
	if v == nil {
		return standard
	}
	s, _ := text(v)
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < least || n > most {
		o.Wrong(key, fmt.Sprintf("must be a whole number from %d to %d", least, most))
		return standard
	}
	return n
}

// Duration is a text such as "30s"; a bare number is seconds, as the storage
// proxy has it. It is longer than zero.
func (o *Options) Duration(key string, standard time.Duration) time.Duration {
	_, v := o.find(key, nil)
	if v == nil {
		return standard
	}
	s, _ := text(v)
	d, err := time.ParseDuration(s)
	if seconds, notNumber := strconv.ParseFloat(s, 64); notNumber == nil && seconds > 0 && seconds < math.MaxInt64/float64(time.Second) {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		o.Wrong(key, `must be a duration, such as "30s"`)
		return standard
	}
	return d
}

// Strings is a list of texts; one text is a list with commas in it. Empty parts
// are left out.
func (o *Options) Strings(key string) []string {
	var list []string
	add := func(v any) {
		s, ok := text(v)
		if !ok {
			o.Wrong(key, `must be a list of texts, such as ["a", "b"]`)
		}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	_, v := o.find(key, nil)
	switch v := v.(type) {
	case nil:
	case []any:
		for _, e := range v {
			add(e)
		}
	case []string:
		for _, e := range v {
			add(e)
		}
	default:
		add(v)
	}
	return list
}

// find returns the first of the spellings that is set, and its value.
func (o *Options) find(key string, aliases []string) (string, any) {
	keys := append([]string{key}, aliases...)
	o.asked = append(o.asked, keys...)
	for _, k := range keys {
		if v := o.table[k]; v != nil {
			return k, v
		}
	}
	return key, nil
}

// text is a scalar as TOML would write it, without quotes.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int, int64:
		return fmt.Sprint(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
