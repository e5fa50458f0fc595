package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/logtest"
)

// All addresses are served alike, and passwords hold on each.
func TestTwoAddresses(t *testing.T) {
	in := start(t, noSmartctl, "--web.listen-address=127.0.0.1:0", "--web.config.file="+writeFile(t, "web.yml", "basic_auth_users:\n  "+someUser+": "+hash+"\n"))
	var found [][]string
	in.await("both listen", func() bool {
		found = listening.FindAllStringSubmatch(in.log.String(), -1)
		return len(found) == 2
	})
	for _, m := range found {
		in.url = "http://" + m[1]
		if status, _, _ := in.get("/-/healthy"); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: %d", in.url, status)
		}
		in.url = "http://" + someUser + ":" + password + "@" + m[1]
		if status, _, _ := in.get("/-/healthy"); status != http.StatusOK {
			t.Errorf("%s: %d", in.url, status)
		}
	}
}

// The socket that systemd hands over is served, and its absence has a remedy.
func TestSystemdSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	run := func(log *logtest.Buffer, script string, files ...*os.File) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script+` exec "$0" "$@"`, binary(t), noSmartctl, "--web.systemd-socket")
		cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, files
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	var log logtest.Buffer
	cmd := run(&log, "LISTEN_PID=$$ LISTEN_FDS=1", file)
	p := &process{t: t, url: "http://" + l.Addr().String()}
	if status := p.status("/-/healthy"); status != http.StatusOK { // the socket is there already
		t.Errorf("status %d:\n%s", status, &log)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, &log)
	}

	var without logtest.Buffer
	ended := time.AfterFunc(20*time.Second, func() { t.Error("it does not end") })
	if err := run(&without, "").Wait(); err == nil || !strings.Contains(without.String(), "start the socket unit") {
		t.Errorf("%v:\n%s", err, &without)
	}
	ended.Stop()
}
