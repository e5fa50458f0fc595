package config

import (
	"maps"
	"slices"
	"strings"

	"storage_exporter/internal/nearest"
	"storage_exporter/internal/outside"
	"storage_exporter/internal/secret"
)

const (
	maxFile    = 4 << 20
	fileSuffix = "_file"
)

// readFile reads the TOML file into the Config. It returns false, with the
// problem noted, when the file as a whole cannot be read.
func (l *loader) readFile(path string) bool {
	b, err := outside.ReadRegular(path, maxFile)
	if err != nil {
		l.problemAt("", l.inFile(""), "cannot be read: %v", err)
		return false
	}
	doc, err := parse(string(b))
	if err != nil {
		l.problemAt("", l.inFile(""), "%v", err)
		return false
	}
	l.lenient = hasProxySection(doc)
	for _, name := range sorted(doc) {
		l.readSection(name, doc[name])
	}
	return true
}

// ownSections returns the sections that are the exporter's alone; [volume.*] it
// shares with the storage proxy.
func (l *loader) ownSections() []string { return keysWithin(l.fields, "") }

func (l *loader) readSection(name string, v any) {
	table, isTable := v.(map[string]any)
	switch {
	case name == "volume":
		if !isTable {
			l.problem("volume", "must be sections: write [volume.NAME]")
			return
		}
		l.readVolumes(table)
	case name == "proxy" && (isTable || !l.lenient):
		if !isTable {
			l.problem("proxy", "must be sections: write [proxy.NAME]")
			return
		}
		l.readProxies(table)
	case name == "enclosure":
		if !isTable {
			l.problem("enclosure", `must be sections: write [enclosure."ID"]`)
			return
		}
		l.readEnclosures(table)
	case name == "webhook":
		l.readWebhooks(v)
	case slices.Contains(l.ownSections(), name):
		if !isTable {
			l.problem(name, "must be a section: write [%s]", name)
			return
		}
		l.readTable(name, table)
	case isProxySection(name):
		if isTable {
			l.readProxySection(name, table)
		}
	case l.lenient:
		l.warn(l.inFile(keyPart(name)), "is not known and was ignored%s", l.suggestSection(name))
	case isTable:
		l.problem(keyPart(name), "is no known section%s", l.suggestSection(name))
	default:
		l.problem(keyPart(name), "does not stand in a known section: write it below [%s]", strings.Join(l.ownSections(), "], ["))
	}
}

// readTable reads a section of the exporter's own.
func (l *loader) readTable(prefix string, table map[string]any) {
	known := keysWithin(l.fields, prefix+".")
	for _, name := range sorted(table) {
		key, v := prefix+"."+keyPart(name), table[name]
		sub, isTable := v.(map[string]any)
		switch {
		case isTable && slices.Contains(known, name) && l.isSection(key):
			l.readTable(key, sub)
		case l.isSection(key):
			l.problem(key, "must be a section: write [%s]", key)
		case slices.Contains(known, name):
			l.setValue(l.fields, key, v, table)
		case prefix == "api" && isTable: // [api.client] and [api.manager] are the storage proxy's
		case l.lenient:
			l.warn(l.inFile(key), "is not known and was ignored%s", nearest.Hint(name, known))
		case prefix == "volumes" && isTable:
			l.problem(key, "is not known: a volume is written [volume.NAME], and [volumes] holds for all of them")
		default:
			l.problem(key, "is not known%s", l.suggestIn(prefix, name, known))
		}
	}
}

// readFields reads a named section, such as [proxy.NAME], into the struct at which into
// points.
func (l *loader) readFields(into any, key string, section map[string]any) {
	fields := fieldsOf(into, key+".")
	known := keysWithin(fields, key+".")
	for _, k := range sorted(section) {
		at := key + "." + keyPart(k)
		switch {
		case slices.Contains(known, k):
			l.setValue(fields, at, section[k], section)
		case l.lenient:
			l.warn(l.inFile(at), "is not known and was ignored%s", nearest.Hint(k, known))
		default:
			l.problem(at, "is not known%s", l.suggestIn(key, k, known))
		}
	}
}

func (l *loader) isSection(key string) bool {
	for k := range l.fields {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// setValue stores one key of a table, environment and secret files resolved.
// The whole table is there to find a secret that stands twice.
func (l *loader) setValue(fields map[string]field, key string, v any, table map[string]any) {
	l.origins[key] = l.inFile(key)
	v, err := expandAll(l.env, v)
	if err != nil {
		l.problem(key, "%v", err)
		return
	}
	if secret, ok := secretFile(fields, key); ok {
		if _, both := table[secret[strings.LastIndexByte(secret, '.')+1:]]; both {
			l.problem(key, "stands beside %s: write one of the two", secret)
			return
		}
		path, ok := v.(string)
		if !ok {
			l.problem(key, "%v", errNotText)
			return
		}
		l.setSecretFile(fields, secret, l.inFile(key), path)
		return
	}
	if err := fields[key].set(v); err != nil {
		l.problem(key, "%v", err)
	}
}

// secretFile returns the key of the secret whose file key names.
func secretFile(fields map[string]field, key string) (string, bool) {
	name, ok := strings.CutSuffix(key, fileSuffix)
	if !ok {
		return "", false
	}
	_, ok = fields[name].at.(*secret.Text)
	return name, ok
}

func (l *loader) setSecretFile(fields map[string]field, key string, from origin, path string) {
	s, err := readSecret(path)
	if err != nil {
		l.refuse(key, from, err)
		return
	}
	if at, ok := fields[key].at.(*secret.Text); ok {
		*at = s
	}
	l.origins[key] = from
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
