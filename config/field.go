package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"storage_exporter/internal/secret"
)

// field is the place of one key in a Config or a Volume.
type field struct {
	at     any  // pointer to the value, or threshold
	zeroOK bool // a duration of 0 means off
}

// fieldsOf lists the fields of the struct that v points to, by full key.
func fieldsOf(v any, prefix string) map[string]field {
	fields := make(map[string]field)
	walkFields(reflect.ValueOf(v).Elem(), prefix, fields)
	return fields
}

func walkFields(v reflect.Value, prefix string, into map[string]field) {
	for sf, f := range v.Fields() {
		name := sf.Tag.Get("toml")
		if name == "-" {
			continue
		}
		at := f.Addr().Interface()
		if _, isSecret := at.(*secret.Text); f.Kind() == reflect.Struct && !isSecret {
			walkFields(f, prefix+name+".", into)
			continue
		}
		if in, ok := f.Interface().(map[string]float64); ok {
			for key := range in {
				into[prefix+name+"."+key] = field{at: threshold{in, key}}
			}
			continue
		}
		into[prefix+name] = field{at: at, zeroOK: sf.Tag.Get("zero") != ""}
	}
}

// Values returns the values of a Config by key, as a flag takes them: every key
// that an Override can have, empty where nothing is set, and secrets as the files
// that they come from.
func Values(c *Config) map[string]string {
	values := make(map[string]string)
	for key, f := range fieldsOf(c, "") {
		switch at := f.at.(type) {
		case *secret.Text:
			values[key+fileSuffix] = at.File()
		case *time.Duration:
			values[key] = shortDuration(*at)
		case *string:
			values[key] = *at
		case *[]string:
			values[key] = strings.Join(*at, ",")
		case threshold:
			values[key] = strconv.FormatFloat(at.in[at.name], 'f', -1, 64)
		default:
			values[key] = fmt.Sprint(reflect.ValueOf(at).Elem())
		}
	}
	return values
}

// shortDuration writes 0 as nothing, 90 s as 90s and 10 min as 10m.
func shortDuration(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d%time.Minute == 0 && d >= 5*time.Minute:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d%time.Second == 0:
		return strconv.Itoa(int(d.Seconds())) + "s"
	}
	return d.String()
}

// keysWithin returns the names that may stand in a section.
func keysWithin(fields map[string]field, prefix string) []string {
	names := make(map[string]bool)
	for key, f := range fields {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(rest, ".")
		names[name] = true
		if _, ok := f.at.(*secret.Text); ok && !deeper {
			names[name+fileSuffix] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// set stores a value as TOML has it. An error leaves the field as it was and
// does not quote the value.
func (f field) set(v any) error {
	switch at := f.at.(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return errNotText
		}
		if err := printable(s); err != nil {
			return err
		}
		*at = s
	case *secret.Text:
		s, ok := v.(string)
		if !ok {
			return errNotText
		}
		*at = secret.New(s)
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return errNotBool
		}
		*at = b
	case **bool:
		b, ok := v.(bool)
		if !ok {
			return errNotBool
		}
		*at = &b
	case *int:
		n, ok := v.(int64)
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return errNotInt
		}
		*at = int(n)
	case *[]string:
		list, err := texts(v)
		if err != nil {
			return err
		}
		*at = list
	case threshold:
		return at.set(v)
	case *time.Duration:
		return f.setDuration(at, v)
	default:
		return fmt.Errorf("has a type that is not handled: %T", at)
	}
	return nil
}

func (f field) setDuration(at *time.Duration, v any) error {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case int64, float64:
		return withUnit(v)
	default:
		return errNoDuration
	}
	d, err := parseDuration(s)
	if err != nil && (!f.zeroOK || d != 0 || !errors.Is(err, errNotAbove0)) {
		return err
	}
	*at = d
	return nil
}

// setText stores what a flag or a variable says.
func (f field) setText(values []string) error {
	switch at := f.at.(type) {
	case threshold:
		return at.setText(last(values))
	case *[]string:
		list := make([]any, len(values))
		for i, s := range values {
			list[i] = s
		}
		return f.set(list)
	case *bool, **bool:
		b, err := strconv.ParseBool(last(values))
		if err != nil {
			return errNoBoolText
		}
		return f.set(b)
	case *int:
		n, err := strconv.ParseInt(strings.TrimSpace(last(values)), 10, 64)
		if err != nil {
			return errNoIntText
		}
		return f.set(n)
	}
	return f.set(last(values))
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

var (
	errNotText  = errors.New(`must be text in quotes: write "…"`)
	errNotTexts = errors.New(`must be a list of texts: write ["…", "…"]`)
	errNotBool  = errors.New("must be true or false, without quotes")
	errNotInt   = errors.New("must be a whole number, without quotes")
	// The same of a flag or a variable, where quotes are the shell's.
	errNoBoolText = errors.New("must be true or false")
	errNoIntText  = errors.New("must be a whole number")

	errControl = errors.New("has control characters or invisible ones in it")
)

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errNotTexts
	}
	out := make([]string, len(list))
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, errNotTexts
		}
		if err := printable(s); err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func printable(s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		return errControl
	}
	return nil
}
