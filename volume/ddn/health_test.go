package ddn

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func TestHealth(t *testing.T) {
	both := func(r *rig, state string) {
		r.state("exa1-OST0000", state)
		r.state("exa1-OST0001", state)
	}
	tests := []struct {
		name   string
		cfg    volume.Config
		change func(*rig)
		status volume.Status
		info   string
		facts  map[string]string // a part of the metadata; "-": must not be there
	}{
		{name: "all is well", status: volume.Healthy, facts: map[string]string{
			"filesystem": "exa1", "osts": "2", "osts_connected": "2", "mdts": "1", "mdts_connected": "1", "imports": "known",
			"health_check": "healthy", "lustre_version": "2.15.3_ddn", "fstype": "lustre", "ost_least_available": "-", "performance": "-",
		}},
		{name: "given up for lack of use", change: func(r *rig) { both(r, "IDLE") }, status: volume.Healthy},
		{name: "import says it", change: func(r *rig) {
			r.remove("sys/kernel/debug/lustre/" + dir("exa1-OST0000"))
			r.file("sys/kernel/debug/lustre/"+dir("exa1-OST0000")+"/import", sample(t, "osc_import_full.txt"))
		}, status: volume.Healthy, facts: map[string]string{"osts_connected": "2"}},
		{name: "import says it is lost", change: func(r *rig) {
			r.remove("sys/kernel/debug/lustre/" + dir("exa1-OST0000"))
			r.file("proc/fs/lustre/"+dir("exa1-OST0000")+"/import", strings.Replace(sample(t, "osc_import_full.txt"), "FULL", "DISCONN", 1))
		}, status: volume.Degraded, info: "1 of 2 OSTs not connected: exa1-OST0000 DISCONN"},
		{name: "one OST is lost", change: func(r *rig) { r.state("exa1-OST0001", "DISCONN") },
			status: volume.Degraded, info: "1 of 2 OSTs not connected: exa1-OST0001 DISCONN", facts: map[string]string{"osts_connected": "1"}},
		{name: "it is meant to be away", cfg: volume.Config{Options: map[string]any{"lustre_ignored_targets": []any{"OST0001"}}},
			change: func(r *rig) { r.state("exa1-OST0001", "DISCONN") }, status: volume.Healthy, facts: map[string]string{"osts": "1"}},
		{name: "a state that nobody knows", change: func(r *rig) { r.state("exa1-OST0001", "PONDERING") },
			status: volume.Degraded, info: `1 of 2 OSTs not connected: exa1-OST0001 in the unknown state "PONDERING"`},
		{name: "the MDT in a state that nobody knows", change: func(r *rig) { r.state("exa1-MDT0000", "PONDERING") },
			status: volume.Degraded, info: "PONDERING"},
		{name: "all OSTs in states that nobody knows", change: func(r *rig) { both(r, "PONDERING") }, status: volume.Degraded, info: "2 of 2 OSTs"},
		{name: "all OSTs are lost", change: func(r *rig) { both(r, "CONNECTING") }, status: volume.Offline, info: "2 of 2 OSTs not connected"},
		{name: "all OSTs are lost since now", change: func(r *rig) {
			r.since("exa1-OST0000", "CONNECTING", time.Now())
			r.since("exa1-OST0001", "CONNECTING", time.Now())
		}, status: volume.Degraded, info: "2 of 2 OSTs not connected"},
		{name: "the MDT is lost", change: func(r *rig) { r.state("exa1-MDT0000", "DISCONN") },
			status: volume.Offline, info: "exa1-MDT0000 DISCONN for 1h0m"},
		{name: "the MDT is lost since now", change: func(r *rig) { r.since("exa1-MDT0000", "REPLAY_WAIT", time.Now()) },
			status: volume.Degraded, info: "1 of 1 MDTs not connected: exa1-MDT0000 REPLAY_WAIT"},
		{name: "the MDT is lost since tomorrow", change: func(r *rig) { r.since("exa1-MDT0000", "DISCONN", time.Now().Add(24*time.Hour)) },
			status: volume.Degraded, info: "exa1-MDT0000 DISCONN"},
		{name: "another MDT is lost", change: func(r *rig) { r.state("exa1-MDT0001", "EVICTED") },
			status: volume.Degraded, info: "1 of 2 MDTs not connected: exa1-MDT0001 EVICTED"},
		{name: "the MDT and an OST", change: func(r *rig) { r.state("exa1-MDT0000", "DISCONN"); r.state("exa1-OST0001", "DISCONN") },
			status: volume.Offline, info: "OST0001 DISCONN"},
		{name: "targets of others", change: func(r *rig) {
			r.state("exa10-OST0000", "DISCONN")
			r.state("exa1-x-OST0000", "DISCONN")
			r.file("sys/kernel/debug/lustre/osc/exa1-OST0000-osc-MDT0000/state", "current_state: DISCONN\n")
		}, status: volume.Healthy, facts: map[string]string{"osts": "2"}},
		{name: "the second mount of it lost an OST", change: func(r *rig) {
			r.file("sys/kernel/debug/lustre/osc/exa1-OST0001-osc-ff00/state", "current_state: EVICTED\n")
		}, status: volume.Degraded, info: "exa1-OST0001 EVICTED"},
		{name: "unhealthy", change: func(r *rig) { r.file("sys/fs/lustre/health_check", sample(t, "health_check_unhealthy.txt")) },
			status: volume.Degraded, info: "unhealthy: exa1-OST0001", facts: map[string]string{"health_check": "NOT HEALTHY"}},
		{name: "another file system is unhealthy", change: func(r *rig) {
			r.file("sys/fs/lustre/health_check", "device exa2-OST0001 reported unhealthy\nNOT HEALTHY\n")
		}, status: volume.Healthy, facts: map[string]string{"health_check": "NOT HEALTHY"}},
		{name: "unhealthy, and nothing is named", change: func(r *rig) { r.file("sys/fs/lustre/health_check", "NOT HEALTHY\n") },
			status: volume.Degraded, info: "NOT HEALTHY"},
		{name: "failed", change: func(r *rig) { r.file("sys/fs/lustre/health_check", "LBUG\n") }, status: volume.Offline, info: "LBUG"},
		{name: "health_check says what nobody knows", change: func(r *rig) { r.file("sys/fs/lustre/health_check", "queasy\n") },
			status: volume.Degraded, info: "queasy"},
		{name: "health_check of old clients", change: func(r *rig) {
			r.remove("sys/fs/lustre/health_check")
			r.file("proc/fs/lustre/health_check", "LBUG\n")
		}, status: volume.Offline, info: "LBUG"},
		{name: "nothing of the client can be read", change: func(r *rig) { r.remove("sys") }, status: volume.Healthy, facts: map[string]string{
			"imports": "unknown", "health_check": "unknown", "osts": "-", "osts_connected": "-",
		}},
		{name: "no rights, but lov tells", change: func(r *rig) {
			r.remove("sys/kernel")
			r.file("sys/fs/lustre/lov/exa1-clilov-"+mountID+"/numobd", "4\n")
			r.file("sys/fs/lustre/lov/exa1-clilov-"+mountID+"/activeobd", "3\n")
		}, status: volume.Degraded, info: "1 of 4 OSTs not active", facts: map[string]string{"imports": "unknown", "osts": "4"}},
		{name: "no rights, and all are active", change: func(r *rig) {
			r.remove("sys/kernel")
			r.file("sys/fs/lustre/lov/exa1-clilov-"+mountID+"/numobd", "4\n")
			r.file("sys/fs/lustre/lov/exa1-clilov-"+mountID+"/activeobd", "4\n")
		}, status: volume.Healthy},
		{name: "one state cannot be read", change: func(r *rig) { r.file("sys/kernel/debug/lustre/"+dir("exa1-OST0001")+"/state", "\x00\xff") },
			status: volume.Healthy, facts: map[string]string{"imports": "incomplete", "osts_connected": "1"}},
		{name: "a full OST", change: func(r *rig) {
			r.room("exa1-OST0000", "4000000", "3000000")
			r.room("exa1-OST0001", "4000000", "70000")
		}, status: volume.Degraded, info: "1 of 2 OSTs full: exa1-OST0001", facts: map[string]string{
			"ost_least_available": "exa1-OST0001", "ost_least_available_bytes": "71680000",
		}},
		{name: "room on all", change: func(r *rig) {
			r.room("exa1-OST0000", "4000000", "3000000")
			r.room("exa1-OST0001", "4000000", "nonsense")
		}, status: volume.Healthy, facts: map[string]string{"ost_least_available": "exa1-OST0000", "ost_least_available_bytes": "3072000000"}},
		{name: "an OST that is away is not asked for its room", change: func(r *rig) {
			both(r, "IDLE")
			r.room("exa1-OST0000", "4000000", "3")
		}, status: volume.Healthy, facts: map[string]string{"ost_least_available": "-"}},
		{name: "an OST that is meant to be away is full", cfg: volume.Config{Options: map[string]any{"lustre_ignored_targets": "exa1-OST0001"}}, change: func(r *rig) {
			r.room("exa1-OST0000", "4000000", "3000000")
			r.room("exa1-OST0001", "4000000", "70000")
		}, status: volume.Healthy, facts: map[string]string{"ost_least_available": "exa1-OST0000"}},
		{name: "no MDT is to be seen", change: func(r *rig) { r.remove("sys/kernel/debug/lustre/mdc") },
			status: volume.Healthy, facts: map[string]string{"imports": "incomplete", "osts_connected": "2", "mdts": "-"}},
		{name: "no OST is to be seen", change: func(r *rig) { r.remove("sys/kernel/debug/lustre/osc") },
			status: volume.Healthy, facts: map[string]string{"imports": "incomplete", "osts": "-"}},
		{name: "it is not known which file system it is", change: func(r *rig) {
			r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw", "29 28 0:9 / "+r.point+" rw - lustre nonsense rw")
		}, status: volume.Healthy, facts: map[string]string{"imports": "unknown", "filesystem": "-", "performance_scope": "-", "fstype": "lustre"}},
		{name: "read-only", change: func(r *rig) { r.mounts("ro,flock") }, status: volume.Degraded, info: "read-only"},
		{name: "read-only as it should be", cfg: volume.Config{ReadOnly: true}, change: func(r *rig) { r.mounts("ro,flock") }, status: volume.Healthy},
		{name: "unmounted", change: func(r *rig) { r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw") },
			status: volume.Offline, info: "nothing mounted", facts: map[string]string{"filesystem": "-"}},
		{name: "something else is mounted", change: func(r *rig) {
			r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw", "29 28 0:9 / "+r.point+" rw - tmpfs none rw")
		}, status: volume.Offline, info: "not of type lustre"},
		{name: "the directory is gone", cfg: volume.Config{Path: "/nonexistent/exa"}, change: func(r *rig) {
			r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw", "29 28 0:9 / /nonexistent rw - lustre n@tcp:/exa1 rw")
		}, status: volume.Offline, info: "does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.cfg)
			if tt.change != nil {
				tt.change(r)
			}
			h := r.WantHealth(tt.status, tt.info)
			for _, name := range slices.Sorted(maps.Keys(tt.facts)) {
				got, ok := h.Metadata[name]
				if want := tt.facts[name]; (want == "-") == ok || ok && got != want {
					t.Errorf("metadata %s is %q, %v; want %q", name, got, ok, want)
				}
			}
		})
	}
}

// A connection whose history is not told is lost since it was first seen so, and
// comes back.
func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(nil)
		judge := func(c connections) volume.Verdict {
			var found volume.Verdict
			w.judge(&found, map[string]string{}, c)
			return found
		}
		both := func(state string) connections {
			return connections{fsname: "exa1", targets: []target{{name: "exa1-MDT0000", state: state}, {name: "exa1-OST0000", state: state}}}
		}
		for _, step := range []struct {
			state string
			want  volume.Status
		}{
			{"FULL", volume.Healthy}, {"DISCONN", volume.Degraded}, {"CONNECTING", volume.Degraded}, {"DISCONN", volume.Degraded}, {"DISCONN", volume.Offline},
			{"IDLE", volume.Healthy}, {"DISCONN", volume.Degraded}, {"", volume.Healthy}, {"DISCONN", volume.Degraded},
		} {
			if got := judge(both(step.state)); got.Status() != step.want {
				t.Errorf("%s: %s %q, want %s", step.state, got.Status(), got.Words(), step.want)
			}
			time.Sleep(10 * time.Second)
		}
		if len(w.since) != 2 {
			t.Errorf("%d connections are remembered", len(w.since))
		}
		judge(connections{}) // of what is not known
		if len(w.since) != 2 {
			t.Errorf("%d connections are remembered after a look that found nothing", len(w.since))
		}
		judge(connections{fsname: "exa1"})
		if len(w.since) != 0 {
			t.Errorf("%d connections of targets that are gone are remembered", len(w.since))
		}
	})
}

// Where not all OSTs could be asked in time, a full one is told, and no least.
func TestRoomInTime(t *testing.T) {
	r := newRig(t, volume.Config{})
	r.room("exa1-OST0000", "4000000", "70000")
	serving := r.Backend.(*backend).client.targets("exa1")
	ctx, cancel := context.WithCancel(t.Context())
	if got := roomsOf(ctx, serving); !got.all || len(got.each) != 1 || got.each[0] != (room{"exa1-OST0000", 4096000000, 71680000}) {
		t.Errorf("in time: %+v", got)
	}
	cancel()
	if got := roomsOf(ctx, serving); got.all || len(got.each) != 0 {
		t.Errorf("no time: %+v", got)
	}
	var found volume.Verdict
	facts := map[string]string{}
	judgeRoom(&found, facts, rooms{each: []room{{"exa1-OST0000", 100, 1}, {"exa1-OST0001", 100, 50}}})
	if _, ok := facts["ost_least_available"]; ok || found.Status() != volume.Degraded || found.Words() != "1 of 2 OSTs full: exa1-OST0000" {
		t.Errorf("%+v, %v", found, facts)
	}
}

func TestManyTargets(t *testing.T) {
	var osts []target
	for _, digit := range "0123456789" {
		osts = append(osts, target{name: "exa1-OST000" + string(digit), state: "EVICTED"})
	}
	if got := notConnected(osts, "OSTs"); !strings.HasSuffix(got, "exa1-OST0004 EVICTED and 5 more") {
		t.Error(got)
	}
}

func TestParseImport(t *testing.T) {
	blocks := strings.Split(sample(t, "lctl_device_state.txt"), "osc.exa1")
	tests := []struct {
		content, state string
		since          int64
	}{
		{blocks[1], "FULL", 0},
		{blocks[2], "DISCONN", 1767999999},
		{sample(t, "osc_import_full.txt"), "FULL", 0},
		{"current_state: REPLAY\nstate_history:\n - [ 5, FULL ]\n - [ 7, DISCONN ]\n - [ 9, REPLAY ]\n", "REPLAY", 7},
		{"current_state: REPLAY\nstate_history:\n - [ 7, DISCONN ]\n - [ 9, REPLAY ]\n", "REPLAY", 7},
		{"current_state: REPLAY\nstate_history:\n - [ x, DISCONN ]\n - [ 99999999999999, REPLAY ]\n - [\n - [ 5 ]\n", "REPLAY", 0},
		{"", "", 0},
	}
	for _, tt := range tests {
		state, since := parseImport([]byte(tt.content))
		var got int64
		if !since.IsZero() {
			got = since.Unix()
		}
		if state != tt.state || got != tt.since {
			t.Errorf("%q: %s since %d, want %s since %d", tt.content, state, got, tt.state, tt.since)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(sample(f, "lctl_device_state.txt")))
	f.Add([]byte(sample(f, "osc_import_full.txt")))
	f.Fuzz(func(t *testing.T, content []byte) {
		state, since := parseImport(content)
		if len(state) > maxState || !utf8.ValidString(state) || strings.ContainsAny(state, "\n\t") {
			t.Errorf("state %q", state)
		}
		if (target{state: state}).connected() && !since.IsZero() {
			t.Error("connected, and lost")
		}
	})
}

func FuzzHealthCheck(f *testing.F) {
	f.Add([]byte(sample(f, "health_check.txt")))
	f.Add([]byte(sample(f, "health_check_unhealthy.txt")))
	f.Add([]byte("LBUG\n"))
	f.Add([]byte("device exa1-OST0000 reported unhealthy"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var found volume.Verdict
		facts := map[string]string{}
		parseHealthCheck(content, "exa1").judge(&found, facts)
		if (found.Status() == volume.Healthy) != (found.Words() == "") {
			t.Errorf("%s: %q", found.Status(), found.Words())
		}
		if words := found.Words(); !utf8.ValidString(words) || len(words) > 1000 || facts["health_check"] == "" {
			t.Errorf("%q, %v", words, facts)
		}
	})
}

func TestFSOf(t *testing.T) {
	got := map[string]string{}
	for _, source := range []string{
		"172.16.0.1@o2ib:172.16.0.2@o2ib:/exa1", "172.16.0.1@o2ib:/exa1/sub/dir", "[fe80::1]@tcp:/exa1", "mgs1,mgs2@tcp1:mgs3@tcp1:/exa1/a:/b",
		"exa1", ":/", "n@tcp:/..", "", "n@tcp://x",
	} {
		name, ok := fsOf(source)
		if ok {
			got[source] = name
		}
	}
	want := map[string]string{
		"172.16.0.1@o2ib:172.16.0.2@o2ib:/exa1": "exa1", "172.16.0.1@o2ib:/exa1/sub/dir": "exa1", "[fe80::1]@tcp:/exa1": "exa1",
		"mgs1,mgs2@tcp1:mgs3@tcp1:/exa1/a:/b": "exa1",
	}
	volumetest.Same(t, want, got)
}
