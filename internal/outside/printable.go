package outside

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable drops what does not print and could change how the rest is shown: escapes,
// bells, bidirectional marks, what has no width. White space becomes a space, and what is
// no UTF-8 U+FFFD.
func Printable(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(printable, strings.ToValidUTF8(s, "\uFFFD"))
}

// isPlain is whether all is ASCII that prints.
func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case !unicode.IsPrint(r):
		return -1
	}
	return r
}

// PrintableJSON is Printable for the strings of a JSON text that is valid and compact.
// The rest stays as it is.
func PrintableJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i, inside := 0, false; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			inside = !inside
			fallthrough
		case !inside || c != '\\' && c < utf8.RuneSelf && c != 0x7f:
			out = append(out, c)
			i++
			continue
		}
		r, n := runeOf(text[i:])
		switch shown := printable(r); {
		case shown == r && n > 1:
			out = append(out, text[i:i+n]...) // with its escape
		case shown >= 0:
			out = utf8.AppendRune(out, shown)
		}
		i += n
	}
	return out
}

// runeOf reads one rune of a JSON string, which may be escaped, and how long it is.
func runeOf(s []byte) (rune, int) {
	if s[0] != '\\' || len(s) < 2 {
		return utf8.DecodeRune(s)
	}
	switch c := s[1]; c {
	case 'u':
		r := hex(s)
		if !utf16.IsSurrogate(r) {
			return r, min(6, len(s))
		}
		if pair := utf16.DecodeRune(r, hex(s[6:])); pair != unicode.ReplacementChar {
			return pair, 12
		}
		return unicode.ReplacementChar, 6
	case 'n', 'r', 't':
		return '\n', 2
	case 'b', 'f':
		return '\b', 2
	default:
		return rune(c), 2
	}
}

// hex is the rune of an escape such as \u001b, -1 where there is none.
func hex(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	r, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(r)
}
