package volumetest

import (
	"net/http"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
)

// What the answers say, and what a backend makes of answers that say nothing.

func figures(r *run) {
	r.start(3)
	for name, s := range r.observe() { // no figure needs a second look to be plausible
		if s.health.Status == volume.Offline || s.health.Status == volume.Unavailable {
			r.errorf("first look: %s is %s (%s)", name, s.health.Status, s.health.Info)
		}
	}
	r.pass(interval)
	r.good("second look", r.observe())
	r.pass(interval)
	r.good("third look", r.observe())
}

func texts(r *run) {
	r.start(2)
	r.e.Break(appliancetest.Texts(), r.work)
	r.good("with numbers as text", r.warm())
}

// nothing: what the appliance does not say is absent, never zero, and nothing is
// healthy without a word.
func nothing(r *run) {
	whole := []appliancetest.Fault{appliancetest.Nulls(), appliancetest.Odd()}
	numbers := []appliancetest.Fault{
		appliancetest.Numberless("null numbers", nil), appliancetest.Numberless("odd numbers", []any{}), appliancetest.Numberless("worded numbers", "n/a"), appliancetest.Numberless("minus one", -1),
	}
	for i, f := range append(whole, numbers...) {
		r.start(2)
		r.e.Break(f, r.work)
		for name, s := range r.warm() {
			if i < len(whole) && s.health.Status == volume.Healthy {
				r.errorf("%s: %s is healthy", f.Name, name)
			}
			r.withoutFigures(f.Name, name, s)
		}
		r.recovers(f.Name)
		r.next()
	}
	for _, state := range r.States {
		r.start(2)
		r.spoil(appliancetest.Replaces([]string{state}, nil), recovery) // beyond what is asked for seldom
		for name, s := range r.observe() {
			if s.health.Status == volume.Healthy {
				r.errorf("null instead of %s: %s is healthy", state, name)
			}
		}
		r.next()
	}
}

// without checks that a volume shows no figures and is not healthy.
func (r *run) without(when, name string, s seen) {
	if s.health.Status == volume.Healthy {
		r.errorf("%s: %s is healthy", when, name)
	}
	r.withoutFigures(when, name, s)
}

func (r *run) withoutFigures(when, name string, s seen) {
	for figure, v := range figuresOf(s.performance) {
		if s.performanceErr == nil && v != nil {
			r.errorf("%s: %s of %s is %v", when, figure, name, *v)
		}
	}
	for amount, v := range amountsOf(s.usage) {
		if s.usageErr == nil && v != nil {
			r.errorf("%s: %s of %s is %v", when, amount, name, *v)
		}
	}
}

// recovers checks that all is well some time after the fault is gone.
func (r *run) recovers(when string) {
	r.e.Mend()
	r.pass(recovery)
	r.good("after "+when, r.warm())
}

// huge numbers are numbers: only what is impossible is a mistake, which observe
// looks for.
func huge(r *run) {
	r.start(2)
	r.e.Break(appliancetest.Huge(), r.work)
	r.warm()
	r.recovers("huge numbers")
}

// useless are answers from which nothing can be learned.
func useless() []appliancetest.Fault {
	return []appliancetest.Fault{
		appliancetest.HTML(), appliancetest.Empty(), appliancetest.Truncated(), appliancetest.Halved(), appliancetest.InsideOut(), appliancetest.Redirects(), appliancetest.Bomb(), appliancetest.Drops(),
		appliancetest.Says("null", "application/json", "null"), appliancetest.Says("a number", "application/json", "17"),
		appliancetest.Says("a text", "application/json", `"OK"`), appliancetest.Says("an empty list", "application/json", "[]"),
		appliancetest.Says("an empty object", "application/json", "{}"), appliancetest.Says("no JSON", "text/plain", "{'status': OK}"),
		appliancetest.Fails(http.StatusBadRequest, `{"message": "no"}`), appliancetest.Fails(http.StatusNotFound, "<html>not found</html>"),
		appliancetest.Fails(http.StatusNotFound, ""), appliancetest.Fails(http.StatusForbidden, ""), appliancetest.Fails(http.StatusInternalServerError, `{"error": `),
		appliancetest.Fails(http.StatusBadGateway, "<html>"), appliancetest.Fails(http.StatusServiceUnavailable, ""), appliancetest.Fails(http.StatusNoContent, ""),
	}
}

// wrongAnswers gives them to all calls of a backend that has a session, and to
// the login of one that has none.
func wrongAnswers(r *run) {
	for _, f := range useless() {
		r.start(2)
		r.spoil(f, interval)
		r.useless(f)
		r.recovers(f.Name)
		if r.Login != nil && (!r.HeaderLogin || !f.KeepsHeaders) {
			r.say(r.backend.Close())
			r.open()
			r.e.Break(f, r.session)
			r.useless(f)
			r.recovers(f.Name + " to the login")
		}
		r.next()
	}
}

func (r *run) useless(f appliancetest.Fault) {
	for name, s := range r.observe() {
		r.without(f.Name, name, s)
		if s.health.Status == volume.Offline && f.Name != "drops" {
			r.errorf("%s: %s is offline (%s): something did answer", f.Name, name, s.health.Info)
		}
	}
}

// ownWords: an operator can tell from the info what to do.
func ownWords(r *run) {
	told := map[string]string{}
	learn := func(what string, want volume.Status) {
		for name, s := range r.observe() {
			if s.health.Status != want {
				r.errorf("%s: %s is %s (%s), not %s", what, name, s.health.Status, s.health.Info, want)
			}
			if before, ok := told[s.health.Info]; ok && before != what {
				r.errorf("%s and %s are told with the same words: %s", what, before, s.health.Info)
			}
			told[s.health.Info] = what
		}
	}
	for _, f := range []appliancetest.Fault{
		appliancetest.Fails(http.StatusUnauthorized, ""), appliancetest.Fails(http.StatusForbidden, ""), appliancetest.Fails(http.StatusInternalServerError, ""),
		appliancetest.Throttles(time.Minute), appliancetest.HTML(), appliancetest.Halved(), appliancetest.Redirects(),
	} {
		r.start(1)
		r.spoil(f, interval)
		learn(f.Name, volume.Unavailable)
		r.next()
	}
	r.start(1)
	r.warm()
	r.e.Break(appliancetest.Hangs())
	r.pass(interval)
	learn("no answer", volume.Offline)
	r.e.Mend()
	r.e.Down()
	r.pass(interval)
	learn("refused", volume.Offline)
	r.e.Up()
	r.e.Unknown(true)
	r.pass(interval)
	learn("no such name", volume.Unavailable)
}

// unknownStates are not well, and are named.
func unknownStates(r *run) {
	const word = "SIDEWAYS"
	if len(r.States) == 0 {
		r.errorf("the suite names no states")
	}
	for _, state := range r.States {
		r.start(2)
		r.spoil(appliancetest.Replaces([]string{state}, word), recovery) // beyond what is asked for seldom
		for name, s := range r.observe() {
			if s.health.Status != volume.Degraded || !strings.Contains(strings.ToUpper(s.health.Info), word) {
				r.errorf("%s instead of %s: %s is %s (%s)", word, state, name, s.health.Status, s.health.Info)
			}
		}
		r.next()
	}
}

// lost: a volume whose object is not there costs the others nothing.
func lost(r *run) {
	r.start(3, func(cfg *volume.Config) {
		if cfg.Name == r.e.Volumes[1].Name {
			r.Lose(cfg.Options)
		}
	})
	all := r.warm()
	for i, cfg := range r.e.Volumes {
		s := all[cfg.Name]
		if i != 1 {
			r.goodVolume("beside one that is not there", i, s)
			continue
		}
		r.without("not there", cfg.Name, s)
		if s.health.Status != volume.Unavailable {
			r.errorf("not there: %s is %s (%s)", cfg.Name, s.health.Status, s.health.Info)
		}
	}
}
