package volumetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// Problems is what the checks of these names report.
func Problems(t *testing.T, s Suite, names ...string) map[string][]string {
	t.Helper()
	problems := map[string][]string{}
	for _, c := range contract {
		if !slices.Contains(names, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				r := newRun(t, s, func(format string, args ...any) {
					mu.Lock()
					defer mu.Unlock()
					problems[c.name] = append(problems[c.name], fmt.Sprintf(format, args...))
				})
				r.keeps(c.check)
			})
		})
	}
	return problems
}
