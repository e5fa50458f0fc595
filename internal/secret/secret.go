// Package secret has the one type for passwords and tokens.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"storage_exporter/internal/outside"
)

// Redacted stands wherever a secret would be shown.
const Redacted = "<secret>"

// Text is a text that no log, error or answer shows: only Reveal does. The zero
// Text is empty. The text is behind a pointer so that fmt shows nothing even where
// it may not call methods, as in a private field.
type Text struct {
	text *string
	file string // where it was read from, if it was
}

// New returns a Text that holds s.
func New(s string) Text { return FromFile(s, "") }

// FromFile returns a Text that holds s, which was read from a file.
func FromFile(s, file string) Text {
	if s == "" {
		return Text{file: file}
	}
	return Text{&s, file}
}

// maxFile bounds what Read reads, in bytes.
const maxFile = 64 << 10

// Read returns the text of a file, without the line ends after it. The errors do not
// name the file: the path may be a password written to the wrong place.
func Read(path string) (Text, error) {
	b, err := outside.ReadRegular(path, maxFile)
	if err != nil {
		return Text{}, err
	}
	return FromFile(strings.TrimRight(string(b), "\r\n"), path), nil
}

// Reveal returns the text itself.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// File is the file that the text was read from, for those who read it again
// when it may have changed; empty when the text came from elsewhere.
func (t Text) File() string { return t.file }

// Equal reports whether both hold the same text.
func (t Text) Equal(other Text) bool { return t.Reveal() == other.Reveal() }

// String returns a placeholder, or nothing for an empty secret.
func (t Text) String() string {
	if t.text == nil {
		return ""
	}
	return Redacted
}

// Format writes the placeholder for every verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is String.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is String; JSON and TOML encoders use it.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
