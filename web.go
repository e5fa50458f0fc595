package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"

	"storage_exporter/api"
	"storage_exporter/config"
	"storage_exporter/event"
	"storage_exporter/web"
)

// checkWeb finds what would keep the exporter from serving.
func checkWeb(f *flags) config.Problems {
	var problems config.Problems
	wrong := func(flag string, err error) {
		if err != nil {
			problems = append(problems, config.Problem{Key: "--" + flag, Message: err.Error()})
		}
	}
	wrong("web.telemetry-path", checkTelemetryPath(f))
	wrong("web.external-url", event.CheckExternal(f.externalURL))
	wrong("web.note", web.CheckNote(f.note))
	if !*f.web.WebSystemdSocket {
		addresses := *f.web.WebListenAddresses
		for i, a := range addresses {
			wrong("web.listen-address", checkListenAddress(a, addresses[:i]))
		}
	}
	if file := *f.web.WebConfigFile; file != "" {
		if err := toolkit.Validate(file); err != nil {
			wrong("web.config.file", webConfigError(file, err))
		}
	}
	return problems
}

// checkTelemetryPath registers the path as the exporter does when it serves.
func checkTelemetryPath(f *flags) error {
	p := f.telemetryPath
	u, err := url.Parse(p)
	if err != nil || u.Path != p || !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "{} ") ||
		path.Clean(p) != p && path.Clean(p)+"/" != p {
		return fmt.Errorf("must be a path such as /metrics, not %q", p)
	}
	probe := &exporter{flags: f, log: slog.New(slog.DiscardHandler)}
	_, err = probe.handler(&atomic.Bool{}, newLimits(f))
	return err
}

// handleMetrics registers the telemetry path after all others.
func handleMetrics(mux api.Mux, path string, h http.Handler) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("must not collide with a path of the exporter's own, as %q does: choose another, such as /metrics", path)
		}
	}()
	mux.Handle(path, h)
	return nil
}

// checkListenAddress checks one address of several: whether it is one, this host's
// own, and may be listened on beside the earlier ones.
func checkListenAddress(address string, earlier []string) error {
	if strings.HasPrefix(address, "vsock:") {
		if _, ok := vsockPort(address); !ok {
			return fmt.Errorf("must end in a port, as vsock://:9777 does, not %q", address)
		}
		return nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("must be host:port, or :port for all addresses of this host, not %q", address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return fmt.Errorf("must end in a port, 0 to 65535, not %q", address)
	}
	for _, e := range earlier {
		if port != 0 && collide(address, e) {
			return fmt.Errorf("must not be %q beside %q, which is the same port", address, e)
		}
	}
	// UDP obeys the same rules, and who serves the port already is not disturbed.
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return nil // most likely by the exporter that runs
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return explain(fmt.Errorf("%q cannot be listened on: %w", address, err))
}

// collide reports whether two addresses cannot be listened on at once.
func collide(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && (hostA == hostB || everyAddress(hostA) || everyAddress(hostB))
}

// everyAddress reports whether a host stands for all addresses.
func everyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}
