package hammerspace

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// No path waits for another: in the bubble, each waits for all.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		views := map[string]*base{}
		for _, dir := range []string{"/a", "/b", "/c"} {
			views[dir] = &base{path: dir}
		}
		var begun sync.WaitGroup
		begun.Add(len(views))
		got := atOnce(views, func(b *base) string {
			begun.Done()
			begun.Wait()
			return "of " + b.path
		})
		if diff := cmp.Diff(map[string]string{"/a": "of /a", "/b": "of /b", "/c": "of /c"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
