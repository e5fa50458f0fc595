package vast

import (
	"bytes"
	"context"

	"storage_exporter/volume/rest"
)

// each lists a resource and hands over its items, page by page.
func each[T any](ctx context.Context, c *rest.Client, r rest.Request, take func(T)) error {
	return rest.Each(ctx, c, r, pageOf[T], take)
}

// pageOf reads a list: a bare one, which is complete, or a page with the link to
// the next. Which of them comes depends on the resource and the release.
func pageOf[T any](answer *rest.Answer) (items []T, next string, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(answer.Body), []byte("[")) {
		err = answer.Decode(&items)
		return items, "", err
	}
	var page struct {
		Next    rest.Text
		Results []T
	}
	if err := answer.Decode(&page); err != nil {
		return nil, "", err
	}
	if page.Results == nil {
		return nil, "", rest.Nonsense("the answer is not the list that was asked for")
	}
	return page.Results, page.Next.String(), nil
}
