// Package browser has Chromium look at the pages as people do: without a screen, with
// every complaint of the browser noted.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds one step of a tab.
const patience = 30 * time.Second

// ErrNotInstalled says that there is no Chromium.
var ErrNotInstalled = errors.New("chromium is not installed: apt-get install chromium")

// Browser is a Chromium that runs.
type Browser struct {
	ctx   context.Context // of the first tab, which stays empty
	close func()
}

// Start runs one whose profile lies in dir.
func Start(ctx context.Context, dir string) (*Browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, ErrNotInstalled
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.WindowSize(1280, 1000),
		chromedp.Flag("lang", "en-US"), chromedp.Env("TZ=UTC"))
	if os.Getuid() == 0 { // its sandbox is made for users
		options = append(options, chromedp.NoSandbox)
	}
	allocated, end := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancel := chromedp.NewContext(allocated)
	b := &Browser{ctx, func() { cancel(); end() }}
	if err := chromedp.Do(ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	return b, nil
}

// Close ends it, and waits.
func (b *Browser) Close() { b.close() }

// Tab is a page that is looked at.
type Tab struct {
	ctx   context.Context
	close func()

	mu   sync.Mutex
	said []string
}

// Tab opens an empty one.
func (b *Browser) Tab() (*Tab, error) {
	t := &Tab{}
	t.ctx, t.close = chromedp.NewContext(b.ctx, chromedp.WithListener(t.hear))
	// Each tab believes that it has the focus, however many there are.
	if _, err := chromedp.Call(t.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.close()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

// Close closes it.
func (t *Tab) Close() { t.close() }

// hear notes what the browser complains of: errors and warnings, what a policy refuses,
// exceptions that nobody catches, dialogs.
func (t *Tab) hear(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelInfo && e.Entry.Level != log.EntryLevelVerbose {
			t.note(fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		t.note("exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		t.note(fmt.Sprintf("console.%s", e.Type))
	case *page.EventJavascriptDialogOpening:
		t.note("dialog: " + e.Message)
	}
}

func (t *Tab) note(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, what)
}

// Complaints are those since the last call.
func (t *Tab) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := t.said
	t.said = nil
	return said
}

// Do runs steps, all of them within the patience.
func (t *Tab) Do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Get evaluates an expression in the page.
func Get[T any](t *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// First has each page run a script before its own.
func (t *Tab) First(script string) error {
	_, err := chromedp.Call(t.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	return err
}

// Script allows the pages' own scripts, or does not.
func (t *Tab) Script(allowed bool) error {
	_, err := chromedp.Call(t.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed})
	return err
}

// Visit goes to an address, and waits for the page.
func (t *Tab) Visit(url string) error { return t.Do(chromedp.Navigate(url)) }

// Await waits until an expression is true in the page.
func (t *Tab) Await(limit time.Duration, expression string) error {
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		// A page that is being left answers with an error.
		is, err := Get[bool](t, "!!("+expression+")")
		switch {
		case err == nil && is:
			return nil
		case time.Now().Before(end):
		case err == nil:
			return fmt.Errorf("not within %v: %s", limit, expression)
		default:
			return fmt.Errorf("not within %v: %w", limit, err)
		}
	}
}

// Size makes the page as large as that, in CSS pixels.
func (t *Tab) Size(width, height int) error { return t.Scaled(width, height, 1) }

// Scaled is Size where each CSS pixel is so many of the screen.
func (t *Tab) Scaled(width, height int, scale float64) error {
	return t.Do(chromedp.EmulateViewport(int64(width), int64(height), chromedp.EmulateScale(scale)))
}

// Picture is what is seen, as a PNG.
func (t *Tab) Picture() ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// Colours makes the page light or dark, as the system would.
func (t *Tab) Colours(scheme string) error { return t.media("", scheme) }

// Print shows the page as it would be printed.
func (t *Tab) Print() error { return t.media("print", "light") }

func (t *Tab) media(media, scheme string) error {
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}
