package nearest

import "testing"

func TestName(t *testing.T) {
	known := []string{"smart", "redis", "smartctl.path", "web.max-requests", "netapp", "vfs", "xfs"}
	for name, want := range map[string]string{
		"smrat": "smart", "Smart": "smart", "reddis": "redis", "smartctl.paht": "smartctl.path",
		"web.max_request": "web.max-requests", "netap": "netapp", "vsf": "", "vf": "", "": "", "something else": "",
	} {
		if got := Name(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := Hint("netap", known); got != "; did you mean netapp?" {
		t.Errorf("%q", got)
	}
}

// A name is its own nearest, and the distance is the same from both ends.
func FuzzName(f *testing.F) {
	f.Add("smart", "smrat")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 100 || len(b) > 100 {
			return
		}
		if distance(a, a) != 0 || distance(a, b) != distance(b, a) {
			t.Errorf("%q %q: %d and %d", a, b, distance(a, b), distance(b, a))
		}
	})
}
