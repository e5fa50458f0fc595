package rest

import (
	"context"
	"fmt"
)

const maxPages = 100

// Pages makes a call and then follows its pages. take decodes a page and returns
// the link to the next one, empty after the last. The link is what the appliance
// wrote, or "?limit=…&token=…" where the API has a token instead. Only its path and
// query are used: its host may not be reachable from here. A list that does not end
// or is not complete is an error, since volumes would seem to be gone.
func (c *Client) Pages(ctx context.Context, r Request, take func(*Answer) (next string, err error)) error {
	ctx, s := together.begin(ctx)
	defer s.close()
	seen := map[string]bool{}
	for range maxPages {
		var next string
		answer, err := c.do(ctx, r, taking{s, func(a *Answer) (err error) {
			defer a.release()
			next, err = take(a)
			return err
		}})
		if err != nil || next == "" {
			return err
		}
		link, err := answer.url.Parse(next)
		if err != nil {
			return answer.bad("the link to the next page is no URL", nil)
		}
		if seen[link.RequestURI()] || link.RequestURI() == answer.url.RequestURI() {
			return answer.bad("the link to the next page repeats", nil)
		}
		seen[link.RequestURI()] = true
		r.Path, r.Query, r.rooted = link.RequestURI(), nil, true
	}
	return &Error{Kind: ErrBadAnswer, text: fmt.Sprintf("%s: there are more than %d pages", c.cfg.Access.Endpoint(), maxPages)}
}

// Each follows the pages of a list as Pages does and hands over its items. read takes
// a page apart: its items, and the link to the next one.
func Each[T any](ctx context.Context, c *Client, r Request, read func(*Answer) (items []T, next string, err error), take func(T)) error {
	return c.Pages(ctx, r, func(answer *Answer) (string, error) {
		items, next, err := read(answer)
		for _, item := range items {
			take(item)
		}
		return next, err
	})
}
