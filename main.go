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
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	sloggokit "github.com/tjhop/slog-gokit"

	"storage_exporter/config"
	"storage_exporter/internal/outside"
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
		fmt.Fprintf(stderr, "storage_exporter: %v\n", wrongFlag(app, args, err))
		return 2
	}

	if f.healthGiven {
		return health(ctx, f, stderr)
	}
	loader := &loader{flags: f}
	if f.configCheck {
		return check(loader, stdout, stderr)
	}
	cfg, warnings, err := loader.first(false)
	if err != nil {
		printWarnings(stderr, warnings)
		fmt.Fprintln(stderr, err)
		return 1
	}
	logger := newLogger(stderr, f)
	tuneRuntime(f)
	logger.Info("Starting storage_exporter", "version", version.Info(), "build_context", version.BuildContext())
	logWarnings(logger, warnings)

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

// first loads the configuration for the start. Its error has all mistakes, those of
// flags that a reload does not read too.
func (l *loader) first(strict bool) (*config.Config, []config.Problem, error) {
	problems := append(l.flags.check(), checkWeb(l.flags)...)
	cfg, warnings, err := l.load(strict)
	if err == nil {
		problems = append(problems, l.flags.checkFleet(cfg)...)
	}
	if err == nil && len(problems) == 0 {
		return cfg, warnings, nil
	}
	if found, ok := errors.AsType[config.Problems](err); ok {
		problems = append(found, problems...)
	}
	return nil, warnings, problems
}

// load reads the configuration anew. strict finds mistakes in the volumes, too,
// which do not keep the others from being served.
func (l *loader) load(strict bool) (cfg *config.Config, warnings []config.Problem, err error) {
	cfg, err = config.Load(config.Options{
		Path: l.flags.configFile, LookupEnv: os.LookupEnv, Overrides: l.flags.overrides(), Flags: l.flags.names(),
		Default: defaults,
		Check: func(c *config.Config, r *config.Report) {
			checkOwned(c, r)
			if strict {
				checkVolumes(c, r, backends.Table(mount.NewHost(mount.Paths{}, nil)))
			}
		},
		Warn: func(p config.Problem) { warnings = append(warnings, p) },
	})
	return cfg, warnings, err
}

// check is --config.check: it reports all problems at once.
func check(l *loader, stdout, stderr io.Writer) int {
	_, warnings, err := l.first(true)
	printWarnings(stdout, warnings)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	fmt.Fprintln(stdout, "configuration is valid")
	return 0
}

func printWarnings(w io.Writer, warnings []config.Problem) {
	for _, p := range warnings {
		fmt.Fprintln(w, "warning:", p)
	}
}

func logWarnings(logger *slog.Logger, warnings []config.Problem) {
	for _, p := range warnings {
		logger.Warn("Configuration", "problem", p.String())
	}
}

// newLogger writes through go-kit/log; all code logs by slog.
func newLogger(w io.Writer, f *flags) *slog.Logger {
	sync := log.NewSyncWriter(printable{w})
	out := log.NewLogfmtLogger(sync)
	if f.log.Format.String() == "json" {
		out = log.NewJSONLogger(sync)
	}
	return slog.New(sloggokit.NewGoKitHandler(out, f.log.Level))
}

// printable writes lines without what could change how a terminal shows them: a drive or
// an appliance may have sent it.
type printable struct{ io.Writer }

func (w printable) Write(line []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, outside.Printable(strings.TrimSuffix(string(line), "\n"))+"\n"); err != nil {
		return 0, err
	}
	return len(line), nil
}

// tuneRuntime keeps the exporter a modest guest on a storage host.
func tuneRuntime(f *flags) {
	if f.maxProcs > 0 {
		runtime.GOMAXPROCS(f.maxProcs)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
