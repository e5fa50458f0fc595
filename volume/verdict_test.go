package volume

import "testing"

func TestVerdict(t *testing.T) {
	var v Verdict
	expect := func(v Verdict, status Status, words string) {
		t.Helper()
		if v.Status() != status || v.Words() != words {
			t.Errorf("%s %q, not %s %q", v.Status(), v.Words(), status, words)
		}
	}
	expect(v, Healthy, "")
	v.Note("an upgrade is %d %%", 7)
	expect(v, Healthy, "an upgrade is 7 %")
	v.Worsen(Healthy, "all is well")
	expect(v, Healthy, "an upgrade is 7 %; all is well")
	before := v.Clone()
	v.Worsen(Degraded, "a node is down")
	v.Worsen(Degraded, "a disk failed")
	expect(v, Degraded, "a node is down; an upgrade is 7 %; all is well; a disk failed")
	v.Worsen(Offline, "no quorum")
	v.Worsen(Unavailable, "the events are not known")
	expect(v, Offline, "no quorum; a node is down; an upgrade is 7 %; all is well; a disk failed; the events are not known")
	expect(before, Healthy, "an upgrade is 7 %; all is well")
	v = Verdict{}
	v.Add(Degraded, "", "a disk failed", "", "a fan failed")
	v.Add(Offline, "")
	v.Add(Offline, "no quorum", "no power")
	expect(v, Offline, "no quorum; a disk failed; a fan failed; no power")
	for i, s := range severity {
		for j, other := range severity {
			if s.Worse(other) != (i > j) {
				t.Errorf("%s worse than %s: %v", s, other, s.Worse(other))
			}
		}
	}
}
