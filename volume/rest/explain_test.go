package rest

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"storage_exporter/internal/secret"
)

func TestComplaint(t *testing.T) {
	tests := []struct{ body, message, code string }{
		{`{"error":{"message":"entry doesn't exist","code":"4","target":"uuid"}}`, "entry doesn't exist", "4"},
		{`{"errors":[{"context":"fs1","message":"File system does not exist."}]}`, "File system does not exist.", ""},
		{`{"errors":[{"code":"AEC_NOT_FOUND","message":"Path not found"}]}`, "Path not found", "AEC_NOT_FOUND"},
		{`{"detail":"Not found.","code":"token_not_valid"}`, "Not found.", "token_not_valid"},
		{`{"message":"no fs","data":{"exceptionClass":"FilesystemDoesNotExistException"}}`, "no fs", "FilesystemDoesNotExistException"},
		{`{"status":{"code":400,"message":"Invalid value in 'storagePool'"}}`, "Invalid value in 'storagePool'", "400"},
		{`{"error":"out of order"}`, "out of order", ""},
		{`{"errors":["a","b"]}`, "a", ""},
		{"free\n\ttext\x1b[31m", "free text[31m", ""},
		{"<html>no</html>", "", ""},
		{"", "", ""},
		{`[1]`, "", ""},
		{`{"message": {"deep": 1}, "errors": 7, "data": []}`, "", ""},
		{`{"message": "user hunter2 at ` + strings.Repeat("x", 500) + `"}`, "user *** at " + strings.Repeat("x", 187) + "…", ""},
	}
	for _, tt := range tests {
		message, code := complaint([]byte(tt.body), strings.NewReplacer("hunter2", "***").Replace)
		if message != tt.message || code != tt.code {
			t.Errorf("%s: %q, %q, not %q, %q", tt.body, message, code, tt.message, tt.code)
		}
	}
}

// A secret is not cut in half where the message is cut.
func TestComplaintHidesFirst(t *testing.T) {
	body := strings.Repeat("x", longestExcerpt-5) + "hunter2hunter2"
	if message, _ := complaint([]byte(body), strings.NewReplacer("hunter2hunter2", secret.Redacted).Replace); strings.Contains(message, "hunt") {
		t.Error(message)
	}
}

func FuzzComplaint(f *testing.F) {
	for _, s := range []string{`{"error":{"message":"m","code":4}}`, "<html>", "\x00\xff", `{"errors":[[]]}`, `"text"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, code := complaint(body, func(s string) string { return s })
		for _, text := range []string{message, code} {
			if utf8.RuneCountInString(text) > longestExcerpt || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", text)
			}
		}
	})
}
