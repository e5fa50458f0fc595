package mount

import (
	"sync"
	"testing"
	"testing/synctest"

	"storage_exporter/volume/volumetest"
)

// No path waits for another: in the bubble, each waits for all.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paths := map[string]string{"/a": "a", "/b": "b", "/c": "c"}
		var begun sync.WaitGroup
		begun.Add(len(paths))
		got := AtOnce(paths, func(name string) string {
			begun.Done()
			begun.Wait()
			return "of " + name
		})
		volumetest.Same(t, map[string]string{"/a": "of a", "/b": "of b", "/c": "of c"}, got)
	})
}
