package rest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

// aside refuses what is below /aside with 401, whoever asks.
func aside(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/aside" {
			w.WriteHeader(http.StatusUnauthorized)
			say(w, map[string]string{"message": "not yours"})
			return
		}
		next(w, r)
	}
}

// What the account may not see does not end what it may.
func TestOptionalRefused(t *testing.T) {
	for name, auth := range map[string]rest.Auth{"session": session(), "basic": rest.Basic("reader", secret.New("pass word"))} {
		for _, first := range []string{"/x", "/aside"} {
			t.Run(name+" after "+first, func(t *testing.T) {
				d := &door{}
				next := d.ServeHTTP
				if name == "basic" {
					next = echo
				}
				within(t, auth, func(r *rig) {
					for range 10 {
						if first == "/x" {
							if _, err := r.get("/x"); err != nil {
								r.t.Fatal(err)
							}
						}
						err := r.GetOptional(r.t.Context(), "/aside", nil, &struct{}{})
						is(r.t, err, rest.ErrForbidden, volume.Unavailable)
						if got := err.Error(); got != "this call alone was refused (not yours): give the account the right to read it" {
							r.t.Error(got)
						}
						if _, err := r.get("/x"); err != nil {
							r.t.Fatal(err)
						}
						time.Sleep(time.Second)
					}
					if name == "session" {
						d.expect(r.t, map[string]int{"/x": 1, "/aside": 2}[first], 0)
					}
				}, aside(next))
			})
		}
	}
}

// An optional call may be the first to meet a session's end.
func TestOptionalRenews(t *testing.T) {
	d := &door{}
	within(t, session(), func(r *rig) {
		r.mustGet()
		time.Sleep(time.Hour)
		d.endAll()
		if err := r.GetOptional(r.t.Context(), "/x", nil, &struct{}{}); err != nil {
			r.t.Error(err)
		}
		d.expect(r.t, 2, 0)
	}, d.ServeHTTP)
}

// The pages that follow are as optional as the first.
func TestOptionalPages(t *testing.T) {
	within(t, rest.Basic("reader", secret.New("pass word")), func(r *rig) {
		r.mustEcho()
		err := r.Pages(r.t.Context(), rest.Request{Path: "/x", Optional: true}, func(*rest.Answer) (string, error) { return "/aside", nil })
		is(r.t, err, rest.ErrForbidden, volume.Unavailable)
		r.mustEcho()
	}, aside(echo))
}

func (r *rig) mustEcho() {
	r.t.Helper()
	if _, err := r.get("/x"); err != nil {
		r.t.Error(err)
	}
}

// Calls that wait for their turn while the credentials are refused are not made.
func TestRefusedWhileWaiting(t *testing.T) {
	within(t, rest.Basic("reader", secret.New("pass word")), func(r *rig) {
		r.first.Break(appliancetest.Slow(time.Second))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := r.get("/x")
				is(r.t, err, rest.ErrUnauthorized, volume.Unavailable)
			})
		}
		wg.Wait()
		if n := len(r.first.Calls()); n > 2 {
			r.t.Errorf("%d calls with credentials that are refused", n)
		}
	}, fails(http.StatusUnauthorized))
}

// A call that began with a session that is over does not end the one after it.
func TestLateRefusal(t *testing.T) {
	d := &door{}
	within(t, session(), func(r *rig) {
		r.mustGet()
		d.endAll()
		r.first.Break(appliancetest.Slow(3*time.Second), func(q *http.Request) bool { return q.URL.Path == "/late" })
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.get("/late"); err != nil {
				r.t.Error(err)
			}
		})
		time.Sleep(time.Second)
		r.mustGet() // logs in
		wg.Wait()
		r.mustGet()
		d.expect(r.t, 2, 0)
	}, d.ServeHTTP)
}

// A renewal that yields no new refresh token keeps the one there was.
func TestRefreshKeepsItsToken(t *testing.T) {
	d := &door{life: 5 * minute}
	auth := session()
	auth.Refresh = func(ctx context.Context, send rest.Send, old rest.Token) (rest.Token, error) {
		fresh, err := ask("/refresh")(ctx, send)
		fresh.Refresh = secret.Text{}
		if old.Refresh.Reveal() == "" {
			err = errors.New("nothing to refresh with")
		}
		return fresh, err
	}
	within(t, auth, func(r *rig) {
		for range 20 {
			r.mustGet()
			time.Sleep(4 * minute)
		}
		d.expect(r.t, 1, d.refreshes)
	}, d.ServeHTTP)
}
