package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/certtest"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
)

const (
	someUser = "prometheus"
	password = "changeme"
	hash     = "$2a$10$x5LhFukwGrlNzVjisPfcb.EApJJaiUnO6g9tVRzBNpUFKVm60U5ju" // of the password
)

// besieged is a process with few descriptors that hostile clients may connect to.
type besieged struct {
	*process
	address string
	client  *http.Client
	auth    bool
}

// besiege starts one with a web configuration.
func besiege(t *testing.T, descriptors int, config string, tlsConfig *tls.Config) *besieged {
	t.Helper()
	path, _ := faketest.New(t, fleet.Mixed(78, 20, 0)...)
	args := []string{"--smartctl.path=" + path}
	if config != "" {
		args = append(args, "--web.config.file="+config)
	}
	p := startCommand(t, []string{"/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, descriptors), binary(t)}, args...)
	b := &besieged{process: p, address: strings.TrimPrefix(p.url, "http://")}
	if config != "" {
		raw, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		b.auth = strings.Contains(string(raw), "basic_auth_users")
	}
	if tlsConfig != nil {
		b.url = "https://" + b.address
	}
	b.client = &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
	t.Cleanup(b.client.CloseIdleConnections)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if status, _, err := b.ask("/-/ready"); err == nil && status == http.StatusOK {
			return b
		} else if time.Now().After(end) {
			t.Fatalf("not ready: %d %v\n%s", status, err, p.log)
		}
	}
}

// ask asks as a valid client.
func (b *besieged) ask(path string) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	if b.auth {
		req.SetBasicAuth(someUser, password)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// scrape must be answered, on a connection of its own, or on that of the last scrape.
func (b *besieged) scrape(fresh bool) {
	b.t.Helper()
	if fresh {
		b.client.CloseIdleConnections()
	}
	status, page, err := b.ask("/metrics")
	if err != nil || status != http.StatusOK || value(page, "smartctl_devices") != "78" {
		b.t.Errorf("scrape: status %d, %d bytes, %v", status, len(page), err)
	}
}

// attack connects n clients at once, each of which sends something and then does what
// rest says until its connection is closed or the test ends. It returns what counts
// those that are still connected.
func (b *besieged) attack(n int, send string, drip bool) (connected *atomic.Int64) {
	b.t.Helper()
	connected = &atomic.Int64{}
	dialer := net.Dialer{Timeout: 10 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { // so that little fits between the two
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
		})
	}}
	var dialed, serving sync.WaitGroup
	over := make(chan struct{})
	for range n {
		dialed.Add(1)
		serving.Go(func() {
			c, err := dialer.DialContext(b.t.Context(), "tcp", b.address)
			if err == nil {
				_, err = io.WriteString(c, send)
			}
			connected.Add(1)
			dialed.Done()
			defer connected.Add(-1)
			if err != nil {
				return
			}
			defer c.Close()
			raw, err := c.(*net.TCPConn).SyscallConn()
			if err != nil {
				return
			}
			for { // nothing is read, and the end is seen all the same
				select {
				case <-over:
					return
				case <-time.After(100 * time.Millisecond):
				}
				if drip {
					_, err = c.Write([]byte(" "))
				}
				ended := err != nil
				_ = raw.Control(func(fd uintptr) {
					info, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
					ended = ended || err != nil || info != 0
				})
				if ended {
					return
				}
			}
		})
	}
	b.t.Cleanup(func() {
		close(over)
		serving.Wait()
	})
	dialed.Wait()
	return connected
}

// Whatever hostile clients do, valid scrapes are answered.
func TestHostileClients(t *testing.T) {
	const clients = 400
	request := func(path string, headers ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(headers, "", ""), "\r\n")
	}
	kinds := []struct {
		name, send string
		drip       bool
	}{
		{"say nothing", "", false},
		{"send half of the headers", "GET /metrics HTTP/1.1\r\nHost: h\r\nX-Half: ", false},
		{"send headers that drip", "GET /metrics HTTP/1.1\r\nHost: h\r\nX-Drip: ", true},
		{"send no body to the metrics", request("/metrics", "Content-Length: 100000"), false},
		{"send no small body to the metrics", request("/metrics", "Content-Length: 1000"), false},
		{"send a body that drips to a volume", request("/volume/hwinfo", "Content-Length: 1000"), true},
		{"do not read the metrics", request("/metrics"), false},
		{"do not read metrics of the other format", request("/metrics", "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"), false},
		{"do not read all drives", request("/api/drives"), false},
		{"ask much and do not read", strings.Repeat(request("/volumes"), 100), false},
	}
	auth := writeFile(t, "web.yml", "basic_auth_users:\n  "+someUser+": "+hash+"\n")
	for name, config := range map[string]string{"without passwords": "", "with passwords": auth} {
		t.Run(name, func(t *testing.T) {
			b := besiege(t, 256, config, nil)
			for _, k := range kinds {
				t.Run(k.name, func(t *testing.T) {
					b.t = t
					b.attack(clients, k.send, k.drip)
					for i := range 10 {
						b.scrape(i%2 == 0)
					}
				})
			}
			b.t = t
			if peak := peakMemory(t, b.cmd.Process.Pid); peak > 256 {
				t.Errorf("took %d MiB", peak)
			}
			if !strings.Contains(b.log.String(), "Too many connections") {
				t.Errorf("the log does not say what happens:\n%s", b.log)
			}
		})
	}
}

// peakMemory is the most that a process had resident, in MiB.
func peakMemory(t *testing.T, pid int) (mib int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &mib); err == nil {
			return mib >> 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// A request that does not come whole ends by itself, without the pressure of others.
func TestUnfinishedRequestsEnd(t *testing.T) {
	b := besiege(t, 256, "", nil)
	connected := map[string]*atomic.Int64{}
	for _, send := range []string{"", "GET /metrics HTTP/1.1\r\nHost: h\r\nX-Half: ", "GET /volume/hwinfo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"} {
		connected[send] = b.attack(10, send, true)
	}
	for send, n := range connected {
		for end := time.Now().Add(30 * time.Second); n.Load() > 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%.20q: %d are still connected", send, n.Load())
			}
		}
	}
}

// The same with TLS, which the toolkit serves, and a scraper with HTTP/2.
func TestHostileClientsOfTLS(t *testing.T) {
	certificate := certtest.New(t)
	config := writeFile(t, "web.yml", fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\nbasic_auth_users:\n  %s: %s\n",
		certificate.CertFile, certificate.KeyFile, someUser, hash))
	b := besiege(t, 256, config, certificate.Client())
	for _, send := range []string{"", "\x16\x03\x01"} { // half a handshake
		b.attack(400, send, false)
		for i := range 10 {
			b.scrape(i%2 == 0)
		}
	}
	resp, err := b.client.Get(b.url + "/metrics") //nolint:noctx // the client has a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s %v", resp.Proto, resp.Status, resp.Header)
	}
}

// A right password is not behind all wrong ones that came before it.
func TestWrongPasswords(t *testing.T) {
	config := writeFile(t, "web.yml", "basic_auth_users:\n  "+someUser+": "+hash+"\n")
	path, _ := faketest.New(t, fleet.Mixed(2, 20, 0)...)
	p := startProcess(t, "--smartctl.path="+path, "--web.config.file="+config)
	ctx, cancel := context.WithCancel(t.Context())
	var answered, sent atomic.Int64
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	get := func(ctx context.Context, password string) int {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", nil)
		if err != nil {
			t.Error(err)
			return 0
		}
		req.SetBasicAuth(someUser, password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Add(1) }})
	for i := range 200 {
		asking.Go(func() {
			if status := get(traced, fmt.Sprint("wrong", i)); status != 0 {
				answered.Add(1)
				if status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
					t.Errorf("a wrong password got %d", status)
				}
			}
		})
	}
	// What is sent need not have arrived: by the time of some answers it has.
	for end := time.Now().Add(30 * time.Second); sent.Load() < 200 || answered.Load() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d wrong passwords are sent and %d answered", sent.Load(), answered.Load())
		}
	}
	for range 3 { // unknown, and then known
		before := answered.Load()
		if status := get(t.Context(), password); status != http.StatusOK {
			t.Errorf("the right password got %d", status)
		}
		if n := answered.Load() - before; n > 5 {
			t.Errorf("%d wrong passwords went before the right one", n)
		}
	}
	if n := answered.Load(); n > 100 {
		t.Errorf("%d of 200 wrong passwords are answered: the test proves nothing", n)
	}
}

// Answers that take long are not cut off by the bounds of requests.
func TestLongRequests(t *testing.T) {
	path, _ := faketest.New(t, fleet.Mixed(2, 20, 6*time.Second)...)
	p := startProcess(t, "--smartctl.path="+path, "--web.enable-pprof")
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		if status := p.status("/debug/pprof/profile?seconds=7"); status != http.StatusOK {
			t.Errorf("profile: %d", status)
		}
	})
	asking.Go(func() {
		if status := p.status("/debug/pprof/trace?seconds=7"); status != http.StatusOK {
			t.Errorf("trace: %d", status)
		}
	})
	if status := p.status("/metrics?collect[]=smart"); status != http.StatusOK {
		t.Errorf("scrape: %d", status)
	}
}
