package rest

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "<secret>"

// Secret is a text that no log, error or answer shows: only Reveal does. The
// text is behind a pointer so that fmt shows nothing even where it may not call
// methods, as in a private field.
type Secret struct{ text *string }

// NewSecret returns a Secret that holds s.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format writes a placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns the placeholder.
func (s Secret) String() string { return redacted }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
