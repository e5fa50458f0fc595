package outside

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain text":              "plain text",
		"Größe 漢字 🖴":              "Größe 漢字 🖴",
		"two  blanks":             "two  blanks",
		"tab\tline\nnbsp\u00a0.":  "tab line nbsp .",
		"red\x1b[31m bell\a":      "red[31m bell",
		"\u202egnp.exe\u2066":     "gnp.exe",
		"zero\u200bwidth\ufeff":   "zerowidth",
		"C1\u009b31m del\x7f":     "C131m del",
		"line\u2028separator\x00": "line separator",
		"bad\xff":                 "bad\uFFFD",
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) is %q, want %q", text, got, want)
		}
	}
}

func TestPrintableJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"plain","b":[1,true,null],"c":"\"\\\/ü\u00fc"}`: `{"a":"plain","b":[1,true,null],"c":"\"\\\/ü\u00fc"}`,
		`["\u001b[31m","\u202Eb","\b\f\n\t","\u0007"]`:        `["[31m","b","  ",""]`,
		"[\"\u202eraw\u200b\x7f\"]":                           `["raw"]`,
		`["\ud83d\udda4","\udb40\udc01"]`:                     `["\ud83d\udda4",""]`, // a heart, a tag that does not print
		`["\ud800","\ud800\u0041","\\u001b"]`:                 `["\ud800","\ud800\u0041","\\u001b"]`,
	} {
		if got := string(PrintableJSON([]byte(text))); got != want {
			t.Errorf("PrintableJSON(%s) is %s, want %s", text, got, want)
		}
	}
}

// The strings of what comes out are those that went in, as Printable has them.
func FuzzPrintableJSON(f *testing.F) {
	for _, s := range []string{`["\u001b\ud83d\udda4\ud800"]`, `{"a\n":"\\\"\u202e"}`, "[\"\xff\u200b\"]", "\"\xdf\u200b\xbb\"", `"\ud800\u0041"`, `[[],{},"",0]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, text) != nil {
			return
		}
		in, out := decoded(t, compact.Bytes()), decoded(t, PrintableJSON(compact.Bytes()))
		if len(in) != len(out) {
			t.Fatalf("%s: %d tokens, and then %d", text, len(in), len(out))
		}
		for i := range in {
			s, ok := in[i].(string)
			if ok && out[i] != Printable(s) || !ok && out[i] != in[i] {
				t.Errorf("%s: %q became %q", text, in[i], out[i])
			}
			if s, ok := out[i].(string); ok && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %q is left", text, s)
			}
		}
	})
}

func decoded(t *testing.T, text []byte) (tokens []json.Token) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for d.More() || len(tokens) > 0 {
		token, err := d.Token()
		if err != nil {
			return tokens
		}
		tokens = append(tokens, token)
	}
	t.Fatalf("no token in %s", text)
	return nil
}
