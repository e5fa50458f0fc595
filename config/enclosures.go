package config

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
		l.readFields(&e, key, section)
		l.cfg.Enclosures = append(l.cfg.Enclosures, e)
	}
}
