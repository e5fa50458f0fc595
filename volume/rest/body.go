package rest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	maxBody = 16 << 20 // of a reply, unpacked
	maxList = 32 << 20 // of all pages of a list

	// maxHead is what is read of a reply before it is decoded.
	maxHead = 16 << 10
	// maxSmall bounds a reply that is not decoded as it comes: a login's, an error's.
	maxSmall = 256 << 10

	// Lists of objects that are nearly alike shrink to a thirtieth, not more.
	maxRatio  = 200
	ratioFrom = 1 << 20 // bytes, unpacked
)

// body reads a reply, unpacked and bounded. Its first error stays.
type body struct {
	packed   counted
	from     io.Reader // packed, or what unpacks it
	read     int64
	list     *int64 // bytes of the list so far
	most     int64
	err      error
	isPacked bool
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func newBody(reply *http.Response, list *int64, most int64) *body {
	b := &body{packed: counted{Reader: io.LimitReader(reply.Body, most+1)}, list: list, most: most}
	b.from = &b.packed
	b.isPacked = strings.EqualFold(reply.Header.Get("Content-Encoding"), "gzip")
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.isPacked && b.from == io.Reader(&b.packed) {
		z, err := gzip.NewReader(&b.packed)
		if err != nil {
			b.err = err // io.EOF where there is nothing
			return 0, err
		}
		b.from = z
	}
	n, err := b.from.Read(p)
	b.read += int64(n)
	*b.list += int64(n)
	switch {
	case b.read > b.most || b.packed.n > b.most:
		err = bound(fmt.Sprintf("the answer is larger than %d MiB", b.most>>20))
	case *b.list > maxList:
		err = bound(fmt.Sprintf("the list is larger than %d MiB", maxList>>20))
	case b.isPacked && b.read > ratioFrom && b.read > maxRatio*b.packed.n:
		err = bound(fmt.Sprintf("the answer unpacks to more than %d times its size", maxRatio))
	case err == nil || errors.Is(err, io.EOF):
		b.err = err
		return n, err
	}
	b.err = err
	return 0, err
}
