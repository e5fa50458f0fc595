package mount

import "sync"

// AtOnce asks about all paths at the same time, for each of them may hang.
func AtOnce[V, T any](paths map[string]V, ask func(V) T) map[string]T {
	var mu sync.Mutex // guards answers
	answers := make(map[string]T, len(paths))
	var asking sync.WaitGroup
	for path, v := range paths {
		asking.Go(func() {
			answer := ask(v)
			mu.Lock()
			defer mu.Unlock()
			answers[path] = answer
		})
	}
	asking.Wait()
	return answers
}
