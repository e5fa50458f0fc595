package rest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	standardPause = 30 * time.Second // where the appliance names no time
	longestPause  = time.Hour        // whatever it names
)

// pause is a time without calls: the appliance asked for it, or refused us.
type pause struct {
	mu  sync.Mutex // guards the fields below
	end time.Time
	why error
}

// err is why no call may be made now; nil when one may.
func (p *pause) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.end) {
		return p.why
	}
	return nil
}

func (p *pause) until(wait time.Duration, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end, p.why = time.Now().Add(wait), why
}

// retryAfter reads how long the appliance wants no calls, in seconds or by a date on
// its own clock; given is false where it does not say.
func retryAfter(a *Answer) (wait time.Duration, given bool) {
	header := a.Header.Get("Retry-After")
	wait = -1
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds >= 0 {
		wait = longestPause
		if seconds < longestPause.Seconds() {
			wait = time.Duration(seconds * float64(time.Second))
		}
	} else if date, err := http.ParseTime(header); err == nil {
		now := a.ReceivedAt
		if theirs, err := http.ParseTime(a.Header.Get("Date")); err == nil {
			now = theirs
		}
		wait = max(date.Sub(now), 0)
	}
	if wait < 0 {
		return standardPause, false
	}
	return min(wait, longestPause), true
}
