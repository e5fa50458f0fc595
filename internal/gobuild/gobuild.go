// Package gobuild compiles programs of this module for tests.
package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// buildTime is far more than a build takes.
const buildTime = 5 * time.Minute

// Program is a main package that tests run; make one for each, at package level.
type Program struct {
	Name    string // of the executable
	Package string // such as storage_exporter/internal/fakezpool

	once sync.Once
	path string
	err  error
}

// Path compiles the program once for the test process and returns where it is.
func (p *Program) Path(tb testing.TB) string {
	tb.Helper()
	p.once.Do(func() { p.path, p.err = p.build() })
	if p.err != nil {
		tb.Fatal(p.err)
	}
	return p.path
}

// build leaves the program at one place for all test processes, each of which
// puts a new one there at once: one that runs is not disturbed.
func (p *Program) build() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d", filepath.Base(p.Package), os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, p.Name)
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", fresh, p.Package)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", p.Package, err, out)
	}
	return path, os.Rename(fresh, path)
}
