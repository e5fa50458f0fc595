// Package reporttest has what smartctl printed of drives, for tests.
package reporttest

import (
	"embed"
	"path"
	"strings"
	"testing"
)

//go:embed documents
var files embed.FS

// Documents are smartctl's outputs by name. Values are invented; the names say
// protocol, kind of drive and smartctl's version. "emulated", "virtual" and
// "debug" were recorded from a real smartctl 7.3 on emulated drives.
func Documents(tb testing.TB) map[string][]byte {
	tb.Helper()
	entries, err := files.ReadDir("documents")
	if err != nil {
		tb.Fatal(err)
	}
	docs := make(map[string][]byte)
	for _, e := range entries {
		b, err := files.ReadFile(path.Join("documents", e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		docs[strings.TrimSuffix(e.Name(), ".json")] = b
	}
	return docs
}
