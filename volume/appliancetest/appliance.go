package appliancetest

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"storage_exporter/internal/certtest"
	"storage_exporter/internal/kit"
)

// Appliance is the HTTPS server under an emulator. It counts the calls and knows
// how to fail. Answers are compressed where the caller takes that.
type Appliance struct {
	// URL is the endpoint, and CAFile the PEM file of the authority that signed its
	// certificate.
	URL    string
	CAFile string

	tb      kit.T
	network *Network
	handler http.Handler
	tls     *tls.Config
	address string

	mu      sync.Mutex // guards the fields below
	server  *http.Server
	faults  []*broken
	calls   []*Call
	secrets []string
}

// Call is one that was answered. Nothing of it is secret.
type Call struct {
	Method, Path, Query string
	Status              int // 0 where no answer was given
}

// NewAppliance starts one: in memory on the network, or on the loopback interface
// where that is nil. It stops with the test.
func NewAppliance(tb kit.T, network *Network, handler http.Handler) *Appliance {
	tb.Helper()
	a := &Appliance{tb: tb, network: network, handler: handler}
	names := "localhost"
	if network != nil {
		network.mu.Lock()
		names = fmt.Sprintf("array%d.test", len(network.hosts)+1)
		network.mu.Unlock()
		a.address = net.JoinHostPort(names, "443")
		a.URL = "https://" + names
	}
	cert := certtest.New(tb, names)
	a.tls, a.CAFile = cert.Server(), cert.CAFile
	a.Up()
	if network == nil {
		a.URL = "https://" + a.address
	}
	tb.Cleanup(a.Down)
	return a
}

// Up makes it listen, at the same address as before.
func (a *Appliance) Up() {
	a.tb.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		return
	}
	var l net.Listener
	if a.network != nil {
		l = a.network.listen(a.address)
	} else {
		at := a.address
		if at == "" {
			at = "127.0.0.1:0"
		}
		var err error
		if l, err = net.Listen("tcp", at); err != nil {
			a.tb.Errorf("the appliance is not up: %v", err)
			return
		}
		a.address = l.Addr().String()
	}
	a.server = &http.Server{Handler: http.HandlerFunc(a.serve), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func(s *http.Server) { _ = s.Serve(tls.NewListener(l, a.tls)) }(a.server)
}

// Down makes it refuse connections and cuts those that it has.
func (a *Appliance) Down() {
	a.mu.Lock()
	server := a.server
	a.server = nil
	a.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

// Hang makes new connections hang, or no more. It needs a Network, and it cuts
// the connections there are.
func (a *Appliance) Hang(on bool) {
	a.network.change(a.address, func(h *host) { h.hung = on })
	a.Down()
	a.Up()
}

// Unknown makes its name unknown, or known again. It needs a Network, and it cuts
// the connections there are.
func (a *Appliance) Unknown(on bool) {
	a.network.change(a.address, func(h *host) { h.unknown = on })
	a.Down()
	a.Up()
}

// Calls are those since the last Forget.
func (a *Appliance) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := make([]Call, len(a.calls))
	for i, c := range a.calls {
		calls[i] = *c
	}
	return calls
}

// Forget drops the calls so far.
func (a *Appliance) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

// Secret registers what must never show: passwords, tokens, session ids.
func (a *Appliance) Secret(secrets ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets = append(a.secrets, secrets...)
}

// Leaks are the secrets that a text holds, in any of the spellings in which they
// travel.
func (a *Appliance) Leaks(text string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var leaks []string
	for _, s := range a.secrets {
		quoted, _ := json.Marshal(s)
		for _, spelt := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), strings.Trim(string(quoted), `"`)} {
			if spelt != "" && strings.Contains(text, spelt) {
				leaks = append(leaks, s)
				break
			}
		}
	}
	return leaks
}

// Break makes calls fail from now on, all or those that match. Several faults
// stand one behind the other; the first that matches counts.
func (a *Appliance) Break(f Fault, only ...func(*http.Request) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &broken{fault: f, only: only})
}

// Mend takes all faults away.
func (a *Appliance) Mend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// broken is a fault in force.
type broken struct {
	fault Fault
	only  []func(*http.Request) bool
	used  int // guarded by the Appliance
}

func (b *broken) hits(r *http.Request) bool {
	if b.fault.times > 0 && b.used >= b.fault.times {
		return false
	}
	for _, match := range b.only {
		if !match(r) {
			return false
		}
	}
	b.used++
	return true
}

func (a *Appliance) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	var fault *broken
	for _, b := range a.faults {
		if b.hits(r) {
			fault = b
			break
		}
	}
	call := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	a.calls = append(a.calls, call)
	a.mu.Unlock()
	w = &noted{ResponseWriter: w, status: func(status int) {
		a.mu.Lock()
		defer a.mu.Unlock()
		call.Status = status
	}}
	if fault != nil {
		fault.fault.serve(w, r, a.handler)
		return
	}
	reply := record(a.handler, r)
	reply.write(w, r)
}

// noted tells the status of an answer.
type noted struct {
	http.ResponseWriter
	status func(int)
}

func (n *noted) WriteHeader(status int) {
	n.status(status)
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
