package config

import "storage_exporter/internal/nearest"

// suggestIn is nearest.Hint for a key of a section. The key that was meant is
// then not reported as missing: one mistake, one line.
func (l *loader) suggestIn(section, name string, known []string) string {
	near := nearest.Name(name, known)
	if near != "" {
		l.meant[section+"."+near] = true
	}
	return nearest.Hint(name, known)
}

// suggestSection is suggestIn for a section.
func (l *loader) suggestSection(name string) string {
	if near := nearest.Name(name, append(l.ownSections(), "volume", "proxy", "enclosure", "webhook")); near != "" {
		l.meant[near] = true
		return "; did you mean [" + near + "]?"
	}
	return ""
}
