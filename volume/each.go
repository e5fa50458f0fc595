package volume

import "time"

// Each makes the result of every volume, by name: what a Backend returns. A zero
// time is now.
func Each[V, T any](volumes map[string]V, result func(name string, v V) (T, time.Time, error)) map[string]Result[T] {
	results := make(map[string]Result[T], len(volumes))
	for name, v := range volumes {
		value, at, err := result(name, v)
		results[name] = Result[T]{Value: value, SampledAt: at, Err: err}
	}
	return results
}
