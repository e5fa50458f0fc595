package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"storage_exporter/event"
)

// usualPage is how many events a page has where the query says nothing.
const usualPage = 100

// listEvents answers with the changes of state, the newest first, that the query asks
// for.
func (a *API) listEvents(ctx context.Context, r *http.Request) (answer, error) {
	query := r.URL.Query()
	filter := event.Filter{Subjects: listOf(query, "subject"), States: listOf(query, "state")}
	var wrong error
	filter.Check(func(key, format string, args ...any) {
		wrong = fmt.Errorf("%w: %s "+format, append([]any{errBadArgument, key}, args...)...)
	})
	limit := usualPage
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > event.MaxPage {
			wrong = fmt.Errorf("%w: limit must be 1 to %d", errBadArgument, event.MaxPage)
		}
		limit = n
	}
	if wrong != nil {
		return answer{}, wrong
	}
	page, err := a.cfg.Events(ctx, filter, query.Get("before"), limit)
	switch {
	case errors.Is(err, event.ErrBefore):
		return answer{}, fmt.Errorf("%w: before: %w", errBadArgument, err)
	case err != nil:
		return answer{}, err
	}
	return answer{body: struct {
		event.Page
		Next *string `json:"next"`
	}{page, orNull(page.Next)}}, nil
}
