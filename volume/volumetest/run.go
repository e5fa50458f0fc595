package volumetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
)

// run is one backend on one emulator under test.
type run struct {
	Suite
	t       *testing.T
	network *appliancetest.Network
	e       *appliancetest.Emulator
	backend volume.Backend
	errorf  func(format string, args ...any)
	timeout time.Duration // of an observation

	mu   sync.Mutex // guards what was said
	said strings.Builder
}

func newRun(t *testing.T, s Suite, errorf func(string, ...any)) *run {
	t.Helper()
	return &run{Suite: s, t: t, network: appliancetest.NewNetwork(), errorf: errorf, timeout: 27 * time.Second}
}

// keeps runs a check of the contract.
func (r *run) keeps(check func(*run)) {
	r.t.Helper()
	defer r.end()
	defer func() {
		p := recover()
		if err, _ := p.(error); p != nil && !errors.Is(err, errNoBackend) {
			panic(p)
		}
	}()
	check(r)
}

// errNoBackend ends a check that has nothing to look at.
var errNoBackend = errors.New("no backend")

// start makes the emulator and the backend. change, if any, is applied to each
// volume. Where that fails, so does the check.
func (r *run) start(volumes int, change ...func(*volume.Config)) {
	r.t.Helper()
	r.e = r.Start(r.t, r.network, volumes)
	if len(r.e.Volumes) != volumes {
		r.errorf("the emulator has %d volumes, not %d", len(r.e.Volumes), volumes)
		panic(errNoBackend)
	}
	for i := range r.e.Volumes {
		for _, f := range change {
			f(&r.e.Volumes[i])
		}
	}
	r.open()
}

// open makes the backend, once the volumes say that they share one.
func (r *run) open() {
	r.t.Helper()
	kind := r.Kind(r.network.Dial)
	share := ""
	for i, cfg := range r.e.Volumes {
		id, err := kind.Identify(cfg)
		if err != nil {
			r.errorf("volume %s: %v", cfg.Name, err)
			panic(errNoBackend)
		}
		r.say(id.Endpoint, id.Object)
		if i > 0 && id.Share != share {
			r.errorf("the volumes share no backend")
		}
		if id.Endpoint == "" || id.Object == "" {
			r.errorf("volume %s is on %+v: an appliance has an endpoint and an object", cfg.Name, id)
		}
		share = id.Share
	}
	logger := slog.New(slog.NewJSONHandler(sayer{r}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	backend, err := kind.New(r.e.Volumes, logger)
	if err != nil {
		r.errorf("no backend: %v", err)
		panic(errNoBackend)
	}
	r.backend = backend
}

// end closes the backend and looks for secrets in all that it said.
func (r *run) end() {
	r.t.Helper()
	if r.backend != nil {
		r.say(r.backend.Close())
	}
	if r.e == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, leak := range r.e.Leaks(r.said.String()) {
		at := strings.Index(r.said.String(), leak)
		r.errorf("a secret shows, %q: %.200s", leak, r.said.String()[max(at-100, 0):])
	}
}

// next ends with this emulator, so that a check can start another.
func (r *run) next() {
	r.t.Helper()
	r.e.Mend()
	r.end()
	r.backend = nil
	r.e.Down()
}

// say keeps what the backend said to look for secrets in it.
func (r *run) say(things ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, thing := range things {
		fmt.Fprintf(&r.said, "%v %+v\n", thing, thing)
	}
}

func (r *run) heard(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.said.String(), text)
}

type sayer struct{ *run }

func (s sayer) Write(b []byte) (int, error) {
	s.say(string(b))
	return len(b), nil
}

// seen is what was observed of one volume. A health that is an error is what
// volume.Diagnose makes of it, as in the running program.
type seen struct {
	performance         volume.Performance
	health              volume.Health
	usage               volume.Usage
	performanceErr      error
	healthErr, usageErr error
	performanceAt       time.Time
}

// observe observes everything at once, as two replicas and a reader might.
func (r *run) observe() map[string]seen {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), r.timeout)
	defer cancel()
	return r.observeWith(ctx)
}

func (r *run) observeWith(ctx context.Context) map[string]seen {
	var wg sync.WaitGroup
	var performance map[string]volume.Result[volume.Performance]
	var health map[string]volume.Result[volume.Health]
	var usage map[string]volume.Result[volume.Usage]
	wg.Go(func() { performance = ask(ctx, r, "performance", r.backend.Performance) })
	wg.Go(func() { health = ask(ctx, r, "health", r.backend.Health) })
	wg.Go(func() { usage = ask(ctx, r, "usage", r.backend.Usage) })
	wg.Wait()
	all := map[string]seen{}
	for _, cfg := range r.e.Volumes {
		p, h, u := performance[cfg.Name], health[cfg.Name], usage[cfg.Name]
		s := seen{
			performance: p.Value, health: h.Value, usage: u.Value,
			performanceErr: p.Err, healthErr: h.Err, usageErr: u.Err, performanceAt: p.SampledAt,
		}
		if h.Err != nil {
			s.health.Status, s.health.Info = volume.Diagnose(h.Err)
		}
		r.possible(cfg.Name, s)
		all[cfg.Name] = s
	}
	return all
}

// ask makes one observation. An error of all is each volume's; so is a panic.
func ask[T any](ctx context.Context, r *run, what string, f func(context.Context) (map[string]volume.Result[T], error)) (results map[string]volume.Result[T]) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			r.errorf("%s panics: %v\n%s", what, p, debug.Stack())
			err = errors.New("panic")
		}
		all := map[string]volume.Result[T]{}
		for _, cfg := range r.e.Volumes {
			result, ok := results[cfg.Name]
			switch {
			case err != nil:
				result = volume.Result[T]{Err: err}
			case !ok:
				r.errorf("%s: volume %s is not reported", what, cfg.Name)
			}
			all[cfg.Name] = result
			text, _ := json.Marshal(result.Value)
			r.say(result.Err, string(text))
		}
		if len(results) > len(all) {
			r.errorf("%s: %d volumes are reported, %d asked for", what, len(results), len(all))
		}
		results = all
	}()
	results, err = f(ctx)
	return results
}

// possible checks what can never be.
func (r *run) possible(name string, s seen) {
	for figure, v := range figuresOf(s.performance) {
		if v != nil && (*v < 0 || math.IsNaN(*v) || math.IsInf(*v, 0)) {
			r.errorf("%s: %s is %v", name, figure, *v)
		}
	}
	switch s.health.Status {
	case volume.Healthy, volume.Degraded, volume.Offline, volume.Unavailable:
	default:
		r.errorf("%s: no state of health: %q", name, s.health.Status)
	}
	if s.health.Status != volume.Healthy && strings.TrimSpace(s.health.Info) == "" {
		r.errorf("%s: %s without a word why", name, s.health.Status)
	}
	if strings.ContainsAny(s.health.Info, "\n\r\t\x00\x1b") || len(s.health.Info) > 2000 {
		r.errorf("%s: the info is no short line: %.200q", name, s.health.Info)
	}
	if s.performanceAt.After(time.Now()) {
		r.errorf("%s: sampled in the future, at %v", name, s.performanceAt)
	}
}

// pass lets time pass, at least as long as the backend wants between two
// observations.
func (r *run) pass(d time.Duration) {
	i := r.backend.Intervals()
	time.Sleep(max(d, i.Performance, i.Health, i.Usage))
}

// warm observes twice, so that there are figures.
func (r *run) warm() map[string]seen {
	r.observe()
	r.pass(interval)
	return r.observe()
}

// spoil makes the calls of a backend that was well fail, and lets time pass.
func (r *run) spoil(f appliancetest.Fault, d time.Duration) {
	r.warm()
	r.e.Break(f, r.work)
	r.pass(d)
}

// calls counts the calls since the last Forget, of logins or of all others.
func (r *run) calls(logins bool) int {
	n := 0
	for _, c := range r.e.Calls() {
		if matches(r.Login, c) == logins && !matches(r.Logout, c) {
			n++
		}
	}
	return n
}

func matches(f func(*http.Request) bool, c appliancetest.Call) bool {
	if f == nil {
		return false
	}
	request, err := http.NewRequest(c.Method, "https://x"+c.Path, nil)
	return err == nil && f(request)
}

// session matches the calls that are about sessions, and work the others.
func (r *run) session(q *http.Request) bool {
	return r.Login != nil && r.Login(q) || r.Logout != nil && r.Logout(q)
}

func (r *run) work(q *http.Request) bool { return !r.session(q) }

// Bubble runs a test in a bubble of time, with a network.
func Bubble(t *testing.T, test func(t *testing.T, network *appliancetest.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, appliancetest.NewNetwork()) })
}
