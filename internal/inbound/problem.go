package inbound

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Problem is an error as RFC 9457 shapes it.
type Problem struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// title is what a status is called.
func title(status int) string {
	name := http.StatusText(status)
	return name[:min(len(name), 1)] + strings.ToLower(name[min(len(name), 1):])
}

// Write answers with the problem.
func (p Problem) Write(w http.ResponseWriter) {
	body := p.encode(w.Header())
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client may have gone
}

// encode sets the headers and returns the body.
func (p Problem) encode(h http.Header) []byte {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"title":"Internal error"}`)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if p.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "5")
	}
	return body
}

// ReadOnly refuses all methods but GET and HEAD.
func ReadOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			Problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Detail: "use GET or HEAD"}.Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
