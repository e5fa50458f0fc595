package inbound

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Problem is an error as RFC 9457 shapes it, with what a Backend.AI manager reads.
type Problem struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// ErrorCode is domain_operation_detail. Where it is empty it follows from the
	// status, in the domain whose codes the manager translates by the status.
	ErrorCode string `json:"error_code"`
	// Message is Detail again, under the manager's name.
	Message string `json:"msg,omitempty"`
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
	p.ErrorCode = cmp.Or(p.ErrorCode, "vfolder_access_"+strings.ToLower(strings.ReplaceAll(http.StatusText(p.Status), " ", "-")))
	p.Message = p.Detail
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
