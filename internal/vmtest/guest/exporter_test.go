//go:build vm

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// probeInterval is how often each kind of observation of a volume is due.
const probeInterval = 5 * time.Second

const settings = `
[smart]
rescan = "3s"
interval = "20s"
timeout = "15s"
ttl = "120s"
[volumes]
performance_interval = "5s"
performance_timeout = "4s"
health_check_interval = "5s"
health_check_timeout = "4s"
usage_interval = "5s"
usage_timeout = "4s"
[volume.md]
backend = "vfs"
path = "` + mdPoint + `"
require_mount = true
[volume.stripe]
backend = "vfs"
path = "` + stripePoint + `"
[volume.xfs]
backend = "xfs"
path = "` + xfsPoint + `"
[volume.nfs]
backend = "nfs"
path = "` + nfsPoint + `"
`

// exporter is the program as users start it.
type exporter struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait, set before done is closed
}

// startExporter starts the program that lies beside this one.
func startExporter(t *testing.T) *exporter {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, logName := filepath.Join(dir, "config.toml"), filepath.Join(dir, "log")
	write(t, config, settings)
	log, err := os.Create(logName)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e := &exporter{url: "http://127.0.0.1:9777/metrics", done: make(chan struct{})}
	e.cmd = exec.Command(filepath.Join(filepath.Dir(self), "storage_exporter"), "--config.file="+config, "--web.listen-address=127.0.0.1:9777")
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		e.err = e.cmd.Wait()
		close(e.done)
	}()
	t.Cleanup(func() {
		e.cmd.Process.Kill()
		if t.Failed() {
			content, _ := os.ReadFile(logName)
			t.Logf("the exporter's log:\n%s", content)
		}
	})
	return e
}

// scrape is a scrape that must go well, in time.
func (e *exporter) scrape(t *testing.T) page {
	t.Helper()
	p, err := e.get()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (e *exporter) get() (page, error) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("scrape: %w: %s", err, text)
	}
	return parse(string(text))
}

// await scrapes until nothing is wrong any more. Each scrape must go well and
// have the series to keep; without any, the exporter may still be starting.
func (e *exporter) await(t *testing.T, keep map[string]bool, what string, wrong rule) {
	t.Helper()
	started := time.Now()
	last := "not asked"
	for time.Since(started) < patience {
		p, err := e.get()
		switch {
		case err != nil && keep != nil:
			t.Fatal(err)
		case err != nil:
			last = err.Error()
		default:
			p.keeps(t, keep)
			if last = wrong(p); last == "" {
				t.Logf("%s: after %v", what, time.Since(started).Round(100*time.Millisecond))
				return
			}
		}
		select {
		case <-e.done:
			t.Fatalf("the exporter ended: %v", e.err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.Fatalf("not within %v: %s: %s", patience, what, last)
}

var threads = regexp.MustCompile(`(?m)^Threads:\s+(\d+)`)

func (e *exporter) threads(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	m := threads.FindSubmatch(status)
	if err != nil || m == nil {
		t.Fatalf("no count of threads: %v", err)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// terminate ends the exporter as a service manager does, and says how it ended.
func (e *exporter) terminate() (took time.Duration, err error) {
	started := time.Now()
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-e.done:
		return time.Since(started), e.err
	case <-time.After(patience):
		return time.Since(started), errors.New("it did not end")
	}
}
