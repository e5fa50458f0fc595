package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/logtest"
)

// built is the program, compiled once for all tests that start it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "storage_exporter-test-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", built.dir+"/storage_exporter", ".") //nolint:noctx // bounded by the test's own timeout
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir + "/storage_exporter"
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// process is the program as users start it.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string
	log  *logtest.Buffer
	done chan struct{}
	err  error // of Wait, set before done is closed
}

func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	return startCommand(t, []string{binary(t)}, args...)
}

// startCommand starts the program by a command line that the arguments are added to.
func startCommand(t testing.TB, command []string, args ...string) *process {
	t.Helper()
	return startAt(t, freeAddress(t), command, args...)
}

// startAt is startCommand where the address is known before.
func startAt(t testing.TB, addr string, command []string, args ...string) *process {
	t.Helper()
	p := launch(t, addr, append(append(command, "--web.listen-address="+addr), args...))
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if p.status("/-/healthy") != 0 { // 401 will do
			return p
		}
	}
	t.Fatalf("does not answer:\n%s", p.log)
	return nil
}

// launch starts a command that is to answer at an address. It does not wait for it.
func launch(t testing.TB, addr string, command []string) *process {
	t.Helper()
	p := &process{t: t, url: "http://" + addr, log: &logtest.Buffer{}, done: make(chan struct{})}
	p.cmd = exec.Command(command[0], command[1:]...) //nolint:noctx // killed in Cleanup
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// signal sends one that stops the process, lets it go on or ends it.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("signal %v: %v", sig, err)
	}
}

// status is that of a GET request, 0 without an answer.
func (p *process) status(path string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// running lists the processes whose command line contains text.
func running(t testing.TB, text string) []string {
	t.Helper()
	var found []string
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		raw, err := os.ReadFile(line)
		if err == nil && bytes.Contains(raw, []byte(text)) && !bytes.Contains(raw, []byte("--smartctl.path")) {
			found = append(found, string(bytes.ReplaceAll(raw, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// SIGTERM ends the program and every smartctl it started, hanging ones too.
func TestTerminationLeavesNoOrphans(t *testing.T) {
	hanging := fleet.Mixed(12, 5, 0)
	for i := range hanging {
		hanging[i].Hang = true
	}
	path, _ := faketest.New(t, hanging...)
	p := startProcess(t, "--smartctl.path="+path)
	end := time.Now().Add(20 * time.Second)
	for len(running(t, path)) < 8 {
		if time.Now().After(end) {
			t.Fatalf("no eight runs of smartctl at once: %q", running(t, path))
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Fatalf("still runs 5 s after SIGTERM:\n%s", p.log)
	}
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.log)
	}
	for end := time.Now().Add(5 * time.Second); len(running(t, path)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("orphans: %q", running(t, path))
		}
	}
}

// SIGHUP reads the configuration anew; a bad file changes nothing.
func TestHangup(t *testing.T) {
	file := writeFile(t, "exporter.toml", "[volume.a]\nbackend = \"vfs\"\npath = \"/\"\n")
	p := startProcess(t, noSmartctl, "--config.file="+file)
	reload := func(content, says string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); !strings.Contains(p.log.String(), says); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("does not say %q:\n%s", says, p.log)
			}
		}
	}
	reload("[volume.b]\nbackend = \"vfs\"\npath = \"/\"\n", "Configuration reloaded")
	if p.status("/volume/hwinfo?volume=b") != http.StatusOK || p.status("/volume/hwinfo?volume=a") != http.StatusBadRequest {
		t.Error("volume b should be there and volume a gone")
	}
	reload("[volume.c\n", "not reloaded")
	if p.status("/volume/hwinfo?volume=b") != http.StatusOK {
		t.Error("a bad file changed something")
	}
}
