package outside

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadLine(t *testing.T) {
	tests := map[string]struct{ content, want string }{
		"a line":        {"  EXAMPLE \x00\nsecond\n", "EXAMPLE"},
		"empty":         {"", ""},
		"not UTF-8":     {"EX\xff1\n", "EX\uFFFD1"},
		"without end":   {strings.Repeat("x", maxFile*2), strings.Repeat("x", MaxText)},
		"cut in a rune": {strings.Repeat("x", MaxText-1) + "é", strings.Repeat("x", MaxText-1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := ReadLine(path); got != tt.want {
				t.Errorf("got %.40q, want %.40q", got, tt.want)
			}
		})
	}
	if got := ReadLine(t.TempDir()); got != "" {
		t.Errorf("of a directory: %q", got)
	}
	if got := ReadFile(filepath.Join(t.TempDir(), "nothing")); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("text")
	f.Add("\xff\x00 \uFFFD")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || len(got) > MaxText || strings.TrimSpace(got) != got || strings.Contains(got, "\x00") || Text(got) != got {
			t.Errorf("Text(%q) is %q", s, got)
		}
	})
}
