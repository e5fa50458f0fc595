package collector

import "sync"

// together runs the functions at once and waits for all. A panic in one goes on
// in the caller, where the collector's own is caught: in a goroutine of its
// own it would end the process.
func together(functions ...func()) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards panic
		value any
	)
	for _, f := range functions {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					mu.Lock()
					value = r
					mu.Unlock()
				}
			}()
			f()
		})
	}
	wg.Wait()
	if value != nil {
		panic(value)
	}
}
