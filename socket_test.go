package main

import (
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/logtest"
)

// systemd listens, and the first connection starts the program. What comes until it
// serves waits in the socket.
func TestSocketActivation(t *testing.T) {
	activate := need(t, "systemd-socket-activate", "systemd")
	addrs := []string{freeAddress(t), freeAddress(t)}
	p := &process{t: t, url: "http://" + addrs[0], log: &logtest.Buffer{}, done: make(chan struct{})}
	p.cmd = exec.Command(activate, "--listen="+addrs[0], "--listen="+addrs[1], //nolint:noctx // killed in Cleanup
		binary(t), "--web.systemd-socket", "--web.listen-address=:1", noSmartctl)
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
	// Until systemd-socket-activate listens, connections are refused; from then on
	// none is.
	for end := time.Now().Add(20 * time.Second); p.status("/-/healthy") != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("does not answer:\n%s", p.log)
		}
	}
	p.url = "http://" + addrs[1]
	if status := p.status("/metrics"); status != http.StatusOK {
		t.Errorf("the second socket answers with %d:\n%s", status, p.log)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		t.Fatalf("still runs 10 s after SIGTERM:\n%s", p.log)
	}
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.log)
	}
}
