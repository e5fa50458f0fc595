package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/internal/logtest"
)

// instance is the whole program, run in this process.
type instance struct {
	t       testing.TB
	url     string
	log     *logtest.Buffer
	cancel  context.CancelFunc
	done    chan int
	stopped sync.Once
	code    int
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// start runs the program on a free port and returns when it listens.
func start(t testing.TB, args ...string) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	in := &instance{t: t, log: &logtest.Buffer{}, cancel: cancel, done: make(chan int, 1)}
	args = append([]string{"--web.listen-address=127.0.0.1:0"}, args...)
	go func() { in.done <- run(ctx, args, io.Discard, in.log) }()
	t.Cleanup(func() {
		if code := in.stop(); code != 0 {
			t.Errorf("exit status %d:\n%s", code, in.log)
		}
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if m := listening.FindStringSubmatch(in.log.String()); m != nil {
			in.url = "http://" + m[1]
			return in
		}
		select {
		case code := <-in.done:
			in.done <- code
			t.Fatalf("ended with status %d:\n%s", code, in.log)
		default:
		}
	}
	t.Fatalf("does not listen:\n%s", in.log)
	return nil
}

// stop ends the program as SIGTERM does.
func (in *instance) stop() int {
	in.stopped.Do(func() {
		in.cancel()
		select {
		case in.code = <-in.done:
		case <-time.After(10 * time.Second):
			in.t.Error("did not stop within 10 s")
			in.code = -1
		}
	})
	return in.code
}

// get answers a request with its status, headers and body.
func (in *instance) get(path string) (int, http.Header, string) {
	in.t.Helper()
	return in.do(http.MethodGet, path, "")
}

func (in *instance) do(method, path, body string) (int, http.Header, string) {
	in.t.Helper()
	return in.request(method, path, body, http.Header{})
}

// ask sends a header with a request that has no body.
func (in *instance) ask(method, path, name, value string) (int, http.Header, string) {
	in.t.Helper()
	return in.request(method, path, "", http.Header{name: {value}})
}

func (in *instance) request(method, path, body string, header http.Header) (int, http.Header, string) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, in.url+path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

// scrape answers a scrape's page, which must be a success.
func (in *instance) scrape() string {
	in.t.Helper()
	status, _, page := in.get("/metrics")
	if status != http.StatusOK {
		in.t.Fatalf("scrape: status %d:\n%s", status, page)
	}
	return page
}

// await asks until the condition holds.
func (in *instance) await(what string, condition func() bool) {
	in.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	in.t.Fatalf("not within 20 s: %s\n%s", what, in.log)
}

func (in *instance) awaitReady() {
	in.t.Helper()
	in.await("ready", func() bool { status, _, _ := in.get("/-/ready"); return status == http.StatusOK })
}

// value is a series' value on a page, "" when it is not there.
func value(page, series string) string {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// seriesOf lists the series of the page whose names begin with one of the
// prefixes, without values.
func seriesOf(page string, prefixes ...string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(page) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				set[line[:strings.LastIndexByte(line, ' ')]] = true
			}
		}
	}
	return set
}

func missing(want, got map[string]bool) []string {
	var out []string
	for s := range want {
		if !got[s] {
			out = append(out, s)
		}
	}
	return out
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// noSmartctl keeps a test from running the machine's own smartctl.
const noSmartctl = "--no-collector.smart"
