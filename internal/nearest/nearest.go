// Package nearest guesses which name somebody meant who mistyped it.
package nearest

import "strings"

// Hint is the end of a message that says what was probably meant, or nothing.
func Hint(name string, known []string) string {
	if near := Name(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// Name returns the known name that is at most two changes away, one for a short
// name; dashes and case do not count. It is empty if there is none.
func Name(name string, known []string) string {
	const longestName = 40
	if len(name) > longestName {
		return ""
	}
	name = plain(name)
	best, bestAt := "", min(2, len(name)/2-1)+1
	for _, k := range known {
		if d := distance(name, plain(k)); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

func plain(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// distance is the number of letters to change, add, leave out, or swap with the next:
// the optimal string alignment of Damerau and Levenshtein.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			d := min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = d
		}
	}
	return rows[len(a)][len(b)]
}
