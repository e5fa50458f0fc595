package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"storage_exporter/internal/secret"
)

// VolumeOptions are a backend's own keys, as TOML has them: string, int64, float64,
// bool, time.Time, []any and map[string]any. They hold secrets as plain text,
// so they print with every value secret.Redacted whose name suggests one.
type VolumeOptions map[string]any

// String returns the options for reading.
func (o VolumeOptions) String() string {
	return fmt.Sprint(redact(false, map[string]any(o)))
}

// GoString is String.
func (o VolumeOptions) GoString() string { return o.String() }

// Format writes the same for every verb.
func (o VolumeOptions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue is String.
func (o VolumeOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON encodes the options without what may be secret.
func (o VolumeOptions) MarshalJSON() ([]byte, error) {
	return json.Marshal(redact(false, map[string]any(o)))
}

// redact copies a value; private holds for all that is within it.
func redact(private bool, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = redact(private || isPrivateName(k), e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = redact(private, e)
		}
		return out
	case bool:
		return v
	case string:
		if private || strings.Contains(v, "@") { // https://user:password@host
			return secret.Redacted
		}
		return v
	}
	if private {
		return secret.Redacted
	}
	return fmt.Sprint(v)
}

// isSecretName reports whether an option of this name can come from a file
// that is named by its twin, name_file.
func isSecretName(name string) bool {
	name = plainName(name)
	for _, end := range []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// isPrivateName reports whether an option of this name is kept from sight. It
// asks for less than isSecretName: to hide too much does no harm.
func isPrivateName(name string) bool {
	name = plainName(name)
	for _, part := range []string{"pass", "pwd", "secret", "token", "key", "cred", "auth"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func plainName(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}
