package cephfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/volumetest"
)

const sessionFile = debugDir + "/" + client + "/mds_sessions"

func TestSessions(t *testing.T) {
	const head = "global_id 4150\nname \"bai\"\n"
	for name, tt := range map[string]struct {
		content string
		states  string
		notWell string
	}{
		"one":        {head + "mds.0 open\n", "1 open", ""},
		"several":    {head + "mds.0 open\nmds.1 open\nmds.2 closing\nmds.3 closed\n", "1 closed, 1 closing, 2 open", ""},
		"hung":       {head + "mds.0 open\nmds.1 hung\n", "1 hung, 1 open", "the session with metadata server 1 hangs: check that server and the network"},
		"failover":   {head + "mds.0 reconnecting\n", "1 reconnecting", "the session with metadata server 0 is being restored, as after a failover"},
		"restarting": {"mds.0 restarting\n", "1 restarting", "the session with metadata server 0 is being restored, as after a failover"},
		"opening":    {"mds.0 new\nmds.1 opening\n", "1 new, 1 opening", "the session with metadata server 0 is not open yet, the session with metadata server 1 is not open yet"},
		"rejected":   {"mds.0 rejected\n", "1 rejected", "the session with metadata server 0 was rejected: mount it anew"},
		"unknown":    {"mds.0 half asleep\n", "1 half asleep", `the session with metadata server 0 is in the unknown state "half asleep"`},
		"kernel's":   {"mds.0 ???\n", "1 ???", `the session with metadata server 0 is in the unknown state "???"`},
		"many": {"mds.0 hung\nmds.1 rejected\nmds.2 rejected\nmds.3 hung\nmds.4 hung\n", "3 hung, 2 rejected",
			"the session with metadata server 0 hangs: check that server and the network, the session with metadata server 1 was rejected: mount it anew, " +
				"the session with metadata server 2 was rejected: mount it anew, and 2 more"},
		"none":     {head, "", ""},
		"nonsense": {"mds. open\nmds.x open\nmds.-1 open\nmds.0\nmds.1 \nmds.99999999999 open\nosd.1 open\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := parseSessions([]byte(tt.content))
			volumetest.Same(t, []string{tt.states, tt.notWell}, []string{states(all), notWell(all)})
		})
	}
}

// Whatever the file has in it, what is told of it is short and sound, and a
// session that is not open is told of.
func FuzzSessions(f *testing.F) {
	f.Add([]byte("global_id 4150\nname \"bai\"\nmds.0 open\nmds.1 hung\n"))
	f.Add([]byte(strings.Repeat("mds.7 ?\xff\n", 400)))
	f.Fuzz(func(t *testing.T, content []byte) {
		all := parseSessions(content)
		if len(all) > maxSessions {
			t.Fatalf("%d sessions", len(all))
		}
		text, facts := notWell(all), states(all)
		if len(text) > 1000 || len(facts) > maxWord || !utf8.ValidString(text) || !utf8.ValidString(facts) || strings.ContainsAny(text, "\n\x00") {
			t.Errorf("%q, %q", text, facts)
		}
		for _, s := range all {
			if s.state != "open" && s.state != "closing" && s.state != "closed" && text == "" {
				t.Errorf("%+v is taken to be well", s)
			}
		}
	})
}

// The kernel's client tells which metadata server it has lost, also when the mount
// hangs for it.
func TestSessionsOfMount(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, told())
	r := newRig(t, fuse.Point, kernelType, nil)
	r.WantHealth(volume.Healthy, "")
	r.file(debugDir+"/"+fsid+".client7/mds_sessions", "mds.0 hung\n") // another mount's
	r.debugfs(fsid+".client7", "t0", false)
	r.file(sessionFile, "global_id 4150\nname \"bai\"\nmds.0 open\nmds.1 open\n")
	r.debugfs(client, "t0", false)
	if h := r.WantHealth(volume.Healthy, ""); h.Metadata["mds_sessions"] != "2 open" {
		t.Errorf("%v", h.Metadata)
	}
	r.file(sessionFile, "mds.0 open\nmds.1 hung\n")
	r.WantHealth(volume.Degraded, "the session with metadata server 1 hangs")
	fuse.HangXattrs()
	h := r.OwnHealth(400 * time.Millisecond)
	volumetest.WantHealth(t, h, volume.Offline, "does not answer")
	if !strings.Contains(h.Info, "metadata server 1 hangs") {
		t.Errorf("%q", h.Info)
	}
	fuse.Resume()
}

// Before Linux 5.11 the mount does not tell its client: the only one is its own,
// of several none.
func TestSessionsOfTheOnlyClient(t *testing.T) {
	t.Parallel()
	r := newRig(t, newFUSE(t, map[string]string{recursiveBytes: "1"}).Point, kernelType, nil)
	r.debugfs(client, "t0", false)
	r.file(sessionFile, "mds.0 hung\n")
	r.WantHealth(volume.Degraded, "metadata server 0 hangs")
	r.debugfs(fsid+".client7", "t0", false)
	r.file(debugDir+"/"+fsid+".client7/mds_sessions", "mds.0 hung\n")
	r.WantHealth(volume.Healthy, "")
}

// What a mount told of its client is true of that mount only.
func TestClientOf(t *testing.T) {
	var d debugfs
	a := mount.Mount{Device: "0:53", Source: "bai@a.fs=/"}
	for _, other := range []mount.Mount{{Device: "0:54", Source: a.Source}, {Device: a.Device, Source: "bai@a.fs=/sub"}} {
		if got := d.clientOf(a, attributes{values: told()}); got != client {
			t.Errorf("told: %q", got)
		}
		if got := d.clientOf(a, attributes{}); got != client {
			t.Errorf("not told again: %q", got)
		}
		if got := d.clientOf(other, attributes{}); got != "" {
			t.Errorf("%+v has %q", other, got)
		}
	}
}

// A list of sessions that does not come costs itself only.
func TestSessionsHang(t *testing.T) {
	t.Parallel()
	r := newRig(t, newFUSE(t, told()).Point, kernelType, nil)
	name := filepath.Join(r.dir, sessionFile)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), unix.Mkfifo(name, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // lets the one that waits go
		if f, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	})
	begun := time.Now()
	for range 3 {
		h := r.OwnHealth(400 * time.Millisecond)
		volumetest.WantHealth(t, h, volume.Healthy, "")
		if _, ok := h.Metadata["mds_sessions"]; ok {
			t.Errorf("%v", h.Metadata)
		}
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("the answers did not come in time")
	}
}
