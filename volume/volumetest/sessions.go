package volumetest

import (
	"net/http"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
)

// How a backend proves who it is, for as long as it runs.

// expires: nobody notices that a session ended.
func expires(r *run) {
	r.start(3)
	if r.e.Expire == nil {
		return
	}
	r.warm()
	for range 3 {
		r.pass(interval)
		r.e.Expire()
		r.e.Forget()
		r.good("after the sessions ended", r.observe())
		if n := r.calls(true); n != 1 {
			r.errorf("%d logins after the sessions ended", n)
		}
	}
}

// hours: a session is renewed before it ends, not by being refused.
func hours(r *run) {
	r.start(2)
	if r.Login == nil {
		return
	}
	r.warm()
	r.e.Forget()
	for range 180 {
		r.pass(interval)
		r.good("in the course of hours", r.observe())
	}
	for _, c := range r.e.Calls() {
		if c.Status == http.StatusUnauthorized {
			r.errorf("%s %s was refused: the session was not renewed in time", c.Method, c.Path)
			break
		}
	}
}

// refused: no account is locked by us.
func refused(r *run) {
	whose := r.work
	if r.Login != nil {
		whose = r.session
	}
	r.start(3)
	r.e.Break(appliancetest.Fails(http.StatusUnauthorized, `{"message": "go away"}`), whose)
	for range 360 { // an hour
		for name, s := range r.observe() {
			r.without("refused", name, s)
			if s.health.Status != volume.Unavailable {
				r.errorf("%s is %s (%s)", name, s.health.Status, s.health.Info)
			}
		}
		time.Sleep(10 * time.Second)
	}
	// At 0, 1, 3, 7, 15, 30, 45 and 60 minutes; two calls may be under way at once.
	most := 8
	if r.Login == nil {
		most = 16
	}
	if n := len(r.e.Calls()); n > most {
		r.errorf("%d attempts in an hour, not %d at most", n, most)
	}
	r.recovers("the refusal")
	// A session whose tokens are refused although they are new is no better.
	r.e.Forget()
	r.e.Break(appliancetest.Fails(http.StatusUnauthorized, ""), r.work)
	for range 360 {
		r.observe()
		time.Sleep(10 * time.Second)
	}
	if n := len(r.e.Calls()); n > 5*most {
		r.errorf("%d attempts in an hour with tokens that are refused, not %d at most", n, 5*most)
	}
	r.recovers("the tokens' refusal")
}

// closes: it logs out once, and in time where nothing answers.
func closes(r *run) {
	r.start(2)
	r.warm()
	r.e.Forget()
	r.say(r.backend.Close())
	logouts := 0
	for _, c := range r.e.Calls() {
		if matches(r.Logout, c) {
			logouts++
		}
	}
	if want := map[bool]int{true: 1}[r.Logout != nil]; logouts != want {
		r.errorf("%d logouts, not %d", logouts, want)
	}
	r.e.Forget()
	r.pass(interval)
	for name, s := range r.observe() {
		r.without("closed", name, s)
	}
	if n := len(r.e.Calls()); n > 0 {
		r.errorf("%d calls after the end", n)
	}
	r.open()
	r.warm()
	r.e.Break(appliancetest.Hangs())
	start := time.Now()
	r.say(r.backend.Close())
	if took := time.Since(start); took > 4*time.Second {
		r.errorf("it took %v to close with an appliance that hangs", took)
	}
	r.e.Mend()
	r.backend = nil
}
