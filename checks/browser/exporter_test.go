package browser_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// exporter is one beside the demo's.
type exporter struct {
	url, address string
	cmd          *exec.Cmd
	done         chan struct{}
}

// startExporter starts one on a free port.
func startExporter(t *testing.T, args ...string) *exporter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return startExporterAt(t, address, args...)
}

// startExporterAt starts one at an address, and waits until it listens. It ends with
// the test.
func startExporterAt(t *testing.T, address string, args ...string) *exporter {
	t.Helper()
	var log bytes.Buffer
	e := &exporter{url: "http://" + address, address: address, done: make(chan struct{})}
	e.cmd = exec.Command(programs.get(t).Exporter, append([]string{"--web.listen-address=" + address}, args...)...)
	e.cmd.Stdout, e.cmd.Stderr = &log, &log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(e.done)
		_ = e.cmd.Wait()
	}()
	t.Cleanup(e.end)
	for limit := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = c.Close()
			return e
		}
		select {
		case <-e.done:
			t.Fatalf("the exporter has ended:\n%s", &log)
		default:
		}
		if time.Now().After(limit) {
			t.Fatal("the exporter does not listen")
		}
	}
}

// end ends it, and waits for it.
func (e *exporter) end() {
	select {
	case <-e.done:
		return
	default:
	}
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-time.After(soon):
		_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
		<-e.done
	}
}

// file writes one of the test's.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
