package exposition

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// maxHeaderTimeout is the longest timeout that is taken for one: Prometheus
// has it below the scrape interval.
const maxHeaderTimeout = time.Hour

// scrapeContext gives the request the deadline that Prometheus sends, less an
// offset. A header that makes no sense is none.
func (e *Exporter) scrapeContext(r *http.Request) (context.Context, context.CancelFunc) {
	timeout := e.cfg.Timeout
	seconds, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64)
	// Written so that NaN is refused too.
	if err == nil && seconds > 0 && seconds <= maxHeaderTimeout.Seconds() {
		timeout = time.Duration(seconds * float64(time.Second))
	}
	// A timeout hardly longer than the offset still leaves half of it.
	timeout = max(timeout-e.cfg.TimeoutOffset, timeout/2)
	return context.WithTimeout(r.Context(), min(timeout, maxRead))
}

// asked is which collectors of l the query asks for, by index, and whether it asks for
// the exporter's own metrics too: not where it names what it wants. The error is one
// line for the user.
func asked(l *layout, query string) (indices []int, own bool, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, false, fmt.Errorf("invalid query: %w", err)
	}
	collect, exclude := values["collect[]"], values["exclude[]"]
	if len(collect) > 0 && len(exclude) > 0 {
		return nil, false, errors.New("collect[] and exclude[] cannot be combined: use one of them")
	}
	for _, name := range slices.Concat(collect, exclude) {
		if l.find(name) < 0 {
			enabled := strings.Join(l.names(), ", ")
			if enabled == "" {
				enabled = "none"
			}
			return nil, false, fmt.Errorf("collector %.64q is unknown or disabled; enabled are: %s", name, enabled)
		}
	}
	for i, c := range l.collectors {
		if len(collect) > 0 && !slices.Contains(collect, c.Name()) || slices.Contains(exclude, c.Name()) {
			continue
		}
		indices = append(indices, i)
	}
	return indices, len(collect) == 0, nil
}
