package inbound

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func newRequest(t *testing.T, path string) *http.Request {
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func TestErrorsAreProblems(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    Problem
	}{
		"in text": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "use POST", http.StatusMethodNotAllowed) },
			Problem{Title: "Method not allowed", Status: 405, Detail: "use POST"}},
		"that says no more than the status": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
		},
			Problem{Title: "Too many requests", Status: 429}},
		"of authentication": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Unauthorized", http.StatusUnauthorized) },
			Problem{Title: "Unauthorized", Status: 401, Detail: "name a user and the password (HTTP basic authentication)"}},
		"a problem": {func(w http.ResponseWriter, _ *http.Request) {
			Problem{Title: "Not found", Status: 404, Detail: "d"}.Write(w)
		},
			Problem{Title: "Not found", Status: 404, Detail: "d"}},
		"a method": {ReadOnly(nil).ServeHTTP, Problem{Title: "Method not allowed", Status: 405, Detail: "use GET or HEAD"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, r := newRecorder(), newRequest(t, "/")
			r.Method = http.MethodPost
			New(1, nil).Outside(tt.handler).ServeHTTP(w, r)
			var got Problem
			tt.want.ErrorCode, tt.want.Message = "vfolder_access_"+strings.ReplaceAll(strings.ToLower(tt.want.Title), " ", "-"), tt.want.Detail
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != tt.want || w.Code != tt.want.Status {
				t.Errorf("%d %s (%v), want %+v", w.Code, w.Body, err, tt.want)
			}
			if h := w.Header(); h.Get("Content-Type") != "application/problem+json" || h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
				t.Errorf("%v", h)
			}
		})
	}
}

// An answer without a body has them, too.
func TestHeadersOfNothing(t *testing.T) {
	w := newRecorder()
	New(1, nil).Outside(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, newRequest(t, "/"))
	if w.Code != 200 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestHeadersOfAll(t *testing.T) {
	for name, own := range map[string]string{"ours": "", "the handler's": "default-src 'self'"} {
		t.Run(name, func(t *testing.T) {
			w := newRecorder()
			New(1, nil).Outside(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if own != "" {
					w.Header().Set("Content-Security-Policy", own)
				}
				fmt.Fprint(w, "text")
			})).ServeHTTP(w, newRequest(t, "/"))
			want := own
			if own == "" {
				want = policy
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") != want || w.Body.String() != "text" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
		})
	}
}
