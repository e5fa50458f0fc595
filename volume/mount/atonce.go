package mount

import "sync"

// AtOnce asks about all paths at the same time, for each of them may hang.
func AtOnce[V, T any](paths map[string]V, ask func(V) T) map[string]T {
	var mu sync.Mutex // guards told
	told := make(map[string]T, len(paths))
	var asking sync.WaitGroup
	for path, v := range paths {
		asking.Go(func() {
			said := ask(v)
			mu.Lock()
			defer mu.Unlock()
			told[path] = said
		})
	}
	asking.Wait()
	return told
}
