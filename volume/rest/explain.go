package rest

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"storage_exporter/internal/outside"
)

// longestExcerpt is in characters.
const longestExcerpt = 200

// excerpt is Clean with the length that errors show.
func excerpt(s string) string { return Clean(s, longestExcerpt) }

// Clean makes a text from outside fit for a log or a health's info: on one line,
// without what does not print, at most so many characters.
func Clean(s string, most int) string {
	if len(s) > 8*most {
		s = s[:8*most] // the rest is cut anyway
	}
	s = strings.ReplaceAll(outside.Printable(s), string(utf8.RuneError), "")
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// complaint finds the message and the code of an error in any of the vendors'
// formats; hide removes secrets. The message of a body that is not JSON is its text,
// unless it is a web page.
//
//	{"error": {"message", "code"}}          ONTAP
//	{"errors": [{"message", "code"}]}       FlashBlade, OneFS
//	{"detail", "code"}                      VAST
//	{"message", "data": {"exceptionClass"}} Weka
//	{"status": {"message", "code"}}         Storage Scale
func complaint(body []byte, hide func(string) string) (message, code string) {
	body = bytes.TrimSpace(body)
	if isPage(body) {
		return "", ""
	}
	type part struct {
		Message Text
		Detail  Text
		Code    Text
	}
	var whole struct {
		part
		Error  json.RawMessage
		Errors []json.RawMessage
		Status json.RawMessage
		Data   struct{ ExceptionClass Text }
	}
	if !json.Valid(body) {
		return excerpt(hide(string(body))), ""
	}
	_ = json.Unmarshal(body, &whole) // what fits is taken
	parts := []part{whole.part, {Code: whole.Data.ExceptionClass}}
	for _, raw := range append(whole.Errors, whole.Error, whole.Status) {
		var p part
		if json.Unmarshal(raw, &p) != nil {
			_ = json.Unmarshal(raw, &p.Message) // a text, or nothing
		}
		parts = append(parts, p)
	}
	for _, p := range parts {
		for _, text := range []Text{p.Message, p.Detail} {
			if message == "" {
				message = excerpt(hide(string(text)))
			}
		}
		if code == "" {
			code = excerpt(hide(string(p.Code)))
		}
	}
	return message, code
}

func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }
