package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"storage_exporter/internal/inbound"
)

const (
	// readyAfter is when the exporter calls itself ready although some first
	// observation has not ended.
	readyAfter = 30 * time.Second
	// drainTimeout bounds how long requests may finish after SIGTERM.
	drainTimeout = time.Second
)

// serve answers requests until ctx ends. SIGHUP reloads the configuration.
func serve(ctx context.Context, e *exporter) error {
	var ready atomic.Bool
	limits := newLimits(e.flags)
	handler, err := e.handler(&ready, limits)
	if err != nil {
		return err
	}
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	door := inbound.New(limits.connections(descriptors()), e.log)
	server := door.Server(door.Admitted(handler))
	server.BaseContext = func(net.Listener) context.Context { return requests }
	server.ErrorLog = slog.NewLogLogger(e.log.Handler(), slog.LevelDebug)
	listeners, err := listen(ctx, e.flags.web)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			_ = l.Close() // once more, where it was served
		}
	}()
	if err := secure(server, listeners[0], e.flags.web, e.log); err != nil {
		return err
	}
	server.Handler = door.Outside(server.Handler)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	served := make(chan error, 1)
	go func() { served <- serveAll(server, listeners, door, e.log) }()

	firstRounds := e.cache.FirstRoundsEnded()
	patience := time.NewTimer(readyAfter)
	defer patience.Stop()
	for {
		select {
		case <-firstRounds:
			firstRounds = nil
			ready.Store(true)
		case <-patience.C:
			ready.Store(true)
		case <-hangups:
			_, _ = e.reload() // logged there
		case err := <-served:
			return err
		case <-ctx.Done():
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
			defer cancel()
			if server.Shutdown(drain) != nil {
				cancelRequests()
				_ = server.Close()
			}
			<-served //nolint:errcheck // http.ErrServerClosed: it was shut down
			return nil
		}
	}
}
