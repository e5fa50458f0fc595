package cache

import "time"

// The least that an interval and a timeout can be.
const (
	LeastInterval = 100 * time.Millisecond
	LeastTimeout  = 10 * time.Millisecond
)

// CheckPeriod reports what is wrong with the times of a source, by the keys
// "interval" and "timeout" behind prefix: an observation must end before the next
// begins. A timeout of 0 is none.
func CheckPeriod(prefix string, interval, timeout time.Duration, wrong func(key, format string, args ...any)) {
	if interval < LeastInterval {
		wrong(prefix+"interval", "must be %v at least", LeastInterval)
		return // what follows from it is no mistake of its own
	}
	switch {
	case timeout == 0:
	case timeout < LeastTimeout:
		wrong(prefix+"timeout", "must be %v at least", LeastTimeout)
	case timeout >= interval:
		wrong(prefix+"timeout", "must be below `%sinterval`, which is %v", prefix, interval)
	}
}
