package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// polling is the configuration of a proxy that is polled each second.
func polling(name, url string) string {
	return fmt.Sprintf("[proxy.%s]\nurl = %q\ninterval = \"1s\"\ntimeout = \"900ms\"\ntoken = \"S3CR3T-token\"\n", name, url)
}

// One exporter polls another, both as users start them, while that is stopped, goes on
// and dies.
func TestExporterPollsAnother(t *testing.T) {
	quiet := []string{noSmartctl, "--no-collector.enclosures", "--no-collector.zfs"}
	volumes := writeFile(t, "b.toml", fmt.Sprintf("[volume.good]\nbackend = \"vfs\"\npath = %q\n[volume.gone]\nbackend = \"vfs\"\npath = \"/nowhere/gone\"\n", t.TempDir()))
	b := startProcess(t, append(quiet, "--config.file="+volumes)...)
	a := startProcess(t, append(quiet, "--config.file="+writeFile(t, "a.toml", polling("b", b.url)))...)
	in := &instance{t: t, url: a.url, log: a.log}
	const of = `backendai_storage_proxy_volume_health_status{backend="vfs",proxy="b",status="%s",volume="%s"}`
	shows := func(up, good, gone string) func() bool {
		return func() bool {
			page := in.scrape()
			return value(page, `backendai_storage_proxy_up{proxy="b"}`) == up &&
				value(page, fmt.Sprintf(of, good, "good")) == "1" && value(page, fmt.Sprintf(of, gone, "gone")) == "1"
		}
	}
	in.await("both volumes", shows("1", "healthy", "offline"))
	if _, _, body := in.get("/api/proxies"); !strings.Contains(body, `"status":"healthy"`) || !strings.Contains(body, `"shape":`) {
		t.Error(body)
	}
	if err := b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	in.await("silence", shows("0", "unknown", "unknown"))
	if _, _, body := in.get("/api/proxies"); !strings.Contains(body, "no answer within") {
		t.Error(body)
	}
	if err := b.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	in.await("its return", shows("1", "healthy", "offline"))
	_ = b.cmd.Process.Kill()
	in.await("its death", shows("0", "unknown", "unknown"))
	if _, _, body := in.get("/api/proxies?proxy=b"); !strings.Contains(body, "refused the connection") || !strings.Contains(body, "last known as offline") {
		t.Error(body)
	}
	in.await("the event", func() bool {
		return strings.Contains(a.log.String(), `msg="state has changed" proxy=b state=unhealthy before=healthy`)
	})
	if _, _, body := in.get("/api/events?subject=proxy:b&state=unhealthy"); !strings.Contains(body, `"name":"storage_proxy_health_changed"`) {
		t.Error(body)
	}
	if log := a.log.String(); strings.Contains(log, "S3CR3T") {
		t.Error(log)
	}
}

// A reload applies what has changed of the proxies, and a mistake changes nothing.
func TestReloadOfProxies(t *testing.T) {
	var polls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		polls.Add(1)
		fmt.Fprint(w, `{"status":"healthy","version":"1","volumes":{"v":{"status":"healthy","backend":"xfs"}}}`)
	}))
	defer server.Close()
	file := writeFile(t, "c.toml", "")
	in := start(t, noSmartctl, "--web.enable-lifecycle", "--config.file="+file)
	reload := func(text string, want int) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, _, body := in.do(http.MethodPost, "/-/reload", ""); status != want {
			t.Fatalf("%d %s", status, body)
		}
	}
	up := func(name, want string) {
		t.Helper()
		in.await(name+" "+want, func() bool { return value(in.scrape(), `backendai_storage_proxy_up{proxy="`+name+`"}`) == want })
	}
	if _, _, body := in.get("/api/proxies"); body != `{"proxies":[]}` {
		t.Error(body)
	}
	reload(polling("p1", server.URL), http.StatusOK)
	up("p1", "1")
	reload(polling("p1", "ftp://h"), http.StatusInternalServerError)
	up("p1", "1")
	reload(polling("p1", server.URL)+polling("p2", "http://127.0.0.1:1"), http.StatusOK)
	up("p2", "0")
	reload(polling("p2", server.URL), http.StatusOK)
	up("p2", "1")
	if page := in.scrape(); strings.Contains(page, `proxy="p1"`) {
		t.Error("p1 is shown though it is not configured")
	}
	reload("", http.StatusOK)
	in.await("no proxies", func() bool { return !strings.Contains(in.scrape(), "backendai_storage_proxy_up{") })
	if in.stop(); polls.Load() == 0 {
		t.Error("no polls")
	}
}

// --no-collector.proxy polls nobody.
func TestProxiesNotObserved(t *testing.T) {
	var polls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { polls.Add(1) }))
	defer server.Close()
	in := start(t, noSmartctl, "--no-collector.proxy", "--config.file="+writeFile(t, "c.toml", polling("p1", server.URL)))
	in.awaitReady()
	if status, _, body := in.get("/api/proxies"); status != http.StatusNotFound || polls.Load() > 0 {
		t.Errorf("%d %s, %d polls", status, body, polls.Load())
	}
}
