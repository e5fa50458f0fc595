// Package few lists texts in so few words that they fit a line.
package few

import (
	"fmt"
	"strings"
)

// Of lists texts in so many words at most; last leads over to how many more there
// are, as in " and ".
func Of(texts []string, most int, last string) string {
	if more := len(texts) - most; more > 0 {
		return fmt.Sprintf("%s%s%d more", strings.Join(texts[:most], ", "), last, more)
	}
	return strings.Join(texts, ", ")
}
