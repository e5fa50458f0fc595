package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/logtest"
	"storage_exporter/internal/needtest"
)

// need finds a program, or skips the test where it is not installed.
func need(t testing.TB, program, pkg string) string {
	t.Helper()
	return needtest.Program(t, program, pkg)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// promServer is a real Prometheus that scrapes an instance each second.
type promServer struct {
	t    testing.TB
	addr string
	log  *logtest.Buffer
}

func startPrometheus(t testing.TB, target string) *promServer {
	t.Helper()
	return prometheusOf(t, fmt.Sprintf(`
- job_name: storage
  static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(target, "http://")))
}

// prometheusOf has these scrape_configs.
func prometheusOf(t testing.TB, jobs string) *promServer {
	t.Helper()
	binary := need(t, "prometheus", "prometheus")
	p := &promServer{t: t, addr: freeAddress(t), log: &logtest.Buffer{}}
	config := writeFile(t, "prometheus.yml", "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:"+jobs)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+p.addr)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) && !errors.Is(err, context.Canceled) {
			t.Errorf("prometheus: %v", err)
		}
	})
	return p
}

// query answers an instant query with the values it yields.
func (p *promServer) query(expr string) []string {
	p.t.Helper()
	var values []string
	for _, r := range p.ask(expr) {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values
}

// queried is one series of an answer: its value, or those of a range as they were
// scraped, each with its time in seconds.
type queried struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
	Values [][2]any          `json:"values"`
}

// ask is none while Prometheus does not answer.
func (p *promServer) ask(expr string) []queried {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil // not up yet
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []queried `json:"result"`
		} `json:"data"`
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(raw, &answer) != nil {
		return nil
	}
	return answer.Data.Result
}

func (p *promServer) await(expr, want string) {
	p.t.Helper()
	var got []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = p.query(expr); len(got) == 1 && got[0] == want {
			return
		}
	}
	p.t.Fatalf("%s: %q, want %q\n%s", expr, got, want, p.log)
}

func TestRealPrometheus(t *testing.T) {
	in, _ := drives(t, 12, 10*time.Millisecond)
	p := startPrometheus(t, in.url)
	p.await("up", "1")
	p.await("count(smartctl_device)", "12")
	p.await(`storage_scrape_collector_success{collector="smart"}`, "1")
	p.await(`backendai_storage_volume_health_status{volume="root",status="unknown"}`, "0")
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
			t.Errorf("prometheus warns: %s", line)
		}
	}
}

// promtool knows the exposition format and the conventions; what it finds must
// be about the families whose names are given.
func TestPromtool(t *testing.T) {
	promtool := need(t, "promtool", "prometheus")
	in, _ := drives(t, 6, time.Millisecond)
	in.awaitReady()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(in.scrape())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) { // 3: findings
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	given := []string{"smartctl_", "backendai_storage_volume_latency_usec_", "backendai_storage_volume_metric_last_updated_timestamp"}
	for line := range strings.Lines(string(out)) {
		ours := true
		for _, prefix := range given {
			ours = ours && !strings.HasPrefix(line, prefix)
		}
		if ours {
			t.Errorf("promtool: %s", line)
		}
	}
}
