package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzLoad puts a secret, written out and from the environment, amid whatever
// comes, which may make another key's value of it.
func FuzzLoad(f *testing.F) {
	const marker = "S3CR3Tmarker"
	for _, name := range []string{"testdata/storage-proxy.toml", "testdata/ten_mistakes.toml", example} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), "")
		half := len(b) / 2
		f.Add(string(b[:half]), string(b[half:]))
	}
	f.Add("[redis]", "addresses = [\"a:1\"]")
	f.Add("[proxy.p]\ntoken = \"${MARKER}\"", "token_file = \"${MARKER}\"\nurl = \"${MARKER}\"\ninterval = \"${MARKER}\"")
	f.Add("[cache]\npath = \"\"\"", "\"\"\"")
	f.Add("[smart]\nttl = '''", "'''")
	f.Add("[volume.x.options]", "x = \"${MARKER}\"\nttl_token_file = \"${MARKER}\"")
	f.Add("[smart]", "devices = [\"${MARKER}\"]\ndevice_include = \"(${MARKER}\"\ninterval = \"${MARKER}\"\npowermode_check = \"${MARKER}\"")
	f.Add("x = [", "]")
	path := filepath.Join(f.TempDir(), "c.toml")
	env := lookup(map[string]string{"MARKER": marker})
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, marker) {
			t.Skip("it has the marker as a key, maybe")
		}
		text := before + "\npassword = \"" + marker + "\"\n" + after
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		warn := func(p Problem) {
			if strings.Contains(p.String(), marker) {
				t.Errorf("warning: %q", p)
			}
		}
		c, err := Load(Options{Path: path, LookupEnv: env, Default: standard, Warn: warn})
		if err != nil {
			if c != nil {
				t.Error("a Config beside an error")
			}
			if err.Error() == "" || strings.Contains(err.Error(), marker) {
				t.Errorf("error: %q", err)
			}
			return
		}
		again := newLoader(Options{})
		again.cfg, again.fields = c, fieldsOf(c, "")
		again.settle()
		again.validateStore()
		again.validateVolumes()
		if len(again.problems) > 0 {
			t.Errorf("accepted, but: %v", again.problems)
		}
		if len(c.Volumes) == 0 || c.Cache.Store == "" {
			t.Errorf("not complete: %v", c)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30s", "1d", "1h30m", "90", "1.5", "-1s", "0", "NaN", "inf", "1e300", "2y", "1e-300s", "µs", "9223372036854775807ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (time.Duration, error){parseDuration, parseSeconds} {
			if d, err := parse(s); err == nil && (d <= 0 || d > longest) {
				t.Errorf("%q is %v", s, d)
			}
		}
	})
}
