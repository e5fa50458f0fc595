package web

import (
	"bytes"
	"compress/gzip"
	"container/list"
	"sync"
)

const (
	// maxPages and maxKept bound the rendered pages that are kept; maxKept is in bytes.
	maxPages = 64
	maxKept  = 16 << 20
)

// rendered is a page that is ready to be sent. Nobody may change it.
type rendered struct {
	key, tag string
	body     []byte

	once   sync.Once
	packed []byte
}

// gzip is the page compressed, once for all who want it so.
func (r *rendered) gzip() []byte {
	r.once.Do(func() {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return // the level is one
		}
		_, _ = z.Write(r.body) // into memory
		_ = z.Close()
		r.packed = b.Bytes()
	})
	return r.packed
}

// size is what the page takes at most, compressed or not.
func (r *rendered) size() int { return 2*len(r.body) + len(r.key) }

// renderings keeps pages that were rendered, by what of the address is shown. Of each
// only the newest is kept, and of all those that were asked for last.
type renderings struct {
	making sync.Mutex // held while a page is made: one at a time

	mu    sync.Mutex // guards the fields below
	byKey map[string]*list.Element
	used  list.List // the last used first
	bytes int
}

// get is the page of a key and a tag, which is made where it is not kept. Pages whose
// keys anybody can think up are not kept.
func (r *renderings) get(key, tag string, keep bool, render func() ([]byte, error)) (*rendered, error) {
	if p := r.find(key, tag); p != nil {
		return p, nil
	}
	r.making.Lock()
	defer r.making.Unlock()
	if p := r.find(key, tag); p != nil { // another request has made it
		return p, nil
	}
	body, err := render()
	if err != nil {
		return nil, err
	}
	p := &rendered{key: key, tag: tag, body: body}
	if keep {
		r.keep(p)
	}
	return p, nil
}

func (r *renderings) find(key, tag string) *rendered {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byKey[key]
	if e == nil {
		return nil
	}
	p := e.Value.(*rendered)
	if p.tag != tag {
		return nil
	}
	r.used.MoveToFront(e)
	return p
}

func (r *renderings) keep(p *rendered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey == nil {
		r.byKey = make(map[string]*list.Element)
	}
	if old := r.byKey[p.key]; old != nil {
		r.drop(old)
	}
	r.byKey[p.key] = r.used.PushFront(p)
	r.bytes += p.size()
	for r.used.Len() > maxPages || r.bytes > maxKept {
		r.drop(r.used.Back())
	}
}

// drop forgets a page; r.mu is held.
func (r *renderings) drop(e *list.Element) {
	p := r.used.Remove(e).(*rendered)
	delete(r.byKey, p.key)
	r.bytes -= p.size()
}
