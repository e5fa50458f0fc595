// Command screenshots takes the pictures of the docs: it runs the demo, and has Chromium
// look at its pages. It is `make screenshots`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"storage_exporter/checks/browser"
	"storage_exporter/internal/demo"
)

// picture is one of a page.
type picture struct {
	name, path    string
	width, height int // CSS pixels
	scale         float64
	colours       string // light or dark
}

var pictures = []picture{
	{"overview", "/overview", 1280, 1136, 1, "light"},
	{"dark", "/overview?show=temperature#enclosures", 1280, 780, 1, "dark"},
	{"phone", "/overview", 390, 780, 1.5, "light"},
	{"drive", "/drives/DEMOAH0007", 1280, 1040, 1, "light"},
}

// most is how large a picture may be, in bytes.
const most = 250_000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := demo.Options{Redis: true, Note: "demo", Out: os.Stdout}
	flag.StringVar(&o.Exporter, "exporter", "../storage_exporter", "the exporter's binary")
	flag.StringVar(&o.Tools, "tools", "../.build/demo", "directory of fakesmartctl and fakezpool")
	out := flag.String("out", "../docs/images", "directory of the pictures")
	flag.Parse()
	if err := run(ctx, o, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o demo.Options, out string) (err error) {
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
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Await(ctx); err != nil {
		return err
	}
	b, err := browser.Start(ctx, filepath.Join(dir, "profile"))
	if err != nil {
		return err
	}
	defer b.Close()
	for _, p := range pictures {
		if err := take(b, d.URL(), p, filepath.Join(out, p.name+".png")); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// settled is whether a page shows all that it will: how old it is, and the drive that
// falls asleep.
const settled = `/ ago$/.test(document.querySelector("#age").textContent) && (!document.querySelector("#enclosures") || document.querySelector(".tile.asleep, .tile.none b, .tile[class*=heat]"))`

// take writes one picture.
func take(b *browser.Browser, url string, p picture, file string) error {
	t, err := b.Tab()
	if err != nil {
		return err
	}
	defer t.Close()
	if err := errors.Join(t.Scaled(p.width, p.height, p.scale), t.Colours(p.colours), t.Visit(url+p.path), t.Await(time.Minute, settled)); err != nil {
		return err
	}
	raw, err := t.Picture()
	if err != nil {
		return err
	}
	small, err := reduced(raw)
	if err != nil {
		return err
	}
	if len(small) > most {
		return fmt.Errorf("%d bytes are too many", len(small))
	}
	fmt.Printf("%s: %d bytes\n", file, len(small))
	return os.WriteFile(file, small, 0o644)
}
