package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// Bounds on what the parser, which is recursive and joins keys again and
// again, is given.
const (
	maxDepth = 1000
	maxDots  = 100 // in a line
)

// parse reads TOML. Its errors give the position and what is wrong, in words
// of our own: the library's may quote the text at that place, and that may be
// a password.
func parse(text string) (doc map[string]any, err error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil {
			doc, err = nil, errors.New("is not valid TOML")
		}
	}()
	if _, err := toml.Decode(text, &doc); err != nil {
		return nil, syntaxError(err)
	}
	return doc, nil
}

// bounded looks at what stands outside quotes and comments. It takes each line
// by itself, so that within a text of several lines it may count too much or
// too little, within bounds that no honest file comes near.
func bounded(text string) error {
	depth, line := 0, 0
	for l := range strings.Lines(text) {
		line++
		dots := 0
		var quote byte
		for i := 0; i < len(l); i++ {
			switch c := l[i]; {
			case quote == '"' && c == '\\':
				i++
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '#':
				i = len(l)
			case c == '[' || c == '{':
				depth++
			case c == ']' || c == '}':
				depth = max(0, depth-1)
			case c == '.':
				dots++
			}
			if depth > maxDepth {
				return fmt.Errorf("line %d: is nested too deeply", line)
			}
		}
		if dots > maxDots {
			return fmt.Errorf("line %d: has too many dots in it", line)
		}
	}
	return nil
}

// syntaxWords are parts of the library's messages, and what to say instead.
var syntaxWords = []struct{ theirs, ours string }{
	{"already", "this key or section stands further up already"},
	{"expected value", `a value is missing: text goes in quotes, as in "…"`},
	{"expected '.' or '='", "a key must be followed by = and a value"},
	{"to end with a newline", "more follows after the value: is a quote or a comma missing?"},
	{"strings cannot contain newlines", "the text does not end in its line: is the closing quote missing?"},
	{"inline tables", "a table in { } must stand in one line"},
	{"inline table", "a table in { } needs commas and its }"},
	{"array terminator", "a list needs commas and its ]"},
	{"table", "the section's name is not complete: write [name]"},
	{"escape", `the text has an unknown escape: write \\ for a backslash, or use '…' as quotes`},
	{"hexadecimal digits", `the text has an unknown escape: write \\ for a backslash, or use '…' as quotes`},
	{"NULL", "the file must be UTF-8 text, not UTF-16"},
	{"UTF-8", "the file must be UTF-8 text"},
	{"control characters", "there is a control character"},
	{"unexpected EOF", "the file ends in the middle of a value"},
	{"number", "not a valid number or date: text goes in quotes"},
	{"nteger", "not a valid number or date: text goes in quotes"},
	{"float", "not a valid number or date: text goes in quotes"},
	{"digit", "not a valid number or date: text goes in quotes"},
	{"datetime", "not a valid number or date: text goes in quotes"},
	{"range", "not a valid number or date: text goes in quotes"},
}

func syntaxError(err error) error {
	pe, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return errors.New("is not valid TOML")
	}
	say := "is not valid TOML here"
	for _, w := range syntaxWords {
		if strings.Contains(pe.Message, w.theirs) {
			say = w.ours
			break
		}
	}
	return fmt.Errorf("line %d: %s", pe.Position.Line, say)
}
