package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/checks/browser"
	"storage_exporter/internal/demo"
	"storage_exporter/internal/needtest"
	"storage_exporter/overview"
)

// dir is where all files of the tests lie.
var dir string

// What waits most is parallel: it begins when all others have ended, and leaves the demo
// as it is but for one drive. What all tests share is started by the first that needs it.
var (
	chromium = &shared[*browser.Browser]{start: startBrowser, end: func(b *browser.Browser) error { b.Close(); return nil }}
	programs = &shared[demo.Options]{start: build}
	example  = &shared[*demo.Demo]{start: startDemo, end: (*demo.Demo).Close}
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if dir, err = os.MkdirTemp("", "storage_exporter-browser"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	for _, err := range []error{example.close(), chromium.close(), os.RemoveAll(dir)} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// shared is something that is started once.
type shared[T any] struct {
	start func() (T, error)
	end   func(T) error

	once    sync.Once
	started bool
	value   T
	err     error
}

func (s *shared[T]) get(t *testing.T) T {
	t.Helper()
	s.once.Do(func() {
		s.value, s.err = s.start()
		s.started = s.err == nil
	})
	if errors.Is(s.err, browser.ErrNotInstalled) {
		cannot(t, s.err)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.value
}

// cannot skips a test for what is not installed, unless all must be there.
func cannot(t *testing.T, why error) {
	t.Helper()
	needtest.Skip(t, why.Error())
}

func (s *shared[T]) close() error {
	if !s.started || s.end == nil {
		return nil
	}
	return s.end(s.value)
}

func startBrowser() (*browser.Browser, error) {
	return browser.Start(context.Background(), filepath.Join(dir, "profile"))
}

func build() (demo.Options, error) {
	at := filepath.Join(os.TempDir(), fmt.Sprintf("storage_exporter-browser-%d", os.Getuid()))
	if err := os.MkdirAll(at, 0o700); err != nil {
		return demo.Options{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return demo.Build(ctx, at)
}

func startDemo() (*demo.Demo, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o := programs.value
	o.Dir, o.Redis, o.Note = filepath.Join(dir, "demo"), true, "demo"
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return nil, err
	}
	d, err := demo.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Await(ctx), awaitSleep(ctx, d)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// awaitSleep waits until one drive sleeps, the last thing that a demo does when it
// starts.
func awaitSleep(ctx context.Context, d *demo.Demo) error {
	for {
		o, err := d.Overview(ctx)
		if err == nil && slices.ContainsFunc(drivesOf(o), func(d *overview.Drive) bool { return d != nil && stateOf(d) == "asleep" }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no drive sleeps: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// demoOf is the demo, with all that it has to show.
func demoOf(t *testing.T) *demo.Demo {
	t.Helper()
	programs.get(t)
	d := example.get(t)
	if !d.Fleet() {
		cannot(t, errors.New("redis-server is not installed: apt-get install redis-server"))
	}
	return d
}

// overviewOf is what the demo's API says now.
func overviewOf(t *testing.T, d *demo.Demo) *overview.Overview {
	t.Helper()
	o, err := d.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// tab is one of a test, which fails where the browser has complained and nobody has
// expected it.
type tab struct {
	*browser.Tab
	t *testing.T
}

// blank opens an empty one.
func blank(t *testing.T) *tab {
	t.Helper()
	x, err := chromium.get(t).Tab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range x.Complaints() {
			t.Errorf("the browser says: %s", c)
		}
		x.Close()
	})
	return &tab{x, t}
}

// quiet opens an empty one whose pages do not follow the data. What asks by itself is
// window.asked.
func quiet(t *testing.T) *tab {
	t.Helper()
	x := blank(t)
	x.must(x.First("window.asked = window.fetch.bind(window); window.fetch = () => new Promise(() => {});"))
	return x
}

// open opens one that shows an address.
func open(t *testing.T, url string) *tab {
	t.Helper()
	x := blank(t)
	x.visit(url)
	return x
}

// expects takes the complaints that contain any of the texts.
func (x *tab) expects(texts ...string) {
	x.t.Helper()
	for _, c := range x.Complaints() {
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(c, s) }) {
			x.t.Errorf("the browser says: %s", c)
		}
	}
}

// soon is longer than what is awaited takes on a busy machine.
const soon = 25 * time.Second

// await waits until an expression is true in the page.
func (x *tab) await(what, expression string) {
	x.t.Helper()
	if err := x.Await(soon, expression); err != nil {
		x.t.Fatalf("%s: %v\n%s", what, err, x.said())
	}
}

// said is the page's text.
func (x *tab) said() string {
	text, _ := browser.Get[string](x.Tab, "location.href + '\\n' + (document.body ? document.body.innerText.slice(0, 1500) : '')")
	return text
}

// eval evaluates an expression in the page.
func eval[T any](x *tab, expression string) T {
	x.t.Helper()
	v, err := browser.Get[T](x.Tab, expression)
	if err != nil {
		x.t.Fatal(err)
	}
	return v
}

// must fails the test for an error.
func (x *tab) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}
