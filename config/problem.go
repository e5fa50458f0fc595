package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Problem is one mistake in the configuration. It never quotes a value from
// the file, since a password may stand at the wrong place; only keys, and a
// backend's checked name.
type Problem struct {
	Source  string // the file; empty for a flag or a variable
	Key     string // such as volume.x1.path, --smartctl.interval or REDIS_PORT
	Message string // what is wrong and what to write instead
}

// String returns "file: key: message" in one line.
func (p Problem) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{p.Source, p.Key, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems is the error that Load returns: all mistakes at once.
type Problems []Problem

// maxShown bounds the text of an error; a binary file can have thousands.
const maxShown = 100

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, 0, min(len(ps), maxShown)+1)
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(ps)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// joinKey writes a key as TOML does, short and printable whatever it holds.
func joinKey(parts ...string) string {
	for i, s := range parts {
		parts[i] = keyPart(s)
	}
	return strings.Join(parts, ".")
}

func keyPart(s string) string {
	const longest = 128
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest]) + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return strconv.Quote(s)
	}
	return toml.Key{s}.String()
}
