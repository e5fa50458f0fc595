package cephfs

import (
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// A ceph-fuse tells by its socket what it has done, but for bytes read.
func TestFuseClient(t *testing.T) {
	t.Parallel()
	point := newFUSE(t, told()).Point
	socket := filepath.Join(t.TempDir(), "fuse.asok")
	r := newRig(t, point, fuseType, map[string]any{"ceph_admin_socket": socket})
	p := listen(t, socket, map[string]string{
		"status": statusOf(point, 4136), "perf dump": dump(40, "0.008485512", 160, "0.016590083", 20<<20),
	})
	got := r.rates(func() { p.set("perf dump", dump(240, "0.208485512", 260, "0.516590083", 120<<20)) })
	if *got.IOPSRead != 2**got.IOPSWrite || *got.BytesWrite != (1<<20)**got.IOPSWrite {
		t.Errorf("%v, %v operations, %v bytes", *got.IOPSRead, *got.IOPSWrite, *got.BytesWrite)
	}
	if got.BytesRead != nil {
		t.Errorf("%v bytes read: nothing counts them", *got.BytesRead)
	}
	if math.Abs(*got.LatencyReadUsec-1000) > 0.01 || math.Abs(*got.LatencyWriteUsec-5000) > 0.01 {
		t.Errorf("latencies: %v, %v", *got.LatencyReadUsec, *got.LatencyWriteUsec)
	}
	p.set("status", statusOf(point, 4137))
	p.set("perf dump", dump(1000, "1", 1000, "1", 400<<20))
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("mounted anew: %v, want no sample", err)
	}
}

// What a counter cannot be is not shown.
func TestFuseCounters(t *testing.T) {
	for name, tt := range map[string]struct {
		dump string
		ops  bool
		time bool
		sent bool
	}{
		"all":           {dump(1, "0.5", 2, "0.5", 3), true, true, true},
		"large":         {dump(1, "9e9", 2, "9e9", 3), true, true, true},
		"too large":     {dump(1, "9e99", 2, "9e99", 3), true, false, true},
		"negative":      {dump(1, "-1", 2, "-1", 3), true, false, true},
		"no objecter":   {`{"client":{"rdlat":{"avgcount":1,"sum":1.0},"wrlat":{"avgcount":1,"sum":1.0}}}`, true, true, false},
		"no sums":       {`{"client":{"rdlat":{"avgcount":1},"wrlat":{"avgcount":1}}}`, true, false, false},
		"no client":     {`{"objecter":{"op_send_bytes":1}}`, false, false, false},
		"a daemon":      {`{"osd":{"op":1}}`, false, false, false},
		"null":          {`{"client":null,"objecter":null}`, false, false, false},
		"null counters": {`{"client":{"rdlat":null,"wrlat":{"avgcount":null,"sum":null}}}`, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var c counters
			if err := json.Unmarshal([]byte(tt.dump), &c); err != nil {
				t.Fatal(err)
			}
			r, err := c.sample("s", &status{})
			if tt.ops == errors.Is(err, volume.ErrUnsupported) {
				t.Fatal(err)
			}
			if err == nil && ((r.Read.Ops != nil) != tt.ops || (r.Write.Time != nil) != tt.time || (r.Write.Bytes != nil) != tt.sent || r.Read.Bytes != nil) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Decoding what a process says never panics, and what is decoded can be added up.
func FuzzDump(f *testing.F) {
	f.Add([]byte(dump(40, "0.008485512", 160, "0.016590083", 20<<20)))
	f.Add([]byte(`{"client":{"rdlat":{"avgcount":18446744073709551615,"sum":"1e400"}}}`))
	f.Add([]byte(`{"client":{"rdlat":{"avgcount":1,"sum":9223372036.8}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var c counters
		if json.Unmarshal(content, &c) != nil {
			return
		}
		r, err := c.sample("s", &status{})
		if err != nil {
			return
		}
		for _, d := range []rates.Counters{r.Read, r.Write} {
			if d.Time != nil && *d.Time > math.MaxInt64 {
				t.Errorf("%d ns", *d.Time)
			}
		}
	})
}

// The process that serves the mount is found among the others, and asked alone
// from then on.
func TestFindSocket(t *testing.T) {
	t.Parallel()
	point := newFUSE(t, told()).Point
	r := newRig(t, point, fuseType, nil)
	dir := r.sockets()
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), "ceph_admin_socket") {
		t.Fatal(err)
	}
	ours := listen(t, filepath.Join(dir, "ceph-client.admin.3.asok"), map[string]string{
		"status": statusOf(point, 4136), "perf dump": dump(1, "1", 1, "1", 1),
	})
	// The newest are asked first: ours comes last.
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "ceph-client.admin.3.asok"), before, before); err != nil {
		t.Fatal(err)
	}
	other := listen(t, filepath.Join(dir, "ceph-client.other.1.asok"), map[string]string{"status": statusOf("/elsewhere", 1)})
	library := listen(t, filepath.Join(dir, "ceph-client.libvirt.2.asok"), nil) // knows no status
	daemon := listen(t, filepath.Join(dir, "ceph-osd.0.asok"), nil)
	r.file("run/ceph-client.plain.asok", "no socket")
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) || ours.count("status") != 0 {
		t.Errorf("it is searched for again at once: %v", err)
	}
	r.Backend.(*backend).fuse.sockets.failedAt = time.Time{} // a minute later
	for range 3 {
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
			t.Fatal(err)
		}
	}
	if ours.count("status") != 3 || ours.count("perf dump") != 3 || other.count("status") != 1 || library.count("status") != 1 || daemon.count("status") > 0 {
		t.Errorf("asked: ours %v, others %v, %v, a daemon %v", ours.asked, other.asked, library.asked, daemon.asked)
	}
	// Its place is taken by another mount's: it is searched for again.
	ours.set("status", statusOf("/moved", 4136))
	other.set("status", statusOf(point, 1))
	other.set("perf dump", dump(5, "1", 5, "1", 1))
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) || other.count("perf dump") != 1 {
		t.Errorf("%v, asked: %v", err, other.asked)
	}
}

// A socket that hangs is a failure, not a reason to show nothing for good.
func TestFindSocketHangs(t *testing.T) {
	t.Parallel()
	point := newFUSE(t, told()).Point
	r := newRig(t, point, fuseType, nil)
	serve(t, filepath.Join(r.sockets(), "ceph-client.admin.asok"), func(conn net.Conn, _ string) { _, _ = conn.Read(make([]byte, 1)) })
	results, err := r.Performance(within(t, 300*time.Millisecond))
	if err = errors.Join(err, results["v"].Err); err == nil || errors.Is(err, volume.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	r.WantHealth(volume.Healthy, "")
}

// A search that found nothing is repeated after a minute.
func TestSearchPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sockets{dirs: []string{t.TempDir()}}
		_, _, first := s.serving(t.Context(), []string{"/mnt"})
		time.Sleep(searchPause - time.Second)
		_, _, second := s.serving(t.Context(), []string{"/mnt"})
		time.Sleep(2 * time.Second)
		_, _, third := s.serving(t.Context(), []string{"/mnt"})
		if first == nil || !errors.Is(second, first) || errors.Is(third, first) {
			t.Errorf("%v, %v, %v", first, second, third)
		}
	})
}
