package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The programs that play smartctl and zpool, as Tools has them.
const (
	fakeSmartctl = "fakesmartctl"
	fakeZpool    = "fakezpool"
)

// Build compiles the exporter and the tools into a directory, for tests of this module
// and of others beside it, and returns the options with both.
func Build(ctx context.Context, dir string) (Options, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Options{}, err
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "storage_exporter").Output()
	if err != nil {
		return Options{}, fmt.Errorf("find the module storage_exporter: %w", err)
	}
	// Into a folder, so each has the name of its package.
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), ".", "./internal/"+fakeSmartctl, "./internal/"+fakeZpool)
	cmd.Dir, cmd.Env = strings.TrimSpace(string(root)), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return Options{}, fmt.Errorf("build the demo: %w\n%s", err, out)
	}
	return Options{Exporter: filepath.Join(dir, "storage_exporter"), Tools: dir}, nil
}
