package rest_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

// large is a list of some so many MiB once it is decoded.
func large(mib int) string {
	return `{"list": ["` + strings.Repeat(strings.Repeat("x", 1000)+`","`, mib<<10) + `"]}`
}

type list struct{ List []string }

// Of answers that are too large together the largest ends at once, and nobody else:
// not those that hang with much, and not a small one.
func TestAnswersTogether(t *testing.T) {
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Serves("large answers", func(w http.ResponseWriter, q *http.Request) {
			switch q.URL.Path {
			case "/x":
				echo(w, q)
			case "/whole":
				_, _ = io.WriteString(w, large(4))
			default:
				text := large(int(q.URL.Path[1] - '0'))
				_, _ = io.WriteString(w, text[:len(text)-2])
				_ = http.NewResponseController(w).Flush()
				<-q.Context().Done()
			}
		}))
		options := map[string]any{"endpoint": r.first.URL, "ca_file": r.first.CAFile}
		sizes := []string{"/2", "/4", "/1", "/3"}
		errs := make([]error, len(sizes))
		var wg sync.WaitGroup
		for i, path := range sizes {
			c := r.client(rest.Auth{}, options)
			defer c.Close()
			wg.Go(func() { errs[i] = c.Get(r.t.Context(), path, nil, &list{}) })
			time.Sleep(time.Second) // of the bubble: all of it has arrived
		}
		if _, err := r.get("/x"); err != nil {
			t.Errorf("a small answer: %v", err)
		}
		wg.Wait()
		is(t, errs[1], rest.ErrBadAnswer, volume.Unavailable)
		if !strings.Contains(errs[1].Error(), "/4: the appliances' answers take more than 8 MiB together") {
			t.Error(errs[1])
		}
		for i, err := range errs {
			if i != 1 && !errors.Is(err, rest.ErrUnreachable) {
				t.Errorf("%s, which hangs: %v: %v", sizes[i], err, errors.Unwrap(err))
			}
		}
		for range 5 { // everything was given back
			if err := r.Get(r.t.Context(), "/whole", nil, &list{}); err != nil {
				t.Error(err)
			}
		}
	}, echo)
}

// The pages of a list are bounded together, however small each is.
func TestListKeeps(t *testing.T) {
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Serves("pages", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large(2)) }))
		pages := 0
		err := r.Pages(r.t.Context(), rest.Request{Path: "/list"}, func(a *rest.Answer) (string, error) {
			pages++
			return "?" + strings.Repeat("x", pages), a.Decode(&list{})
		})
		is(t, err, rest.ErrBadAnswer, volume.Unavailable)
		if err == nil || pages != 4 || !strings.Contains(err.Error(), "GET array1.test/list: the answer takes more than 6 MiB once it is decoded") {
			t.Errorf("%v after %d pages", err, pages)
		}
	}, echo)
}

// What is packed is bounded by what it unpacks to.
func TestPacked(t *testing.T) {
	var honest strings.Builder
	for n := range 50_000 {
		fmt.Fprintf(&honest, `{"name": "volume%d", "used": 0, "state": "online", "is_flexgroup": false}, `, n)
	}
	bodies := map[string]struct{ text, bad string }{
		"/honest":  {`{"list": [` + honest.String() + `{}], "said": "x"}`, ""},
		"/bomb":    {`{"list": ["` + strings.Repeat(strings.Repeat("x", 1000)+`","`, 4<<10) + `"], "said": "x"}`, "unpacks to more than 200 times its size"},
		"/nothing": {"", "empty"},
		"/cut":     {`{"list": [`, "cut off"},
	}
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Serves("packed", func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, bodies[q.URL.Path].text)
			_ = z.Close()
		}))
		for path, tt := range bodies {
			_, err := r.get(path)
			if (err == nil) != (tt.bad == "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}, echo)
}

// An answer of 16 MiB is read where little of it is asked for, and one byte more is not.
func TestLargest(t *testing.T) {
	const most = 16 << 20
	text := func(size int) string {
		start, end := `{"more": [`, `""], "said": "x"}`
		item := `"` + strings.Repeat("x", 997) + `",`
		s := start + strings.Repeat(item, (size-len(start)-len(end))/len(item))
		return s + strings.Repeat(" ", size-len(s)-len(end)) + end
	}
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Serves("large", func(w http.ResponseWriter, q *http.Request) {
			size := most
			if q.URL.Path == "/more" {
				size++
			}
			_, _ = io.WriteString(w, text(size))
		}))
		if said, err := r.get("/whole"); err != nil || said != "x" {
			t.Errorf("%q, %v", said, err)
		}
		_, err := r.get("/more")
		is(t, err, rest.ErrBadAnswer, volume.Unavailable)
		if err == nil || !strings.Contains(err.Error(), "/more: the answer is larger than 16 MiB") {
			t.Error(err)
		}
	}, echo)
}
