package main

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// systemd listens, and the first connection starts the program. What comes until it
// serves waits in the socket.
func TestSocketActivation(t *testing.T) {
	activate := need(t, "systemd-socket-activate", "systemd")
	addrs := []string{freeAddress(t), freeAddress(t)}
	p := launch(t, addrs[0], []string{activate, "--listen=" + addrs[0], "--listen=" + addrs[1],
		binary(t), "--web.systemd-socket", "--web.listen-address=:1", noSmartctl})
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
