package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/inbound"
	"storage_exporter/volume"
)

// answer is a JSON body with what the headers say of its snapshots.
type answer struct {
	status int // 200 if 0
	body   any
	// encoded, if set, goes in place of body; nobody may change it.
	encoded     []byte
	contentType string // "application/json" if empty
	// cached says that the body comes from snapshots: then age and lookup hold.
	cached bool
	age    time.Duration // of the oldest part
	lookup cache.Lookup  // of the worst part
}

// include makes the answer at least as old as a part, and its lookup at least
// as bad.
func (a *answer) include(age time.Duration, lookup cache.Lookup) {
	a.cached = true
	a.age = max(a.age, age)
	a.lookup = max(a.lookup, lookup)
}

// include takes a snapshot's age and lookup over into the answer.
func include[T any](a *answer, s cache.Snapshot[T]) { a.include(s.Age, s.Lookup) }

// readable is what has a snapshot to show.
type readable[T any] interface {
	Get(ctx context.Context) (cache.Snapshot[T], error)
}

// show answers with what body makes of a snapshot.
func show[T any](ctx context.Context, of readable[T], body func(cache.Snapshot[T]) any) (answer, error) {
	snap, err := of.Get(ctx)
	if err != nil {
		return answer{}, err
	}
	ans := answer{body: body(snap)}
	include(&ans, snap)
	return ans, nil
}

func (a *answer) write(w http.ResponseWriter) {
	body := a.encoded
	if body == nil {
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			inbound.Problem{Status: http.StatusInternalServerError, Title: "Internal error", Detail: err.Error()}.Write(w)
			return
		}
	}
	h := w.Header()
	if a.cached {
		h.Set("X-Cache", a.lookup.String())
		h.Set("Age", strconv.FormatInt(int64(a.age/time.Second), 10))
	}
	h.Set("Content-Type", cmp.Or(a.contentType, "application/json"))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	_, _ = w.Write(body) // the client may have gone
}

// The storage proxy's own types and code; its manager looks for them.
const (
	typeUnsupported = "https://api.backend.ai/probs/storage/unsupported-operation"
	typeNoVolume    = "https://api.backend.ai/probs/storage/volume/invalid"
	codeNoVolume    = "storage_access_invalid-parameters"
)

// problemOf has the types that a Backend.AI storage proxy uses where it has one.
func problemOf(err error) inbound.Problem {
	p := inbound.Problem{Detail: err.Error()}
	switch {
	case errors.Is(err, errNoVolume):
		p.Status, p.Title, p.Type, p.ErrorCode = http.StatusBadRequest, "Invalid Volume", typeNoVolume, codeNoVolume
	case errors.Is(err, errNotFound):
		p.Status, p.Title = http.StatusNotFound, "Not found"
	case errors.Is(err, errBadArgument):
		p.Status, p.Title = http.StatusBadRequest, "Bad argument"
	case errors.Is(err, volume.ErrUnsupported):
		p.Status, p.Title, p.Type = http.StatusBadRequest, "Unsupported operation by the storage backend", typeUnsupported
	default:
		p.Status, p.Title = http.StatusServiceUnavailable, "Nothing known yet"
	}
	return p
}
