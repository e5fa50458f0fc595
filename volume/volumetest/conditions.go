package volumetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
)

// What goes on around the answers: time, the network, the load.

// deadline: an observation ends when its time is over.
func deadline(r *run) {
	r.start(2)
	r.spoil(appliancetest.Hangs(), interval)
	r.timeout = 3 * time.Second
	start := time.Now()
	for name, s := range r.observe() {
		if !errors.Is(s.usageErr, context.DeadlineExceeded) {
			r.errorf("usage of %s: %v", name, s.usageErr)
		}
		if s.health.Status != volume.Offline {
			r.errorf("%s is %s (%s)", name, s.health.Status, s.health.Info)
		}
	}
	if took := time.Since(start); took > r.timeout {
		r.errorf("it took %v, the deadline was %v", took, r.timeout)
	}
	r.timeout = 27 * time.Second
	r.recovers("the deadline")
}

// canceled: an observation ends at once, and says nothing about the volumes.
func canceled(r *run) {
	r.start(2)
	r.spoil(appliancetest.Hangs(), interval)
	ctx, cancel := context.WithCancel(r.t.Context())
	time.AfterFunc(time.Second, cancel)
	start := time.Now()
	for name, s := range r.observeWith(ctx) {
		if !errors.Is(s.usageErr, context.Canceled) || !errors.Is(s.healthErr, context.Canceled) {
			r.errorf("%s: usage: %v, health: %v, %+v", name, s.usageErr, s.healthErr, s.health)
		}
	}
	if took := time.Since(start); took > time.Second {
		r.errorf("it took %v after a second", took)
	}
	r.recovers("the cancel")
}

// hundred: the calls grow with the appliances.
func hundred(r *run) {
	const volumes = 100
	r.start(volumes)
	r.good("a hundred", r.warm())
	if r.Login != nil && r.calls(true) != 1 {
		r.errorf("%d logins", r.calls(true))
	}
	most := r.Calls(volumes)
	for _, kind := range []struct {
		name    string
		most    int
		observe func(context.Context) error
	}{
		{"performance", most.Performance, func(ctx context.Context) error { _, err := r.backend.Performance(ctx); return err }},
		{"health", most.Health, func(ctx context.Context) error { _, err := r.backend.Health(ctx); return err }},
		{"usage", most.Usage, func(ctx context.Context) error { _, err := r.backend.Usage(ctx); return err }},
	} {
		for range 10 {
			r.pass(interval)
			r.e.Forget()
			ctx, cancel := context.WithTimeout(r.t.Context(), r.timeout)
			err := kind.observe(ctx)
			cancel()
			if err != nil && !errors.Is(err, r.Want(0).PerformanceErr) {
				r.errorf("%s: %v", kind.name, err)
			}
			if n := r.calls(false); n > kind.most {
				r.errorf("%s of %d volumes makes %d calls, not %d at most: %v", kind.name, volumes, n, kind.most, r.e.Calls())
				break
			}
		}
	}
}

func downAndBack(r *run) {
	r.start(2)
	r.warm()
	for _, way := range []struct {
		name     string
		off, on  func()
		expected volume.Status
	}{
		{"down", r.e.Down, r.e.Up, volume.Offline},
		{"hung", func() { r.e.Hang(true) }, func() { r.e.Hang(false) }, volume.Offline},
		{"unknown", func() { r.e.Unknown(true) }, func() { r.e.Unknown(false) }, volume.Unavailable},
	} {
		way.off()
		r.pass(interval)
		for name, s := range r.observe() {
			r.without(way.name, name, s)
			if s.health.Status != way.expected {
				r.errorf("%s: %s is %s (%s), not %s", way.name, name, s.health.Status, s.health.Info, way.expected)
			}
		}
		way.on()
		r.pass(interval)
		r.good("back from "+way.name, r.warm())
	}
	r.e.Down()
	r.e.Up()
	r.pass(interval)
	r.good("after a restart that nobody saw", r.warm())
}

// throttled: the appliance is left alone.
func throttled(r *run) {
	r.start(3)
	r.spoil(appliancetest.Throttles(5*time.Minute), interval)
	r.e.Forget()
	for range 20 { // all but five minutes
		for name, s := range r.observe() {
			r.without("throttled", name, s)
		}
		time.Sleep(14 * time.Second)
	}
	if n := r.calls(false); n > 2 {
		r.errorf("%d calls to an appliance that wants none", n)
	}
	r.recovers("the pause")
}

// noStorm: what is out of service is not asked more.
func noStorm(r *run) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusInternalServerError} {
		r.start(3)
		r.warm()
		r.e.Break(appliancetest.Fails(status, ""), r.work)
		const rounds = 5
		r.e.Forget()
		for range rounds {
			r.pass(interval)
			r.observe()
		}
		most := rounds * 2 * (r.Calls(3).sum() + 2) // what is asked seldom may be due
		if n := r.calls(false); n > most {
			r.errorf("%d calls in %d rounds with HTTP %d, not %d at most", n, rounds, status, most)
		}
		r.recovers(fmt.Sprintf("HTTP %d", status))
		r.next()
	}
}

// echoes: what the appliance repeats of us is not shown; end looks for it.
func echoes(r *run) {
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusInternalServerError} {
		r.start(1)
		r.e.Break(appliancetest.Echoes(status))
		r.observe() // the login's
		r.e.Mend()
		r.pass(recovery)
		r.observe()
		r.e.Break(appliancetest.Echoes(status), r.work)
		r.pass(interval)
		for name, s := range r.observe() {
			r.without("echo", name, s)
		}
		r.next()
	}
}
