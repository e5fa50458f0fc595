package config

import "strings"

// suggestion returns what was probably meant, as the end of a message, or
// nothing.
func suggestion(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// suggestIn is suggestion for a key of a section. The key that was meant is
// then not reported as missing: one mistake, one line.
func (l *loader) suggestIn(section, name string, known []string) string {
	if near := nearest(name, known); near != "" {
		l.meant[section+"."+near] = true
		return "; did you mean " + near + "?"
	}
	return ""
}

// suggestSection is suggestIn for a section.
func (l *loader) suggestSection(name string) string {
	if near := nearest(name, append(l.ownSections(), "volume")); near != "" {
		l.meant[near] = true
		return "; did you mean [" + near + "]?"
	}
	return ""
}

// nearest returns the known name that is at most two changes away, one for a
// short name; dashes and case do not count.
func nearest(name string, known []string) string {
	const longestName = 40
	if len(name) > longestName {
		return ""
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, bestAt := "", min(2, len(name)/2-1)+1
	for _, k := range known {
		if d := distance(name, k); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
