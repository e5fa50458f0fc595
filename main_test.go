package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/logtest"
	"storage_exporter/internal/redistest"
)

func TestNoConfigurationNoSmartctl(t *testing.T) {
	in := start(t, "--smartctl.path=/nonexistent/smartctl")
	in.awaitReady()
	in.await("the root volume's performance or usage", func() bool {
		return value(in.scrape(), `backendai_storage_volume_capacity_bytes{volume="root"}`) != ""
	})
	page := in.scrape()
	for series, want := range map[string]string{
		`storage_scrape_collector_success{collector="smart"}`:                              "0",
		`storage_scrape_collector_success{collector="vfs"}`:                                "1",
		`backendai_storage_volume_info{backend="vfs",fsprefix=".",path="/",volume="root"}`: "1",
		`storage_cache_store_up{store="memory"}`:                                           "1",
	} {
		if got := value(page, series); got != want {
			t.Errorf("%s is %q, want %q", series, got, want)
		}
	}
	in.await("the warning", func() bool { return strings.Contains(in.log.String(), "smartmontools") })
	if n := strings.Count(in.log.String(), "smartmontools"); n != 1 {
		t.Errorf("%d warnings that name the package, want 1:\n%s", n, in.log)
	}
}

func TestPaths(t *testing.T) {
	in := start(t, noSmartctl, "--web.enable-pprof")
	in.awaitReady()
	tests := []struct {
		method, path string
		status       int
		contains     string
	}{
		{"GET", "/", 200, "storage_exporter"},
		{"GET", "/-/healthy", 200, "healthy"},
		{"GET", "/-/ready", 200, "ready"},
		{"GET", "/debug/pprof/", 200, "goroutine"},
		{"GET", "/nowhere", 404, ""},
		{"POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"POST", "/metrics", 405, ""},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/metrics?collect[]=vfs", 200, `collector="vfs"`},
		{"GET", "/metrics?collect[]=nosuch", 400, "nosuch"},
		{"GET", "/metrics?collect[]=smart", 400, "smart"},
		{"GET", "/metrics?collect[]=vfs&exclude[]=xfs", 400, ""},
		{"GET", "/volumes", 200, `"name":"root"`},
		{"POST", "/volumes", 405, "GET"},
		{"GET", "/graphql?query=%7BvolumeHealth(host:%22local:root%22)%7BvolumeId%20isHealthy%7D%7D", 200, `"volumeId":"root"`},
		{"GET", "/graphql", 400, "no query"},
		{"GET", "/volume/hwinfo?volume=root", 200, `"status"`},
		{"GET", "/volume/hwinfo?volume=nosuch", 400, "nosuch"},
		{"GET", "/volume/hwinfo", 400, "volume"},
		{"GET", "/folder/fs-usage?volume=root", 200, "capacity_bytes"},
		{"GET", "/manager-api/health", 200, `"root"`},
		{"GET", "/api/drives", 404, "disabled"},
		{"GET", "/api/nowhere", 404, "nowhere"},
		{"GET", "/folder/nowhere", 404, "nowhere"},
		{"GET", "/manager-api/nowhere", 404, "nowhere"},
		{"GET", "/debug/pprof/nowhere", 404, "profile"},
		{"POST", "/", 405, "GET"},
		{"POST", "/nowhere", 405, "GET"},
		{"PUT", "/-/healthy", 405, "GET"},
		{"DELETE", "/-/ready", 405, "GET"},
		{"POST", "/debug/pprof/", 405, "GET"},
		{"HEAD", "/", 200, ""},
		{"HEAD", "/-/ready", 200, ""},
		{"HEAD", "/nowhere", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			status, header, body := in.do(tt.method, tt.path, "")
			if status != tt.status || !strings.Contains(body, tt.contains) {
				t.Errorf("status %d, want %d with %q:\n%.500s", status, tt.status, tt.contains, body)
			}
			if header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("headers %v", header)
			}
			if problem := header.Get("Content-Type") == "application/problem+json"; problem != (status >= 400) {
				t.Errorf("status %d as %s", status, header.Get("Content-Type"))
			}
			if (status == http.StatusMethodNotAllowed) != (header.Get("Allow") == "GET, HEAD") {
				t.Errorf("status %d with Allow %q", status, header.Get("Allow"))
			}
		})
	}
}

func TestBadCommandLines(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	tests := map[string]struct {
		args []string
		code int
		says []string
	}{
		"unknown flag":        {[]string{"--nosuch"}, 2, []string{"nosuch", "--help"}},
		"port in use":         {[]string{noSmartctl, "--web.listen-address=" + port.Addr().String()}, 1, []string{port.Addr().String(), "--web.listen-address"}},
		"bad duration":        {[]string{"--smartctl.interval=soon"}, 1, []string{"--smartctl.interval", "30s"}},
		"bad power mode":      {[]string{"--smartctl.powermode-check=nap"}, 1, []string{"powermode", "standby"}},
		"bad regexp":          {[]string{"--smartctl.device-exclude=("}, 1, []string{"device-exclude"}},
		"no file":             {[]string{"--config.file=/nonexistent.toml"}, 1, []string{"/nonexistent.toml"}},
		"sentinel, no master": {[]string{"--redis.mode=sentinel", "--redis.address=127.0.0.1:1"}, 1, []string{"master_name"}},
		"no telemetry path":   {[]string{"--web.telemetry-path="}, 1, []string{"--web.telemetry-path: must be a path such as /metrics"}},
		"no web config":       {[]string{"--web.config.file=/nonexistent.yml"}, 1, []string{"--web.config.file: /nonexistent.yml: no such file"}},
		"bad web config":      {[]string{"--web.config.file=main.go"}, 1, []string{"--web.config.file: main.go: yaml"}},
		"unwritable cache":    {[]string{noSmartctl, "--cache.path=/proc/nowhere/cache.db"}, 1, []string{"/proc/nowhere"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var log logtest.Buffer
			code := run(ctx, tt.args, io.Discard, &log)
			if code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			for _, s := range tt.says {
				if !strings.Contains(log.String(), s) {
					t.Errorf("does not mention %q:\n%s", s, &log)
				}
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for flag, want := range map[string]string{"--help": "--smartctl.powermode-check", "--version": "storage_exporter, version"} {
		var out, log bytes.Buffer
		if code := run(t.Context(), []string{flag}, &out, &log); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: status %d, %q; want %q", flag, code, out.String()+log.String(), want)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	bad := writeFile(t, "bad.toml", `
[cache]
store = "sqlite"
[redis]
mode = "ring"
db = -1
[smart]
interval = 90
concurrency = 0
powermode_check = "nap"
device_include = "("
intervall = "9s"
[volume.a]
path = "relative"
backend = "vfs"
[volume.b]
backend = "nosuch"
path = "/x"
[volume.c]
backend = "weka"
path = "/x"
[volume.c.options]
weka_endpoint = "weka01"
weka_password = "hunter2"
[volume.d]
backend = "netapp"
path = "/x"
[volume.d.options]
netapp_ontap_endpoint = "https://ontap01"
netapp_ontap_user = "u"
netapp_ontap_password = "hunter2"
netapp_volume_name = "v"
ca_file = "/nowhere/ca.pem"
`)
	var out, log bytes.Buffer
	if code := run(t.Context(), []string{"--config.check", "--config.file=" + bad}, &out, &log); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	for _, key := range []string{"cache.store", "redis.mode", "redis.db", "smart.interval", "smart.concurrency", "smart.powermode_check",
		"smart.device_include", "smart.intervall", "volume.a.path", "volume.b.backend",
		"volume.c.options.weka_endpoint is no URL", "volume.c.options.weka_fs_name is missing", "volume.d.options.ca_file cannot be read"} {
		if !strings.Contains(log.String(), key) {
			t.Errorf("does not mention %s:\n%s", key, log.String())
		}
	}
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, bad) {
			t.Errorf("a line does not begin with the file: %q", line)
		}
		if strings.Contains(line, "hunter2") {
			t.Errorf("a password: %q", line)
		}
	}

	out.Reset()
	if code := run(t.Context(), []string{"--config.check", "--config.file=packaging/storage_exporter.toml", "--web.config.file=web-config.yml"}, &out, &log); code != 0 || !strings.Contains(out.String(), "valid") {
		t.Errorf("the example: status %d: %s %s", code, &out, &log)
	}
}

// A Backend.AI storage proxy's file works as it is, but that here its appliances
// are at addresses where nobody answers. One volume is of a plug-in's backend.
func TestStorageProxyFile(t *testing.T) {
	content, err := os.ReadFile("config/testdata/storage-proxy.toml")
	if err != nil {
		t.Fatal(err)
	}
	content = regexp.MustCompile(`[a-z]+\.example\.net(:[0-9]+)?`).ReplaceAll(content, []byte("127.0.0.1:1"))
	content = append(content, "\n[volume.p1]\nbackend = \"pluginfs\"\npath = \"/vfroot/plugin\"\n"...)
	in := start(t, noSmartctl, "--config.file="+writeFile(t, "storage-proxy.toml", string(content)))
	in.awaitReady()
	page := in.scrape()
	for _, volume := range []string{"volume1", "x1", "g1", "c1", "d1", "e1", "h1", "h2", "p1"} {
		if value(page, `backendai_storage_volume_health_status{status="unknown",volume="`+volume+`"}`) != "0" {
			t.Errorf("volume %s is not shown, or was not checked", volume)
		}
		if value(page, `backendai_storage_volume_health_status{status="healthy",volume="`+volume+`"}`) != "0" {
			t.Errorf("volume %s is not there and seems healthy", volume)
		}
	}
	if got := value(page, `backendai_storage_volume_health_status{status="unavailable",volume="p1"}`); got != "1" {
		t.Errorf("p1 unavailable: %q, want 1", got)
	}
	if _, _, body := in.get("/volume/hwinfo?volume=p1"); !strings.Contains(body, "pluginfs") {
		t.Errorf("the health of p1 does not name its backend: %s", body)
	}
	for _, secret := range []string{"shared-with-manager", `"secret"`, "password=secret"} {
		if strings.Contains(page+in.log.String(), secret) {
			t.Errorf("a secret of the file is shown: %s", secret)
		}
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/exporter.toml"
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, two := t.TempDir(), t.TempDir()
	write(fmt.Sprintf("[volume.one]\nbackend = \"vfs\"\npath = %q\n", one))
	in := start(t, noSmartctl, "--web.enable-lifecycle", "--config.file="+file)
	in.awaitReady()
	counter := `backendai_storage_volume_health_transitions_total{status="healthy",volume="one"}`
	in.await("one is checked", func() bool { return value(in.scrape(), `backendai_storage_volume_capacity_bytes{volume="one"}`) != "" })
	before := value(in.scrape(), counter)

	write(fmt.Sprintf("[volume.one]\nbackend = \"vfs\"\npath = %q\n[volume.two]\nbackend = \"vfs\"\npath = %q\n", one, two))
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	page := in.scrape()
	if !strings.Contains(page, `volume="two"`) {
		t.Error("the new volume is not shown")
	}
	if after := value(page, counter); after != before {
		t.Errorf("a counter of the unchanged volume went from %q to %q", before, after)
	}

	write(fmt.Sprintf("[node]\nname = \"n1\"\n[volume.one]\nbackend = \"vfs\"\npath = %q\n[volume.two]\nbackend = \"vfs\"\npath = %q\n", one, two))
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 || !strings.Contains(body, "Restart the exporter for what has changed of: node.name.") {
		t.Errorf("reload of what needs a restart: %d %s", status, body)
	}

	for header, want := range map[string]int{
		"Origin: https://elsewhere.example": 403, "Origin: null": 403, "Sec-Fetch-Site: cross-site": 403,
		"Origin: " + in.url: 200, "Sec-Fetch-Site: same-origin": 200,
	} {
		name, text, _ := strings.Cut(header, ": ")
		if status, _, body := in.ask("POST", "/-/reload", name, text); status != want {
			t.Errorf("reload with %s: %d %s, want %d", header, status, body, want)
		}
	}

	write("[volume.one]\nbackend = \"vfs\"\npath = \"relative\"\n[nonsense]\n")
	status, _, body := in.do("POST", "/-/reload", "")
	if status != 500 || !strings.Contains(body, "volume.one.path") || !strings.Contains(body, "nonsense") {
		t.Errorf("reload of a bad file: %d %s", status, body)
	}
	page = in.scrape()
	if got := value(page, "storage_config_last_reload_successful"); got != "0" {
		t.Errorf("storage_config_last_reload_successful %q, want 0", got)
	}
	if !strings.Contains(page, `volume="two"`) {
		t.Error("a bad file changed something")
	}

	write(fmt.Sprintf("[volume.two]\nbackend = \"vfs\"\npath = %q\n[cache]\nstore = \"file\"\npath = %q\n", two, dir+"/c.db"))
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	page = in.scrape()
	if strings.Contains(page, `volume="one"`) {
		t.Error("a removed volume still has series")
	}
	if !strings.Contains(in.log.String(), "cache.store") {
		t.Error("that the store needs a restart is not logged")
	}
}

// drives runs the program on a fake fleet.
func drives(t testing.TB, n int, delay time.Duration, args ...string) (*instance, *fleet.Fleet) {
	t.Helper()
	path, f := faketest.New(t, fleet.Mixed(n, 20, delay)...)
	return start(t, append([]string{"--smartctl.path=" + path}, args...)...), f
}

func TestScrapersAddNoRuns(t *testing.T) {
	in, f := drives(t, 10, 10*time.Millisecond, "--smartctl.interval=10m")
	in.awaitReady()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				in.scrape()
			}
		})
	}
	wg.Wait()
	scans, reads := f.Runs()
	total := 0
	for _, n := range reads {
		total += n
	}
	if scans != 1 || total != 10 {
		t.Errorf("%d scans and %d reads after 160 scrapes, want 1 and 10: as many as with none", scans, total)
	}
	if value(in.scrape(), "smartctl_devices") != "10" {
		t.Error("smartctl_devices is not 10")
	}
}

// changePassword locks out all clients, those that are connected too.
func changePassword(s *redistest.Server) {
	c := s.Client()
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ConfigSet(ctx, "requirepass", "changed")
		p.Do(ctx, "client", "kill", "type", "normal", "skipme", "yes")
		return nil
	})
}

// Redis may be taken away in any way: each scrape answers with the same series.
func TestRedisTakenAway(t *testing.T) {
	days := map[string]func(s *redistest.Server){
		"killed":    func(s *redistest.Server) { s.Kill() },
		"hung":      func(s *redistest.Server) { s.Pause() },
		"restarted": func(s *redistest.Server) { s.Restart() },
		"password":  changePassword,
		"full":      func(s *redistest.Server) { s.Do("config", "set", "maxmemory", "1") },
	}
	for name, spoil := range days {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{})
			in, _ := drives(t, 6, 5*time.Millisecond, "--redis.address="+server.Addr, "--smartctl.interval=2s")
			in.awaitReady()
			prefixes := []string{"smartctl_", "jbod_", "backendai_storage_volume_capacity", "backendai_storage_volume_health"}
			in.await("usage", func() bool { return value(in.scrape(), `backendai_storage_volume_capacity_bytes{volume="root"}`) != "" })
			want := seriesOf(in.scrape(), prefixes...)
			spoil(server)
			if name == "hung" {
				defer server.Resume()
			}
			for range 20 {
				begun := time.Now()
				page := in.scrape()
				if lost := missing(want, seriesOf(page, prefixes...)); len(lost) > 0 {
					t.Fatalf("series lost: %q", lost)
				}
				if d := time.Since(begun); d > 9*time.Second {
					t.Fatalf("a scrape took %v, beyond its deadline", d)
				}
				time.Sleep(250 * time.Millisecond)
			}
		})
	}
}

// Two hosts share a Redis by mistake, without node names: each shows its own
// drives only, and asks them no more often than alone.
func TestTwoHostsWithoutNames(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	type host struct {
		in     *instance
		fleet  *fleet.Fleet
		serial string
	}
	var hosts []host
	for i := range 2 {
		root := t.TempDir()
		if err := os.MkdirAll(root+"/etc", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+"/etc/machine-id", []byte(strings.Repeat(fmt.Sprint(i+1), 32)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		serial := fmt.Sprintf("HOST%d", i+1)
		drives := []fleet.Drive{fleet.ATA("/dev/sda", i+1, 5), fleet.ATA("/dev/sdb", i+11, 5)}
		for j := range drives {
			drives[j].Report = bytes.ReplaceAll(drives[j].Report, []byte("EXA0"), []byte(serial))
		}
		path, f := faketest.New(t, drives...)
		in := start(t, "--path.rootfs="+root, "--smartctl.path="+path, "--smartctl.interval=2s", "--redis.address="+server.Addr)
		hosts = append(hosts, host{in, f, serial})
	}
	for _, h := range hosts {
		h.in.awaitReady()
	}
	begun := time.Now()
	for range 25 {
		for i, h := range hosts {
			page := h.in.scrape()
			own, other := strings.Count(page, `serial_number="`+h.serial), strings.Count(page, hosts[1-i].serial)
			if own < 2 || other > 0 {
				t.Fatalf("host %d shows %d series of its own drives and %d of the other's", i+1, own, other)
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	most := int(time.Since(begun)/(2*time.Second)) + 3
	for i, h := range hosts {
		_, reads := h.fleet.Runs()
		for drive, n := range reads {
			if n > most {
				t.Errorf("host %d asked %s %d times, alone at most %d", i+1, drive, n, most)
			}
		}
	}
}

// With the last snapshots in a file or in Redis, the first scrape after a
// restart is complete although no drive was asked yet.
func TestWarmRestart(t *testing.T) {
	stores := map[string]func(t *testing.T) []string{
		"file": func(t *testing.T) []string { return []string{"--cache.path=" + t.TempDir() + "/cache.db"} },
		"redis": func(t *testing.T) []string {
			return []string{"--redis.address=" + redistest.Start(t, redistest.Options{}).Addr}
		},
	}
	for name, args := range stores {
		t.Run(name, func(t *testing.T) {
			store := args(t)
			path, f := faketest.New(t, fleet.Mixed(8, 20, time.Millisecond)...)
			with := append([]string{"--smartctl.path=" + path}, store...)
			in := start(t, with...)
			in.awaitReady()
			want := seriesOf(in.scrape(), "smartctl_", "jbod_drive_info")
			in.stop()
			_, before := f.Runs()

			again := start(t, with...)
			if lost := missing(want, seriesOf(again.scrape(), "smartctl_", "jbod_drive_info")); len(lost) > 0 {
				t.Errorf("series lost over the restart: %q", lost)
			}
			again.awaitReady()
			_, after := f.Runs()
			for drive, n := range after {
				if n != before[drive] {
					t.Errorf("%s was asked again at the start, though its snapshot is fresh", drive)
				}
			}
		})
	}
}

func TestTwoExportersOnOneCacheFile(t *testing.T) {
	path := t.TempDir() + "/cache.db"
	start(t, noSmartctl, "--cache.path="+path)
	var log logtest.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if code := run(ctx, []string{"--web.listen-address=127.0.0.1:0", noSmartctl, "--cache.path=" + path}, io.Discard, &log); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	for _, s := range []string{path, "--cache.path", "another process"} {
		if !strings.Contains(log.String(), s) {
			t.Errorf("does not mention %q:\n%s", s, &log)
		}
	}
}

func TestDamagedCacheFile(t *testing.T) {
	path := writeFile(t, "cache.db", strings.Repeat("not a database ", 10_000))
	in := start(t, noSmartctl, "--cache.path="+path)
	in.awaitReady()
	if !strings.Contains(in.log.String(), "damaged") {
		t.Errorf("the damage is not logged:\n%s", in.log)
	}
}

func TestDrivesAPI(t *testing.T) {
	in, f := drives(t, 3, time.Millisecond)
	in.awaitReady()
	status, header, body := in.get("/api/drives")
	if status != 200 || header.Get("X-Cache") != "HIT" || header.Get("Age") == "" || strings.Count(body, `"device":"sd`)+strings.Count(body, `"device":"nvme`) < 3 {
		t.Fatalf("/api/drives: %d %v\n%.600s", status, header, body)
	}
	if status, header, body = in.get("/api/drives/sda"); status != 200 || header.Get("X-Cache") != "HIT" || !strings.Contains(body, `"report"`) {
		t.Errorf("/api/drives/sda: %d %v %.300s", status, header, body)
	}
	if status, header, body = in.get("/api/drives/sda/smartctl"); status != 200 || header.Get("Age") == "" || !strings.Contains(body, `"smartctl":`) {
		t.Errorf("/api/drives/sda/smartctl: %d %v %.300s", status, header, body)
	}
	if status, _, body = in.get("/api/drives/sdz"); status != 404 || !strings.Contains(body, "sdz") {
		t.Errorf("/api/drives/sdz: %d %s", status, body)
	}
	_, reads := f.Runs()
	for d, n := range reads {
		if n != 1 {
			t.Errorf("%s was asked %d times", d, n)
		}
	}
}

// The manager names the volume in the body of a GET request.
func TestVolumeInBody(t *testing.T) {
	in := start(t, noSmartctl)
	in.awaitReady()
	if status, header, body := in.do("GET", "/folder/fs-usage", `{"volume": "root"}`); status != 200 || header.Get("X-Cache") != "HIT" {
		t.Errorf("%d %v %s", status, header, body)
	}
	for _, body := range []string{`{"volume": 5}`, `[]`, `{`, strings.Repeat(" ", 60<<10)} {
		if status, _, answer := in.do("GET", "/folder/fs-usage", body); status != 400 || !strings.Contains(answer, `"title":"Bad argument"`) {
			t.Errorf("body %.20q: %d %s", body, status, answer)
		}
	}
	if status, _, answer := in.do("GET", "/folder/fs-usage", strings.Repeat(" ", 70<<10)); status != 413 || !strings.Contains(answer, "65536") {
		t.Errorf("70 KiB: %d %s", status, answer)
	}
}

func TestMaxRequestsHoldsForFilteredScrapes(t *testing.T) {
	in, _ := drives(t, 2, 2*time.Second, "--web.max-requests=2")
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { // each waits for the first observations
			status, _, _ := in.get("/metrics?collect[]=smart")
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	if statuses[http.StatusOK] != 2 || statuses[http.StatusServiceUnavailable] != 4 {
		t.Errorf("answers by status: %v, want 2 of 200 and 4 of 503", statuses)
	}
}
