// Package volumetest is for the tests of backends that ask an appliance: the contract
// that every such backend keeps.
package volumetest

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

// Suite is a backend with its emulator.
type Suite struct {
	// Kind is the backend as the table of backends has it, on a network.
	Kind func(rest.Dialer) volume.Kind
	// Start makes an emulator on the network with so many volumes, all of them
	// well. It runs in a synctest bubble: its counters move with time.Now. Every
	// password and token that it knows is registered with Secret.
	Start func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator
	// Want is what is right for the volume of that index, once it was observed
	// twice.
	Want func(i int) Want
	// Calls are the documented costs for so many volumes on one appliance.
	Calls func(volumes int) Calls
	// Required are the option keys without which a volume cannot be.
	Required []string
	// VerifyKey is the backend's own spelling of verify_ssl.
	VerifyKey string
	// States are the vendor's words for "all is well" in the emulator's answers.
	States []string
	// Lose changes a volume's options so that it is on an object that is not there.
	Lose func(options map[string]any)

	// Login tells the calls that make or renew a session, and Logout those that
	// end one; nil where there are none.
	Login, Logout func(*http.Request) bool
	// HeaderLogin is whether the session is in the headers of the login's answer
	// alone: what spoils the body does no harm then.
	HeaderLogin bool
}

// Want is what a volume is to show.
type Want struct {
	Performance volume.Performance
	// PerformanceErr is matched by errors.Is where the backend cannot tell.
	PerformanceErr error
	Usage          volume.Usage
	Status         volume.Status // healthy, unless it says otherwise
}

// Calls are the most that one observation of each kind asks, of all volumes
// together and once it is in the swing: without logins.
type Calls struct {
	Performance, Health, Usage int
}

func (c Calls) sum() int { return c.Performance + c.Health + c.Usage }

// interval is longer than what any backend keeps of a moment's answers, and what
// the suite lets pass between two observations.
const interval = 60 * time.Second

// recovery is longer than any pause or back-off.
const recovery = 70 * time.Minute

// contract is what every backend keeps, by name.
var contract = []struct {
	name  string
	check func(*run)
}{
	{"figures and states", figures},
	{"numbers as text", texts},
	{"nothing is not zero", nothing},
	{"numbers beyond reason", huge},
	{"answers of the wrong kind", wrongAnswers},
	{"each failure has its own words", ownWords},
	{"states nobody knows", unknownStates},
	{"one volume is not there", lost},
	{"deadline", deadline},
	{"cancel", canceled},
	{"a hundred volumes", hundred},
	{"a session ends early", expires},
	{"hours of sessions", hours},
	{"down and back", downAndBack},
	{"credentials refused", refused},
	{"throttled", throttled},
	{"out of service", noStorm},
	{"secrets repeated", echoes},
	{"certificate not trusted", untrusted},
	{"certificate not verified", unverified},
	{"close", closes},
	{"options", options},
}

// Contract runs what every backend of an appliance has to keep.
func Contract(t *testing.T, s Suite) {
	t.Helper()
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, s, t.Errorf)
				r.keeps(c.check)
			})
		})
	}
}
