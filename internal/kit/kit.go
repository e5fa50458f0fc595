// Package kit is what the makers of made-up hosts, appliances and certificates need of
// those who use them: a test, or a program such as the demo, which does not carry the
// package testing.
package kit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// T is the part of testing.TB that a maker needs.
type T interface {
	Helper()
	TempDir() string
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Program is a T that is no test. Its makers are called within Try.
type Program struct {
	dir string

	mu       sync.Mutex // guards the fields below
	errs     []error
	cleanups []func()
}

// New makes one whose files lie below a directory.
func New(dir string) *Program { return &Program{dir: dir} }

// fatal is what Fatal panics with.
type fatal struct{ error }

// Try calls f, and returns what was reported meanwhile.
func (p *Program) Try(f func(t T)) (err error) {
	defer func() {
		what := recover()
		stop, ok := what.(fatal)
		if what != nil && !ok {
			panic(what)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		err = errors.Join(append(p.errs, stop.error)...)
		p.errs = nil
	}()
	f(p)
	return nil
}

// Close cleans up, the newest first.
func (p *Program) Close() {
	p.mu.Lock()
	cleanups := p.cleanups
	p.cleanups = nil
	p.mu.Unlock()
	for _, f := range slices.Backward(cleanups) {
		f()
	}
}

// Helper does nothing: a program has no lines to blame.
func (p *Program) Helper() {}

// TempDir makes a directory. It is its owner's to remove, with the Program's.
func (p *Program) TempDir() string {
	dir, err := os.MkdirTemp(p.dir, "")
	if err != nil {
		p.Fatal(err)
	}
	return dir
}

// Cleanup has f called at Close.
func (p *Program) Cleanup(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleanups = append(p.cleanups, f)
}

// Errorf reports what went wrong, and goes on.
func (p *Program) Errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// Fatal ends Try.
func (p *Program) Fatal(args ...any) {
	if len(args) == 1 {
		if err, ok := args[0].(error); ok {
			panic(fatal{err})
		}
	}
	panic(fatal{errors.New(fmt.Sprint(args...))})
}

// Fatalf ends Try.
func (p *Program) Fatalf(format string, args ...any) { panic(fatal{fmt.Errorf(format, args...)}) }
