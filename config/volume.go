package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"storage_exporter/internal/nearest"
)

// readVolumes reads the [volume.*] sections, in the order of their names.
func (l *loader) readVolumes(table map[string]any) {
	for _, name := range sorted(table) {
		key := joinKey("volume", name)
		section, ok := table[name].(map[string]any)
		if !ok {
			l.problem(key, "belongs to no volume: write it below [volume.NAME], or below [volumes] for all of them")
			continue
		}
		l.readVolume(name, key, section)
	}
}

// readVolume reads one section. What it does not know may be the storage
// proxy's, so it only warns.
func (l *loader) readVolume(name, key string, section map[string]any) {
	v := Volume{Name: name, FSPrefix: "."}
	fields := fieldsOf(&v, key+".")
	known := append(keysWithin(fields, key+"."), "options")
	for _, k := range sorted(section) {
		at := key + "." + keyPart(k)
		switch {
		case k == "options":
			l.readOptions(&v, at, section[k])
		case slices.Contains(known, k):
			l.setValue(fields, at, section[k], section)
		default:
			l.warn(l.inFile(at), "is not known and was ignored%s", nearest.Hint(k, known))
		}
	}
	l.cfg.Volumes = append(l.cfg.Volumes, v)
}

func (l *loader) readOptions(v *Volume, key string, value any) {
	table, ok := value.(map[string]any)
	if !ok {
		l.problem(key, "must be a section: write [%s]", key)
		return
	}
	v.Options = l.resolve(key, table)
}

// resolve copies a table of options, the environment and secret files put in.
func (l *loader) resolve(prefix string, table map[string]any) VolumeOptions {
	out := make(VolumeOptions, len(table))
	for _, name := range sorted(table) {
		key := prefix + "." + keyPart(name)
		switch v := table[name].(type) {
		case map[string]any:
			out[name] = map[string]any(l.resolve(key, v))
			continue
		case []map[string]any:
			list := make([]any, len(v))
			for i, t := range v {
				list[i] = map[string]any(l.resolve(key, t))
			}
			out[name] = list
			continue
		}
		v, err := expandAll(l.env, table[name])
		if err != nil {
			l.problem(key, "%v", err)
			continue
		}
		secret, isFile := strings.CutSuffix(name, fileSuffix)
		if !isFile || !isSecretName(secret) {
			out[name] = v
			continue
		}
		if _, both := table[secret]; both {
			l.problem(key, "stands beside %s: write one of the two", keyPart(secret))
			continue
		}
		path, _ := v.(string)
		text, err := readSecret(path)
		if out[secret] = text.Reveal(); err != nil {
			l.problem(key, "%v", err)
		}
	}
	return out
}

// longestName is that of a volume, in characters.
const longestName = 128

func (l *loader) validateVolumes() {
	for _, v := range l.cfg.Volumes {
		key := joinKey("volume", v.Name)
		if !goodVolumeName(v.Name) {
			l.problem(key, "is no good name: use 1 to %d printable characters without a slash, and no space at its ends", longestName)
			continue
		}
		l.validateVolume(key+".", v)
	}
}

func (l *loader) validateVolume(key string, v Volume) {
	switch {
	case v.Backend == "":
		l.problem(key+"backend", `is missing: write backend = "vfs", or what serves the volume`)
	case !backendName.MatchString(v.Backend):
		l.problem(key+"backend", `must be the name of a backend, such as "vfs"`)
	}
	switch {
	case v.Path == "" && v.Options == nil:
		l.problem(key+"path", `is missing: write path = "/…", the mount point`)
	case v.Path != "":
		l.absolute(key+"path", v.Path, "path")
	}
}

func goodVolumeName(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= longestName &&
		!strings.ContainsFunc(s, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }) &&
		strings.TrimSpace(s) == s
}
