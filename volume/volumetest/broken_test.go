package volumetest_test

import (
	"testing"

	"storage_exporter/volume/volumetest"
)

// A suite that nobody can fail proves nothing.
func TestBrokenBackends(t *testing.T) {
	tests := []struct {
		bug   string
		basic bool
		found []string // by these checks, and maybe others
	}{
		{"zero for unknown", false, []string{"nothing is not zero"}},
		{"bits", false, []string{"figures and states", "numbers as text", "a hundred volumes"}},
		{"healthy whatever is said", false, []string{"nothing is not zero", "states nobody knows"}},
		{"panics", false, []string{"nothing is not zero"}},
		{"loses the others", false, []string{"one volume is not there"}},
		{"a call for each volume", false, []string{"a hundred volumes"}},
		{"ignores the deadline", false, []string{"deadline", "cancel"}},
		{"empty for an error", false, []string{"deadline", "each failure has its own words", "cancel"}},
		{"one text for all", false, []string{"each failure has its own words", "down and back", "certificate not trusted"}},
		{"asks until it works", false, []string{"throttled", "out of service"}},
		{"serves old answers", false, []string{"down and back", "each failure has its own words"}},
		{"no logout", false, []string{"close"}},
		{"late renewal", false, []string{"hours of sessions"}},
		{"logs in again and again", false, []string{"a hundred volumes"}},
		{"logs the password", true, []string{"figures and states"}},
		{"does not name its secrets", false, []string{"secrets repeated"}},
		{"leaks an option", true, []string{"options"}},
	}
	for _, tt := range tests {
		t.Run(tt.bug, func(t *testing.T) {
			problems := volumetest.Problems(t, suite(tt.basic, tt.bug), tt.found...)
			for _, name := range tt.found {
				if len(problems[name]) == 0 {
					t.Errorf("%s says nothing", name)
				}
			}
		})
	}
}
