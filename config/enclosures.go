package config

import (
	"slices"

	"storage_exporter/internal/nearest"
)

// Enclosure is one [enclosure."<id>"] section: how an enclosure is shown.
type Enclosure struct {
	ID string `toml:"-"`
	// Columns are those of its picture; 0 once loaded where none are given.
	Columns int `toml:"columns"`
}

// EnclosureKey is the section of an enclosure.
func EnclosureKey(id string) string { return joinKey("enclosure", id) }

// readEnclosures reads the [enclosure.*] sections, in the order of their ids.
func (l *loader) readEnclosures(table map[string]any) {
	for _, id := range sorted(table) {
		key := EnclosureKey(id)
		section, ok := table[id].(map[string]any)
		if !ok {
			l.problem(key, `belongs to no enclosure: write it below [enclosure."ID"]`)
			continue
		}
		e := Enclosure{ID: id}
		fields := fieldsOf(&e, key+".")
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
		l.cfg.Enclosures = append(l.cfg.Enclosures, e)
	}
}
