package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// redacted stands wherever a secret would.
const redacted = "<secret>"

// Secret is a text that no log, error or answer shows: only Reveal does. The
// zero Secret is empty. The text is behind a pointer so that fmt shows nothing
// even where it may not call methods, as in a private field.
type Secret struct {
	text *string
	file string // where it was read from, if it was
}

// NewSecret returns a Secret that holds s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{text: &s}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// File is the file that the text was read from, for those who read it again
// when it may have changed; empty when the text came from elsewhere.
func (s Secret) File() string { return s.file }

// Equal reports whether both hold the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns a placeholder, or nothing for an empty secret.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return redacted
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format writes the placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String; JSON and TOML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxSecretFile bounds what is read as a secret.
const maxSecretFile = 64 << 10

// readSecret returns the text of a file without the line ends after it. The
// errors do not name the file: the path may be a password written to the wrong
// key.
func readSecret(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("must be the absolute path of a file that holds the secret")
	}
	b, err := readFile(path, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", errors.New("the file is empty")
	}
	return s, nil
}
