// Command cmd is `make demo`: it runs the demo until Ctrl-C. DEMO_CHAOS=1 breaks and
// repairs one thing every 20 seconds.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"storage_exporter/internal/demo"
)

// chaosInterval is from one fault to its repair, and to the next.
const chaosInterval = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o := demo.Options{Redis: true, Prometheus: true, Out: os.Stdout}
	flag.StringVar(&o.Exporter, "exporter", "./storage_exporter", "the exporter's binary")
	flag.StringVar(&o.Tools, "tools", ".build/demo", "directory of fakesmartctl and fakezpool")
	flag.StringVar(&o.Rules, "rules", "rules", "directory of Prometheus' rules")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o demo.Options, out io.Writer) (err error) {
	dir, done, err := demo.Directory()
	if err != nil {
		return err
	}
	defer done()
	o.Dir = dir
	d, err := demo.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if closed := d.Close(); err == nil {
			err = closed
		}
	}()
	tell(out, d)
	if os.Getenv("DEMO_CHAOS") == "1" {
		d.Chaos(chaosInterval)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ended():
		return fmt.Errorf("the exporter has ended by itself:\n%s", d.Log())
	}
}

func tell(out io.Writer, d *demo.Demo) {
	line := func(what, url string) { fmt.Fprintf(out, "%-12s %s\n", what, url) }
	line("Overview", d.URL()+"/overview")
	line("Metrics", d.URL()+"/metrics")
	if d.Fleet() {
		line("Fleet", d.URL()+"/fleet")
	}
	line("GraphQL", d.URL()+"/graphql")
	if url := d.PrometheusURL(); url != "" {
		line("Prometheus", url+"/alerts")
	}
	if os.Getenv("DEMO_CHAOS") != "1" {
		fmt.Fprintln(out, "With DEMO_CHAOS=1 something breaks or is repaired every 20 seconds.")
	}
	fmt.Fprintln(out, "All of this is made up. Ctrl-C ends it.")
}
