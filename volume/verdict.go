package volume

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Verdict is a state of health with the words that say why. The zero one is
// healthy, with nothing to say.
type Verdict struct {
	status Status
	words  []string
}

// severity orders the states that a check finds: that something is not served is
// the worst.
var severity = []Status{Healthy, Degraded, Unavailable, Offline}

// Worse is whether a state is worse than another, of those that a check finds.
func (s Status) Worse(than Status) bool { return s.Compare(than) > 0 }

// Compare orders states from the best to the worst, of those that a check finds.
func (s Status) Compare(other Status) int {
	return cmp.Compare(slices.Index(severity, s), slices.Index(severity, other))
}

// Note adds words without changing the state.
func (v *Verdict) Note(format string, args ...any) {
	v.words = append(v.words, fmt.Sprintf(format, args...))
}

// Worsen notes what makes the state at least this bad. The worst comes first.
func (v *Verdict) Worsen(to Status, format string, args ...any) {
	v.Add(to, fmt.Sprintf(format, args...))
}

// Add is Worsen with each of the texts. An empty one says nothing and changes
// nothing.
func (v *Verdict) Add(to Status, texts ...string) {
	for _, text := range texts {
		switch {
		case text == "":
		case to.Worse(v.Status()):
			v.status, v.words = to, slices.Insert(v.words, 0, text)
		default:
			v.words = append(v.words, text)
		}
	}
}

// Status is the worst state that was found.
func (v *Verdict) Status() Status {
	if v.status == "" {
		return Healthy
	}
	return v.status
}

// Words are those of all that was noted, on one line.
func (v *Verdict) Words() string { return strings.Join(v.words, "; ") }

// Clone is a verdict that goes on by itself from here.
func (v *Verdict) Clone() Verdict { return Verdict{v.status, slices.Clone(v.words)} }
