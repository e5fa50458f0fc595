package rest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// door gives out tokens and counts what it does.
type door struct {
	life     time.Duration // told; 0 for not
	forbid   bool          // answers 403 for a token that is over
	noChange bool          // refuses to refresh

	mu                        sync.Mutex // guards the fields below
	valid                     map[string]bool
	logins, refreshes, logout int
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	cookie, _ := r.Cookie("sid")
	known := cookie != nil && d.valid[cookie.Value]
	switch {
	case r.URL.Path == "/login" || r.URL.Path == "/refresh" && !d.noChange && d.life > 0:
		if r.URL.Path == "/login" {
			d.logins++
		} else {
			d.refreshes++
		}
		sid := fmt.Sprintf("session-%d-%d", d.logins, d.refreshes)
		if d.valid == nil {
			d.valid = map[string]bool{}
		}
		d.valid[sid] = true
		if d.life > 0 {
			time.AfterFunc(d.life, func() { d.end(sid) })
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: sid})
		say(w, map[string]any{"seconds": d.life.Seconds()})
	case r.URL.Path == "/refresh":
		w.WriteHeader(http.StatusUnauthorized)
	case !known && d.forbid:
		w.WriteHeader(http.StatusForbidden)
	case !known:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/logout":
		d.logout++
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/private":
		w.WriteHeader(http.StatusForbidden)
	default:
		say(w, map[string]string{"said": "come in"})
	}
}

func (d *door) end(sid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.valid, sid)
}

func (d *door) endAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.valid)
}

func (d *door) expect(t *testing.T, logins, refreshes int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.logins != logins || d.refreshes != refreshes {
		t.Errorf("%d logins and %d refreshes, not %d and %d", d.logins, d.refreshes, logins, refreshes)
	}
}

func ask(path string) func(context.Context, rest.Send) (rest.Token, error) {
	return func(ctx context.Context, send rest.Send) (rest.Token, error) {
		answer, err := send(ctx, rest.Request{Method: http.MethodPost, Path: path, Body: map[string]string{"password": "pass word"}})
		if err != nil {
			return rest.Token{}, err
		}
		var said struct{ Seconds rest.Float }
		if err := answer.Decode(&said); err != nil {
			return rest.Token{}, err
		}
		token := rest.Token{Cookies: answer.Cookies(), Refresh: secret.New("again")}
		if said.Seconds.Value > 0 {
			token.Expires = time.Now().Add(time.Duration(said.Seconds.Value) * time.Second)
		}
		return token, nil
	}
}

func session() rest.Auth {
	return rest.Auth{
		Login: ask("/login"),
		Refresh: func(ctx context.Context, send rest.Send, _ rest.Token) (rest.Token, error) {
			return ask("/refresh")(ctx, send)
		},
		Logout: func(ctx context.Context, send rest.Send) error {
			_, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/logout"})
			return err
		},
	}
}

func TestLoginOnce(t *testing.T) {
	d := &door{}
	within(t, session(), func(r *rig) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := r.get("/x"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		d.expect(t, 1, 0)
		for n := range 3 {
			d.endAll()
			for range 20 {
				wg.Go(func() {
					if _, err := r.get("/x"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			d.mu.Lock()
			if got := d.logins + d.refreshes; got != n+2 {
				t.Errorf("%d sessions", got)
			}
			d.mu.Unlock()
		}
	}, d.ServeHTTP)
	if d.logout != 1 {
		t.Errorf("%d logouts", d.logout)
	}
}

// The login belongs to nobody: who leaves does not take it along.
func TestLoginOutlivesItsCaller(t *testing.T) {
	d := &door{}
	within(t, session(), func(r *rig) {
		r.first.Break(appliancetest.Slow(5 * time.Second).Times(1))
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		if err := r.Get(ctx, "/x", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := r.get("/x"); err != nil {
			t.Error(err)
		}
		d.expect(t, 1, 0)
	}, d.ServeHTTP)
}

func TestRefresh(t *testing.T) {
	tests := []struct {
		life    time.Duration
		renewed time.Duration // this long after the login at the earliest
	}{
		{5 * minute, 270 * time.Second}, {20 * minute, 19 * minute}, {40 * time.Second, 20 * time.Second}, {8 * minute, 432 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.life.String(), func(t *testing.T) {
			d := &door{life: tt.life}
			within(t, session(), func(r *rig) {
				r.mustGet()
				time.Sleep(tt.renewed - time.Second)
				r.mustGet()
				d.expect(t, 1, 0)
				time.Sleep(2 * time.Second)
				r.mustGet()
				d.expect(t, 1, 1)
				for range 100 {
					time.Sleep(tt.life / 10)
					r.mustGet()
				}
				for _, c := range r.first.Calls() {
					if c.Status != http.StatusOK {
						t.Fatalf("%+v", c)
					}
				}
				d.expect(t, 1, d.refreshes)
			}, d.ServeHTTP)
		})
	}
}

func (r *rig) mustGet() {
	r.t.Helper()
	if got, err := r.get("/x"); err != nil || got != "come in" {
		r.t.Errorf("%q, %v", got, err)
	}
}

func TestRefreshRefused(t *testing.T) {
	d := &door{life: 5 * minute, noChange: true}
	within(t, session(), func(r *rig) {
		r.mustGet()
		time.Sleep(280 * time.Second)
		r.mustGet()
		d.expect(t, 2, 0)
		// A token that still holds serves while no new one can be had.
		time.Sleep(275 * time.Second)
		r.first.Break(appliancetest.Fails(500, ""), func(q *http.Request) bool { return q.URL.Path != "/x" })
		r.mustGet()
		r.first.Mend()
		r.mustGet()
		d.expect(t, 3, 0)
	}, d.ServeHTTP)
}

func TestForbiddenIsExpired(t *testing.T) {
	d := &door{forbid: true}
	auth := session()
	auth.ForbiddenIsExpired = true
	within(t, auth, func(r *rig) {
		r.mustGet()
		time.Sleep(2 * minute)
		d.endAll()
		r.mustGet()
		// What is forbidden stays so, and costs no login each time.
		time.Sleep(2 * minute)
		for range 10 {
			if _, err := r.get("/private"); !errors.Is(err, rest.ErrForbidden) {
				t.Error(err)
			}
		}
		d.mu.Lock()
		logins := d.logins
		d.mu.Unlock()
		if logins > 3 {
			t.Errorf("%d logins", logins)
		}
		// A session that was good this moment is not over.
		for range 10 {
			time.Sleep(10 * minute)
			r.mustGet()
			if _, err := r.get("/private"); !errors.Is(err, rest.ErrForbidden) {
				t.Error(err)
			}
		}
		d.expect(t, logins, 0)
	}, d.ServeHTTP)
}

// An account is locked after a few wrong passwords.
func TestBackOff(t *testing.T) {
	for name, auth := range map[string]rest.Auth{"session": session(), "basic": rest.Basic("reader", secret.New("pass word"))} {
		for _, status := range []int{401, 403, 400, 423} {
			if name == "basic" && status != 401 {
				continue
			}
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				within(t, auth, func(r *rig) {
					var at []time.Duration
					start, before := time.Now(), 0
					for time.Since(start) < 62*minute {
						_, err := r.get("/x")
						is(t, err, rest.ErrUnauthorized, volume.Unavailable)
						if strings.Contains(err.Error(), "pass word") {
							t.Fatal(err)
						}
						if n := len(r.first.Calls()); n > before {
							at, before = append(at, time.Since(start).Truncate(minute)), n
						}
						time.Sleep(10 * time.Second)
					}
					if got := fmt.Sprint(at); got != "[0s 1m0s 3m0s 7m0s 15m0s 30m0s 45m0s 1h0m0s]" {
						t.Error(got)
					}
				}, func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(status)
					say(w, map[string]string{"message": "wrong password pass word"})
				})
			})
		}
	}
}

// Once it works again, the next refusal begins with a minute.
func TestBackOffForgets(t *testing.T) {
	within(t, rest.Basic("reader", secret.New("x")), func(r *rig) {
		for range 3 {
			r.first.Break(appliancetest.Fails(401, ""))
			_, err := r.get("/x")
			is(t, err, rest.ErrUnauthorized, volume.Unavailable)
			r.first.Mend()
			time.Sleep(61 * time.Second)
			if _, err := r.get("/x"); err != nil {
				t.Error(err)
			}
		}
	}, echo)
}

func TestLoginNonsense(t *testing.T) {
	auth := rest.Auth{Login: func(ctx context.Context, send rest.Send) (rest.Token, error) {
		if _, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/login"}); err != nil {
			return rest.Token{}, err
		}
		return rest.Token{}, rest.Nonsense("the login's answer has no token")
	}}
	within(t, auth, func(r *rig) {
		for range 5 {
			_, err := r.get("/x")
			is(t, err, rest.ErrBadAnswer, volume.Unavailable)
			time.Sleep(10 * time.Second)
		}
		if n := len(r.first.Calls()); n != 1 {
			t.Errorf("%d sessions were made for nothing", n)
		}
	}, echo)
}

func TestClosed(t *testing.T) {
	d := &door{}
	within(t, session(), func(r *rig) {
		r.mustGet()
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		if _, err := r.get("/x"); !errors.Is(err, rest.ErrClosed) {
			t.Error(err)
		}
	}, d.ServeHTTP)
	if d.logout != 1 {
		t.Errorf("%d logouts", d.logout)
	}
	// A login that hangs does not hold it up.
	within(t, session(), func(r *rig) {
		r.first.Break(appliancetest.Hangs())
		start := time.Now()
		go func() { _, _ = r.get("/x") }()
		time.Sleep(time.Second)
		if err := r.Close(); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	}, d.ServeHTTP)
}

// What a token is made of never shows.
func TestTokenPrints(t *testing.T) {
	token := rest.Bearer("hidden")
	token.Refresh = secret.New("hidden")
	for _, text := range []string{
		fmt.Sprint(token), fmt.Sprintf("%+v %#v %s %q", token, token, token, token), fmt.Sprint(&token),
		fmt.Sprintf("%v %+v %#v %s %x", token.Refresh, token.Refresh, token.Refresh, token.Refresh, token.Refresh),
		fmt.Sprintf("%+v", struct{ s secret.Text }{token.Refresh}),
	} {
		if strings.Contains(text, "hidden") || strings.Contains(text, "68696464656e") {
			t.Error(text)
		}
	}
	if token.Refresh.Reveal() != "hidden" {
		t.Error("lost")
	}
}
