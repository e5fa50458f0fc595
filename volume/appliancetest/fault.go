package appliancetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is a way in which an appliance fails to answer as it should.
type Fault struct {
	Name  string
	times int // how often; 0 is always
	// KeepsHeaders is whether those of the good answer are sent with it.
	KeepsHeaders bool
	serve        func(w http.ResponseWriter, r *http.Request, good http.Handler)
}

// Times makes a fault end after n calls.
func (f Fault) Times(n int) Fault {
	f.times = n
	return f
}

// Fails answers with a status and the vendor's error body, JSON or not.
func Fails(status int, body string) Fault {
	return Fault{Name: fmt.Sprintf("HTTP %d", status), serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

// Throttles answers with 429 and a Retry-After in seconds.
func Throttles(wait time.Duration) Fault {
	return Fault{Name: "throttled", serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		w.WriteHeader(http.StatusTooManyRequests)
	}}
}

// Serves answers by a handler of its own, as that writes it: neither at once nor packed.
func Serves(name string, h http.HandlerFunc) Fault {
	return Fault{Name: name, serve: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		whole(r)
		h(w, r)
	}}
}

// Slow answers properly, but late.
func Slow(wait time.Duration) Fault {
	return Fault{Name: "slow", serve: func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		body := whole(r)
		select {
		case <-time.After(wait):
			r.Body = io.NopCloser(body)
			reply := record(good, r)
			reply.write(w, r)
		case <-r.Context().Done():
		}
	}}
}

// Hangs never answers.
func Hangs() Fault {
	return Fault{Name: "hangs", serve: func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		whole(r)
		<-r.Context().Done()
	}}
}

// whole reads the request's body: before that the server does not notice that the
// caller left.
func whole(r *http.Request) *bytes.Buffer {
	body := new(bytes.Buffer)
	_, _ = body.ReadFrom(r.Body)
	return body
}

// Drops closes the connection without an answer.
func Drops() Fault {
	return Fault{Name: "drops", serve: func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }}
}

// Says answers 200 with a body of its own.
func Says(name, contentType, body string) Fault {
	return Fault{Name: name, serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, body)
	}}
}

// HTML answers with a web page that says that it is JSON.
func HTML() Fault {
	return Says("HTML", "application/json", "<!DOCTYPE html><html><title>Sign in</title></html>")
}

// Empty answers with nothing.
func Empty() Fault { return Says("empty", "application/json", "") }

// Truncated stops in the midst of an answer.
func Truncated() Fault {
	return Fault{Name: "truncated", serve: func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		reply := record(good, r)
		body := reply.Body.Bytes()
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}}
}

// Halved is half an answer that says it is all.
func Halved() Fault {
	return Fault{Name: "halved", serve: func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		reply := record(good, r)
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes()[:reply.Body.Len()/2])
	}}
}

// Bomb answers with little that unpacks to more than any answer may have.
func Bomb() Fault {
	return Fault{Name: "bomb", serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusOK)
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		block := bytes.Repeat([]byte(" "), 1<<20)
		for range 20 {
			if _, err := z.Write(block); err != nil {
				return
			}
		}
		_ = z.Close()
	}}
}

// Echoes answers with an error that repeats all the caller sent, secrets too.
func Echoes(status int) Fault {
	return Fault{Name: fmt.Sprintf("echo with HTTP %d", status), serve: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, _ := io.ReadAll(r.Body)
		said, _ := json.Marshal(map[string]any{"message": fmt.Sprint(r.Header, r.URL, string(body))})
		w.WriteHeader(status)
		_, _ = w.Write(said)
	}}
}

// Redirects sends the caller to another host.
func Redirects() Fault {
	return Fault{Name: "redirect", serve: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, "https://elsewhere.test"+r.URL.Path, http.StatusFound)
	}}
}

// Nulls answers with null for every scalar.
func Nulls() Fault { return rewrites("nulls", func(any) any { return nil }) }

// Odd answers with another type for every scalar.
func Odd() Fault {
	return rewrites("odd types", func(v any) any {
		if _, ok := v.(string); ok {
			return []any{17}
		}
		return map[string]any{"value": "many"}
	})
}

// Huge answers with 10^18 for every number.
func Huge() Fault {
	return rewrites("huge numbers", func(v any) any {
		if _, ok := v.(json.Number); ok {
			return json.Number("1000000000000000000")
		}
		return v
	})
}

// Texts answers with a text for every number, as some releases do. It is no
// fault: the figures are to be the same.
func Texts() Fault {
	return rewrites("numbers as text", func(v any) any {
		if n, ok := v.(json.Number); ok {
			return n.String()
		}
		return v
	})
}

// Numberless answers with something else for every number, the same each time.
func Numberless(name string, by any) Fault {
	return rewrites(name, func(v any) any {
		if _, ok := v.(json.Number); ok {
			return by
		}
		return v
	})
}

// Replaces answers with something else for each text that is one of the words.
func Replaces(words []string, by any) Fault {
	return rewrites("other words", func(v any) any {
		if s, ok := v.(string); ok && slices.Contains(words, s) {
			return by
		}
		return v
	})
}

// InsideOut answers with an object where there was a list and the reverse.
func InsideOut() Fault {
	return Fault{Name: "inside out", KeepsHeaders: true, serve: func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		rewrite(w, r, good, func(v any) any {
			if list, ok := v.([]any); ok {
				return map[string]any{"first": append(list, nil)[0]}
			}
			return []any{v}
		})
	}}
}

func rewrites(name string, scalar func(any) any) Fault {
	var each func(any) any
	each = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				v[k] = each(e)
			}
			return v
		case []any:
			for i, e := range v {
				v[i] = each(e)
			}
			return v
		}
		return scalar(v)
	}
	return Fault{Name: name, serve: func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		rewrite(w, r, good, each)
	}}
}

// rewrite answers with the good answer, its JSON changed.
func rewrite(w http.ResponseWriter, r *http.Request, good http.Handler, change func(any) any) {
	reply := record(good, r)
	decoder := json.NewDecoder(bytes.NewReader(reply.Body.Bytes()))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) == nil {
		changed, _ := json.Marshal(change(v))
		reply.Body = bytes.NewBuffer(changed)
	}
	reply.write(w, r)
}

// reply is an answer before it is sent.
type reply struct{ *httptest.ResponseRecorder }

func record(h http.Handler, r *http.Request) reply {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w}
}

func (p reply) write(w http.ResponseWriter, r *http.Request) {
	for name, values := range p.Header() {
		w.Header()[name] = values
	}
	if p.Body.Len() == 0 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(p.Code)
		_, _ = w.Write(p.Body.Bytes())
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(p.Code)
	z := gzip.NewWriter(w)
	_, _ = z.Write(p.Body.Bytes())
	_ = z.Close()
}
