package checks

import (
	"os"
	"regexp"
	"testing"
)

// TestGoVersion holds the modules together: each is built by the same Go.
func TestGoVersion(t *testing.T) {
	version := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s names no version of Go", file)
		}
		return string(m[1])
	}
	want := version("../go.mod")
	for _, file := range []string{"go.mod", "../tools/go.mod", "../tools/packages/go.mod"} {
		if got := version(file); got != want {
			t.Errorf("%s wants Go %s, the exporter %s", file, got, want)
		}
	}
}
