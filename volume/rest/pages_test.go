package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

func TestPages(t *testing.T) {
	tests := []struct {
		name string
		next func(page int) string // after that page
		want []string              // or nil for an error
	}{
		{"one", func(int) string { return "" }, []string{"/v1/list?limit=2"}},
		{"path", upTo(2, func(n int) string { return fmt.Sprintf("/v1/list?page=%d", n) }), []string{"/v1/list?limit=2", "/v1/list?page=1", "/v1/list?page=2"}},
		{"another host", upTo(1, func(n int) string { return fmt.Sprintf("https://10.1.1.1:8/v1/list?page=%d", n) }), []string{"/v1/list?limit=2", "/v1/list?page=1"}},
		{"query alone", upTo(1, func(n int) string { return "?" + url.Values{"page": {strconv.Itoa(n)}, "token": {"a b="}}.Encode() }), []string{"/v1/list?limit=2", "/v1/list?page=1&token=a+b%3D"}},
		{"a circle", func(n int) string { return fmt.Sprintf("/v1/list?page=%d", n%3) }, nil},
		{"itself", func(int) string { return "/v1/list?limit=2" }, nil},
		{"no end", func(n int) string { return fmt.Sprintf("?page=%d", n+1) }, nil},
		{"no URL", func(int) string { return "http://[::1" }, nil},
		{"no host's", func(int) string { return "//other/x" }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			within(t, rest.Auth{}, func(r *rig) {
				c := r.client(rest.Auth{}, map[string]any{"endpoint": r.first.URL + "/v1", "ca_file": r.first.CAFile})
				defer c.Close()
				var got []string
				request := rest.Request{Path: "/list", Query: url.Values{"limit": {"2"}}}
				err := c.Pages(r.t.Context(), request, func(a *rest.Answer) (string, error) {
					var page struct{ Said, Next rest.Text }
					err := a.Decode(&page)
					got = append(got, page.Said.String())
					return page.Next.String(), err
				})
				if tt.want == nil {
					if n := len(r.first.Calls()); err == nil || n > 100 {
						t.Errorf("%v after %d pages", err, n)
					}
					if tt.name == "no host's" {
						return
					}
					is(t, err, rest.ErrBadAnswer, volume.Unavailable)
					return
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			}, func(w http.ResponseWriter, r *http.Request) {
				page, _ := strconv.Atoi(r.URL.Query().Get("page"))
				say(w, map[string]string{"said": r.RequestURI, "next": tt.next(page)})
			})
		})
	}
}

// All pages together are bounded, too.
func TestPagesSize(t *testing.T) {
	page := []byte(`{"more": [` + strings.Repeat(`"`+strings.Repeat("x", 1020)+`",`, 12<<10) + `""], "said": "x"}`)
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Serves("pages", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
		n := 0
		err := r.Pages(r.t.Context(), rest.Request{Path: "/list"}, func(a *rest.Answer) (string, error) {
			if err := a.Decode(&struct{ Said string }{}); err != nil {
				return "", err
			}
			n++
			return fmt.Sprintf("?page=%d", n), nil
		})
		is(r.t, err, rest.ErrBadAnswer, volume.Unavailable)
		if n != 2 || !strings.Contains(err.Error(), "the list is larger than 32 MiB") {
			r.t.Errorf("%v after %d pages", err, n)
		}
	}, echo)
}

func upTo(last int, link func(int) string) func(int) string {
	return func(page int) string {
		if page >= last {
			return ""
		}
		return link(page + 1)
	}
}
