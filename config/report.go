package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/internal/nearest"
)

// Report is where the owners of the values say what is wrong with them.
type Report struct{ l *loader }

// Given reports whether key was set, rather than left to its default.
func (r *Report) Given(key string) bool {
	_, given := r.l.origins[key]
	return given
}

// ByFlag reports whether key was set by a flag, whose value is no secret.
func (r *Report) ByFlag(key string) bool { return r.l.origins[key].layer == fromFlag }

// Bad reports whether there is a mistake in section, or in a key of it.
func (r *Report) Bad(section string) bool {
	for key := range r.l.bad {
		if key == section || strings.HasPrefix(key, section+".") {
			return true
		}
	}
	return false
}

// In returns a function that reports what is wrong with a key of a section, or
// that it is missing. The message begins with a verb and quotes no value. A setting
// of the section in backquotes, as in "write `mode = \"sentinel\"`", becomes what
// the user writes: a line of the file, or the flag or variable that set it. So does
// a name alone. Of each key the first mistake counts.
func (r *Report) In(section string) func(key, format string, args ...any) {
	return func(key, format string, args ...any) {
		key = section + "." + key
		if r.Given(key) || !r.l.explained(key) {
			r.l.problem(key, "%s", r.l.advice(section, fmt.Errorf(format, args...).Error()))
		}
	}
}

// OneOf reports a value that is none of the allowed ones, and which was probably
// meant.
func (r *Report) OneOf(section, key, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		r.In(section)(key, `must be one of "%s"%s`, strings.Join(allowed, `", "`), nearest.Hint(value, allowed))
	}
}

// Volume reports what a backend says of the volume of a section: one line, which may
// begin with the key.
func (r *Report) Volume(section string, err error) {
	p := Problem{Source: r.l.cfg.File, Key: section, Message: err.Error()}
	if strings.HasPrefix(p.Message, section+".") {
		p.Key = ""
	}
	r.l.problems = append(r.l.problems, p)
}

// VolumeKey is the section of a volume.
func VolumeKey(name string) string { return joinKey("volume", name) }

// explained reports whether a mistake is known why key is not set: a misspelt key
// or section, or a section that could not be read.
func (l *loader) explained(key string) bool {
	for {
		if l.bad[key] || l.meant[key] {
			return true
		}
		i := strings.LastIndexByte(key, '.')
		if i < 0 {
			return false
		}
		key = key[:i]
	}
}

var setting = regexp.MustCompile("`([a-z_.]+)( = [^`]*)?`")

// advice writes the settings in a message as the user has to.
func (l *loader) advice(section, message string) string {
	return setting.ReplaceAllStringFunc(message, func(quoted string) string {
		m := setting.FindStringSubmatch(quoted)
		key, value := section+"."+m[1], m[2]
		from, given := l.origins[key]
		flag := l.flags[key]
		byFlag := flag != "" && (from.layer == fromFlag || !given && l.cfg.File == "")
		name := m[1]
		switch {
		case byFlag:
			name = flag
		case from.layer == fromEnv:
			name = from.name
		case value == "":
			return key
		default:
			return name + value
		}
		if value == "" {
			return name
		}
		return name + "=" + strings.Trim(strings.TrimPrefix(value, " = "), `"[]`)
	})
}
