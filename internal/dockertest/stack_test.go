//go:build docker

package dockertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// composeFile is the one with Redis, Prometheus and Grafana.
const composeFile = "compose/docker-compose.yml"

// stack is what a file for Compose has started.
type stack struct {
	engine

	command []string // of Compose, with the file
	env     []string
	url     string
}

// up starts services of a file as it stands, on a free port of this host.
func (e engine) up(file, image string, services ...string) stack {
	e.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		e.t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	port := fmt.Sprint(address.Port)
	if file != composeFile {
		port = address.String() // it would be open to all
	}
	s := stack{
		engine:  e,
		command: append(e.composeProgram(), "-p", fmt.Sprintf("storage_exporter_test_%d", os.Getpid()), "-f", filepath.Join(root, file)),
		env:     []string{"EXPORTER_PORT=" + port, "EXPORTER_IMAGE=" + image},
		url:     "http://" + address.String(),
	}
	e.t.Cleanup(func() {
		if e.t.Failed() {
			out, _ := s.down("logs", "--no-color")
			e.t.Logf("%s", out)
		}
		if out, err := s.down("down", "--volumes", "--remove-orphans", "--timeout", "3"); err != nil {
			e.t.Errorf("compose down: %v\n%s", err, out)
		}
	})
	s.compose(append([]string{"up", "-d", "--no-build"}, services...)...)
	return s
}

// composeProgram is Compose, as a plugin of Docker or as a program of its own.
func (e engine) composeProgram() []string {
	e.t.Helper()
	if _, err := e.try("docker", "compose", "version"); err == nil {
		return []string{"docker", "compose"}
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		e.t.Fatal("there is no Compose: apt-get install docker-compose")
	}
	return []string{"docker-compose"}
}

func (s stack) run(ctx context.Context, args ...string) (string, error) {
	args = append(append([]string{}, s.command[1:]...), args...)
	return command(ctx, s.env, s.command[0], args...)
}

// down runs one of the commands after the test, however it ended.
func (s stack) down(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), downTime)
	defer cancel()
	return s.run(ctx, args...)
}

func (s stack) compose(args ...string) string {
	s.t.Helper()
	out, err := s.run(s.ctx, args...)
	if err != nil {
		s.t.Fatalf("compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// redis asks Redis by its own client.
func (s stack) redis(args ...string) string {
	s.t.Helper()
	return s.compose(append([]string{"exec", "-T", "redis", "redis-cli", "--raw"}, args...)...)
}

func (s stack) container(service string) string {
	s.t.Helper()
	id := s.compose("ps", "-q", service)
	if id == "" {
		s.t.Fatalf("%s has no container", service)
	}
	return id
}

// scrape is a page of metrics, asked for from this host; "" where there is none.
func (s stack) scrape() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(page)
}

// await asks until the condition holds.
func (s stack) await(what string, condition func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && s.ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if condition() {
			return
		}
	}
	s.t.Fatalf("not within a minute: %s", what)
}

func (s stack) value(series string) string {
	s.t.Helper()
	return value(s.scrape(), series)
}

// value is that of a series on a page, "" where there is none.
func value(page, series string) string {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// series are those of the volume and of the collectors. A latency is not always there:
// nothing may have been read for a while.
func (s stack) series() map[string]bool {
	s.t.Helper()
	all := map[string]bool{}
	for line := range strings.Lines(s.scrape()) {
		name, _, ok := strings.Cut(line, "} ")
		if ok && !strings.Contains(name, "latency") && (strings.HasPrefix(name, "backendai_storage_volume_") || strings.HasPrefix(name, "storage_scrape_collector_success")) {
			all[name+"}"] = true
		}
	}
	return all
}
