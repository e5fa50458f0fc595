package cephfs

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/volumetest"
)

const (
	fsid   = "0f923fe5-00e6-4866-bf01-2027cb75e94b"
	client = fsid + ".client4150"
)

// told are the attributes of a directory with a quota.
func told() map[string]string {
	return map[string]string{
		recursiveBytes: "4398046511104", recursiveFiles: "1200000", recursiveDirs: "50042",
		recursiveTime: "1768000000.090123456000", quotaBytes: "10995116277760", quotaFiles: "0",
		clusterID: fsid, clientID: "client4150",
	}
}

// rig is one volume "v" on a real mount, which a table of mounts of our own
// calls one of CephFS, with kernel files and sockets of our own.
type rig struct {
	volumetest.One
	t    testing.TB
	dir  string
	path string
	log  *strings.Builder
}

// newRig makes one whose path is mounted as the type.
func newRig(t testing.TB, path, fstype string, options map[string]any) *rig {
	t.Helper()
	r := &rig{One: volumetest.One{T: t}, t: t, dir: t.TempDir(), path: path, log: &strings.Builder{}}
	r.mounts(fstype)
	host := mount.NewHost(mount.Paths{Proc: filepath.Join(r.dir, "proc"), Sys: filepath.Join(r.dir, "sys")}, nil)
	kind := Kind(host)
	cfg := volume.Config{Name: "v", Backend: "cephfs", Path: path, Options: options, PerformanceInterval: 10 * time.Second}
	if _, err := kind.Identify(cfg); err != nil {
		t.Fatal(err)
	}
	b, err := kind.New([]volume.Config{cfg}, slog.New(slog.NewTextHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.Backend = b
	return r
}

// sockets makes the backend look for admin sockets in a directory of ours.
func (r *rig) sockets() string {
	dir := filepath.Join(r.dir, "run")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.Backend.(*backend).fuse.sockets.dirs = []string{filepath.Join(r.dir, "none"), dir}
	return dir
}

func (r *rig) mounts(fstype string) {
	r.t.Helper()
	r.file("proc/self/mountinfo", fmt.Sprintf("1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:53 / %s rw,relatime - %s bai@%s.cephfs=/ rw,name=bai,secret=<hidden>\n",
		r.path, fstype, fsid))
}

func (r *rig) file(name, content string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o600)); err != nil {
		r.t.Fatal(err)
	}
}

// debugfs writes a client's counters: as a directory, or as a single file.
func (r *rig) debugfs(client, from string, single bool) {
	r.t.Helper()
	metrics := filepath.Join("sys/kernel/debug/ceph", client, "metrics")
	if single {
		r.file(metrics, testdata(r.t, from+".metrics"))
		return
	}
	for _, name := range []string{"latency", "size"} {
		r.file(filepath.Join(metrics, name), testdata(r.t, from+"/"+name))
	}
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func within(t testing.TB, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// rates changes the counters and asks until there are rates.
func (r *rig) rates(change func()) volume.Performance {
	r.t.Helper()
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		r.t.Fatalf("the first reading: %v, want no sample", err)
	}
	change()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p, err := r.OwnPerformance()
		if err == nil {
			return p
		}
		if !errors.Is(err, volume.ErrNoSample) {
			r.t.Fatal(err)
		}
	}
	r.t.Fatal("no rates")
	return volume.Performance{}
}

// newFUSE mounts a directory that has the attributes.
func newFUSE(t testing.TB, xattrs map[string]string) *mounttest.FUSE {
	t.Helper()
	return mounttest.NewFUSEOf(t, "fuse.mounttest", xattrs)
}

// process is one with an admin socket.
type process struct {
	mu      sync.Mutex // guards the fields below
	answers map[string]string
	asked   map[string]int
}

// listen answers commands on a socket until the test ends.
func listen(t testing.TB, socket string, answers map[string]string) *process {
	t.Helper()
	p := &process{answers: answers, asked: map[string]int{}}
	serve(t, socket, func(conn net.Conn, command string) {
		p.mu.Lock()
		p.asked[command]++
		answer, ok := p.answers[command]
		p.mu.Unlock()
		if !ok {
			answer = "ERROR: (22) Invalid argument\nunknown command prefix " + command + "\n"
		}
		_, _ = conn.Write(framed(answer))
	})
	return p
}

func (p *process) set(command, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[command] = answer
}

func (p *process) count(command string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[command]
}

func framed(answer string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)
}

// serve gives each connection with its command to the function.
func serve(t testing.TB, socket string, each func(conn net.Conn, command string)) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		served.Wait()
	})
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				var request []byte
				for b := make([]byte, 1); ; {
					if _, err := io.ReadFull(conn, b); err != nil {
						return
					}
					if b[0] == 0 {
						break
					}
					request = append(request, b[0])
				}
				var command struct{ Prefix string }
				if err := json.Unmarshal(request, &command); err != nil {
					t.Errorf("%q: %v", request, err)
				}
				each(conn, command.Prefix)
			})
		}
	})
}

// statusOf is what a ceph-fuse says of itself.
func statusOf(point string, id int) string {
	return fmt.Sprintf(`{"metadata":{"ceph_version":"ceph version 16.2.15","mount_point":%q,"pid":"10598","root":"/"},"id":%d,"blocklisted":false,"fs_name":"fs"}`, point, id)
}

// dump is an answer to `perf dump`, with the key that is there twice.
func dump(reads int, readTime string, writes int, writeTime string, sent int) string {
	return fmt.Sprintf(`{"client":{"lat":{"avgcount":2,"sum":0.002,"avgtime":0.001},
"wrlat":{"avgcount":%d,"sum":%s,"avgtime":0.1},"rdlat":{"avgcount":%d,"sum":%s,"avgtime":0.2},"rdops":40,"writeavg":0.1,"rdops":160},
"objecter":{"op":47,"op_send":47,"op_send_bytes":%d}}`, writes, writeTime, reads, readTime, sent)
}
