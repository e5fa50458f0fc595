package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"

	"storage_exporter/internal/inbound"
)

// listen listens on all addresses, or on the sockets that systemd hands over.
func listen(ctx context.Context, f *web.FlagConfig) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
		}
	}()
	if *f.WebSystemdSocket {
		handed, err := activation.Listeners()
		if err != nil {
			return nil, fmt.Errorf("sockets of systemd: %w", err)
		}
		for _, l := range handed {
			if l != nil { // it is no stream
				listeners = append(listeners, l)
			}
		}
		if len(listeners) == 0 {
			return nil, errors.New("systemd hands no socket over: start the socket unit, or leave out --web.systemd-socket")
		}
		return listeners, nil
	}
	for _, address := range *f.WebListenAddresses {
		var l net.Listener
		if port, ok := vsockPort(address); ok {
			l, err = vsock.Listen(port, nil)
		} else {
			l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
		if err != nil {
			return listeners, explain(err)
		}
		listeners = append(listeners, l)
	}
	if len(listeners) == 0 {
		return nil, errors.New("there is no address to listen on: set --web.listen-address")
	}
	return listeners, nil
}

// vsockPort is the port of an address such as vsock://:9777.
func vsockPort(address string) (uint32, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "vsock" {
		return 0, false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 32)
	return uint32(port), err == nil
}

// explain adds the remedy to what users get wrong about addresses.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another process listens there, choose another --web.listen-address", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: choose a port above 1023 with --web.listen-address, or grant CAP_NET_BIND_SERVICE", err)
	}
	return err
}

// webConfigError names the file and adds the remedy.
func webConfigError(file string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok && pe.Path == file {
		err = pe.Err
	}
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w: the user that runs the exporter must be able to read it", err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// errSecured ends the exporter toolkit's serving once the server is prepared.
var errSecured = errors.New("the server is prepared")

// silent is a listener on which nobody comes.
type silent struct{ net.Listener }

func (silent) Accept() (net.Conn, error) { return nil, errSecured }
func (silent) Close() error              { return nil }

// secure has the exporter toolkit put TLS and authentication into the server, as
// --web.config.file wants them. The toolkit's own way to serve leaves no room for
// bounds that hold before it checks a password, so here it serves nobody: what it made
// of the server stays.
func secure(server *http.Server, l net.Listener, f *web.FlagConfig, logger *slog.Logger) error {
	err := web.Serve(silent{l}, server, f, logger)
	if errors.Is(err, errSecured) {
		return nil
	}
	return webConfigError(*f.WebConfigFile, err)
}

// serveAll serves all listeners until the server ends; where one fails, the others end
// too.
func serveAll(server *http.Server, listeners []net.Listener, door *inbound.Door, logger *slog.Logger) error {
	var ended sync.WaitGroup
	failed := make(chan error, len(listeners))
	for i, l := range listeners {
		if i > 0 { // the toolkit has logged the first
			logger.Info("Listening on", "address", l.Addr().String())
		}
		ended.Go(func() {
			failed <- serveOne(server, door.Listener(l))
			_ = server.Close()
		})
	}
	err := <-failed
	ended.Wait()
	return err
}

func serveOne(server *http.Server, l net.Listener) error {
	if server.TLSConfig != nil && server.TLSConfig.GetCertificate != nil {
		return server.ServeTLS(l, "", "")
	}
	return server.Serve(l)
}
