package netapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// rounds looks at the first volume of an emulator a few times, a minute apart.
// before changes the emulator ahead of that look.
func rounds(t *testing.T, o *ontap, n int, before func(look int)) []volume.Result[volume.Performance] {
	t.Helper()
	var seen []volume.Result[volume.Performance]
	with(t, o, []string{o.volumes[0].fields["name"].(string)}, func(t *testing.T, b volume.Backend) {
		for look := range n {
			o.change(func() { before(look) })
			seen = append(seen, performance(t, b, o.volumes[0].fields["name"].(string)))
			time.Sleep(time.Minute)
		}
	})
	return seen
}

func one(v *fakeVolume) *ontap {
	o := newOntap()
	o.volumes = []*fakeVolume{v}
	return o
}

// A sum that lacks a member is never shown, however long that lasts; ONTAP's own
// mean stands in.
func TestFlexGroupWithoutMember(t *testing.T) {
	o := one(newFlexGroup("svm_ai", "fg", 1, 300, 60))
	missing, wrongMean := o.volumes[0].members[1], 7*300.0
	for i, got := range rounds(t, o, 20, func(look int) { missing.hidden = look == 2 || look == 3 || look >= 6 }) {
		want := 300.0
		switch i {
		case 0, 2, 3, 4: // no base; lacks one; the base lacks one
			want = wrongMean
		case 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16:
			want = wrongMean
		}
		if i > 15 { // ten minutes later it is taken for gone
			want = 200
		}
		if i == 16 {
			want = wrongMean // the first base without it
		}
		if got.Err != nil || reads(got) != want {
			t.Errorf("look %d: %v, %v, not %v", i, got.Value.IOPSRead, got.Err, want)
		}
	}
}

// The counters of one member in disorder spoil the sum of that window.
func TestFlexGroupMemberStates(t *testing.T) {
	tests := map[string]func(m *fakeVolume, look int){
		"partial": func(m *fakeVolume, look int) {
			m.status = map[bool]string{true: "partial_no_response", false: "ok"}[look == 2]
		},
		"offline": func(m *fakeVolume, look int) {
			m.fields["state"] = map[bool]string{true: "offline", false: "online"}[look == 2]
		},
		"made anew":     func(m *fakeVolume, look int) { m.fields["uuid"] = map[bool]string{true: "b", false: "a"}[look == 2] },
		"its own style": func(m *fakeVolume, look int) { m.status = map[bool]string{true: "", false: "OK"}[look == 2] },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			o := one(newFlexGroup("svm_ai", "fg", 1, 300, 60))
			got := rounds(t, o, 3, func(look int) { change(o.volumes[0].members[1], look) })
			if reads(got[1]) != 300 || reads(got[2]) != 7*300 {
				t.Errorf("%v, %v", reads(got[1]), reads(got[2]))
			}
		})
	}
}

// The mean of a FlexGroup weighs its members by their operations.
func TestFlexGroupLatency(t *testing.T) {
	o := one(newFlexGroup("svm_ai", "fg", 1, 0, 60))
	for i, got := range rounds(t, o, 2, func(int) {}) { // the mean, then the counters
		if got.Value.LatencyReadUsec != nil || reads(got) != 0 || *got.Value.LatencyWriteUsec != 900 {
			t.Errorf("look %d without reads: %+v", i, got.Value)
		}
	}
}

// Counters that begin anew are no negative rate; the mean of the last seconds
// stands in, and the next window is good.
func TestCountersBeginAnew(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	v := o.volumes[0]
	for i, got := range rounds(t, o, 4, func(look int) {
		if look == 2 {
			v.reset, v.reads = time.Now().Add(-5*time.Second), 50
		}
	}) {
		want := 100.0
		if i >= 2 {
			want = 50
		}
		if got.Err != nil || reads(got) != want {
			t.Errorf("look %d: %+v, %v", i, got.Value.IOPSRead, got.Err)
		}
	}
}

// A volume that was made anew under its name is another one.
func TestVolumeMadeAnew(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	got := rounds(t, o, 3, func(look int) {
		if look == 2 {
			o.volumes[0] = newVolume("svm_ai", "v", 2, 5000, 10)
			o.volumes[0].fields["nas"] = nil
		}
	})
	if reads(got[2]) != 5000 { // the mean, not a difference to the old one
		t.Errorf("%v", reads(got[2]))
	}
}

// Where the statistics have no timestamp, the answer's date is theirs.
func TestUndatedStatistics(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	o.volumes[0].undated = true
	got := rounds(t, o, 2, func(int) {})
	if !errors.Is(got[0].Err, volume.ErrNoSample) || got[1].Err != nil || reads(got[1]) != 100 {
		t.Errorf("%v; %+v, %v", got[0].Err, got[1].Value, got[1].Err)
	}
}

// The mean of the last seconds counts only when it is whole and new.
func TestMean(t *testing.T) {
	tests := []struct {
		status, at string
		want       bool
	}{
		{"ok", "12:00:00", true},
		{"OK", "12:00:00", true},
		{"backfilled_data", "12:00:00", true},
		{"ok", "11:59:00", true},
		{"ok", "12:00:07", true}, // nodes' clocks differ a little
		{"ok", "11:58:59", false},
		{"ok", "", false},
		{"", "12:00:00", false},
		{"error", "12:00:00", false},
		{"partial_no_data", "12:00:00", false},
		{"negative_delta", "12:00:00", false},
		{"inconsistent_old_data", "12:00:00", false},
		{"brand_new", "12:00:00", false},
	}
	for _, tt := range tests {
		t.Run(tt.status+" "+tt.at, func(t *testing.T) {
			v := record{answer: &rest.Answer{
				ReceivedAt: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), // by a clock that is wrong by years
				Header:     http.Header{"Date": {"Tue, 04 Mar 2025 12:00:00 GMT"}},
			}}
			content := fmt.Sprintf(`{"metric": {"status": %q, "timestamp": "2025-03-04T%sZ", "iops": {"read": 1520}, "latency": {"read": 412, "write": 9}}}`, tt.status, tt.at)
			if err := json.Unmarshal([]byte(content), &v); err != nil {
				t.Fatal(err)
			}
			got, at, ok := v.mean()
			if ok != tt.want {
				t.Fatalf("%+v of %v", got, at)
			}
			if want := (volume.Performance{IOPSRead: new(1520.0), LatencyReadUsec: new(412.0)}); ok && !cmp.Equal(want, got) {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

func TestOfflineHasNoSample(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	got := rounds(t, o, 3, func(look int) {
		if look == 1 {
			o.volumes[0].fields["state"] = "offline"
		}
	})
	if got[0].Err != nil || !errors.Is(got[1].Err, volume.ErrNoSample) || !errors.Is(got[2].Err, volume.ErrNoSample) {
		t.Errorf("%v, %v, %v", got[0].Err, got[1].Err, got[2].Err)
	}
}

// What is known of FlexGroups that are gone is forgotten.
func TestRosterForgets(t *testing.T) {
	r := roster{}
	for i := range 100 {
		id := fmt.Sprint(i)
		got := r.check(map[string]map[string]record{id: {"m" + id: {}}})
		if !got[id].whole || len(r) != 1 {
			t.Fatalf("%d: %+v, %d FlexGroups are known", i, got, len(r))
		}
	}
	if got := r.check(map[string]map[string]record{"x": {}}); got["x"].whole {
		t.Error("a FlexGroup without members is whole")
	}
}

// reads is -1 where there is no such figure.
func reads(r volume.Result[volume.Performance]) float64 {
	if r.Value.IOPSRead == nil {
		return -1
	}
	return *r.Value.IOPSRead
}
