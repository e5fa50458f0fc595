// Command storage_exporter watches the drives, enclosures and storage volumes of
// a host in the background and exports what it saw last to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"

	"storage_exporter/config"
	"storage_exporter/volume"
	"storage_exporter/volume/backends"
	"storage_exporter/volume/mount"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; it returns the exit status. It ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app, f := newApp(collectorNames())
	app.UsageWriter(stdout)
	app.ErrorWriter(stdout)
	ended := false
	app.Terminate(func(int) { ended = true }) // --help and --version
	_, err := app.Parse(args)
	switch {
	case ended:
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "storage_exporter: %v; --help lists the flags\n", err)
		return 2
	}

	loader := &loader{flags: f}
	if f.configCheck {
		return check(loader, stdout, stderr)
	}
	cfg, err := loader.load(false)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	logger := newLogger(stderr, f)
	tuneRuntime(f)
	logger.Info("Starting storage_exporter", "version", version.Info(), "build_context", version.BuildContext())
	for _, w := range cfg.Warnings {
		logger.Warn("Configuration", "problem", w.String())
	}

	e, err := newExporter(f, loader, cfg, logger)
	if err != nil {
		logger.Error("Not started", "err", err)
		return 1
	}
	err = serve(ctx, e)
	if closeErr := e.close(); closeErr != nil {
		logger.Warn("Not everything could be ended in time", "err", closeErr)
	}
	if err != nil {
		logger.Error("Stopped serving", "err", err)
		return 1
	}
	logger.Info("Stopped")
	return 0
}

// loader reads the configuration, at the start and for each reload.
type loader struct{ flags *flags }

// load reads everything anew. strict finds mistakes in the volumes, too, which do
// not keep the others from being served.
func (l *loader) load(strict bool) (*config.Config, error) {
	o := config.Options{Path: l.flags.configFile, LookupEnv: os.LookupEnv, Overrides: l.flags.overrides()}
	if strict {
		table := backends.Table(mount.NewHost(mount.Paths{}, nil))
		o.Known = func(backend string) bool { _, ok := table[backend]; return ok }
		o.Volume = func(cfg *config.Config, v config.Volume) error {
			return wrongVolume(table[v.Backend], volumeConfig(cfg, v))
		}
	}
	return config.Load(o)
}

// wrongVolume is the user's mistake in a volume, if there is one. Nothing is asked.
func wrongVolume(kind volume.Kind, cfg volume.Config) error {
	if _, err := kind.Identify(cfg); err != nil {
		return err
	}
	backend, err := kind.New([]volume.Config{cfg}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return backend.Close()
}

// check is --config.check: it tells all problems at once.
func check(l *loader, stdout, stderr io.Writer) int {
	cfg, err := l.load(true)
	var webErr error
	if path := *l.flags.web.WebConfigFile; path != "" {
		if webErr = web.Validate(path); webErr != nil {
			webErr = fmt.Errorf("%s: %w", path, webErr)
		}
	}
	if err := errors.Join(err, webErr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(stdout, "warning:", w)
	}
	fmt.Fprintln(stdout, "configuration is valid")
	return 0
}

// newLogger writes through go-kit/log; all code logs by slog.
func newLogger(w io.Writer, f *flags) *slog.Logger {
	sync := log.NewSyncWriter(w)
	out := log.NewLogfmtLogger(sync)
	if f.log.Format.String() == "json" {
		out = log.NewJSONLogger(sync)
	}
	return slog.New(sloggokit.NewGoKitHandler(out, f.log.Level))
}

// tuneRuntime keeps the exporter a modest guest on a storage host.
func tuneRuntime(f *flags) {
	if f.maxProcs > 0 {
		runtime.GOMAXPROCS(f.maxProcs)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" && f.memoryLimitMiB > 0 {
		debug.SetMemoryLimit(int64(f.memoryLimitMiB) << 20)
	}
}
