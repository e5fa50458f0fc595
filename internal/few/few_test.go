package few

import "testing"

func TestOf(t *testing.T) {
	all := []string{"a", "b", "c"}
	for most, want := range map[int]string{1: "a, 2 more", 2: "a, b, 1 more", 3: "a, b, c", 4: "a, b, c"} {
		if got := Of(all, most, ", "); got != want {
			t.Errorf("%d: %q, not %q", most, got, want)
		}
	}
	if got := Of(all, 2, " and "); got != "a, b and 1 more" {
		t.Error(got)
	}
}
