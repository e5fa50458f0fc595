package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/outside"
)

func sh(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}, MaxOutput: 1000}
}

func TestRun(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "hunter2")
	c := sh(`echo "$LANG $LC_ALL $EXTRA $REDIS_PASSWORD"; echo "  first" >&2; echo second >&2; cat; exit 3`)
	c.Env = []string{"EXTRA=x"}
	out, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Stdout) != "C C x \n" || out.FirstLine() != "first" || out.ExitStatus != 3 {
		t.Errorf("%q, %q, %d", out.Stdout, out.FirstLine(), out.ExitStatus)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	done := make(chan struct{})
	var child int
	go func() {
		defer close(done)
		for child == 0 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
			b, _ := os.ReadFile(pidFile)
			child, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		cancel(enough)
	}()
	// The child of the program holds its output open.
	_, err := Run(ctx, sh(`trap "" TERM; sleep 600 & echo $! > `+pidFile+`.new; mv `+pidFile+`.new `+pidFile+`; wait`))
	cancel(nil)
	<-done
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	for range 1000 {
		if !alive(child) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("process %d lives on", child)
}

// alive is whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestRunBoundsOutput(t *testing.T) {
	if out, err := Run(t.Context(), sh(`while :; do echo x; done`)); !errors.Is(err, ErrTooMuchOutput) || len(out.Stdout) > 1000 {
		t.Errorf("%d bytes, %v", len(out.Stdout), err)
	}
	out, err := Run(t.Context(), sh(`i=0; while [ $i -lt 3000 ]; do echo 123456789 >&2; i=$((i+1)); done; echo done`))
	if err != nil || string(out.Stdout) != "done\n" || len(out.Stderr) != maxStderr {
		t.Errorf("%q, %d bytes, %v", out.Stdout, len(out.Stderr), err)
	}
	if line := (Output{Stderr: []byte(strings.Repeat("ä", 1000) + "\xff\x00")}).FirstLine(); len(line) > outside.MaxText || strings.ContainsRune(line, '\uFFFD') {
		t.Errorf("a line of %d bytes", len(line))
	}
}

func TestRunFailures(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/nonexistent/x", filepath.Dir(text), text, text + "/x"} {
		if _, err := Run(t.Context(), Command{Path: path}); !errors.Is(err, ErrCannotRun) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Run(t.Context(), sh(`kill -SEGV $$`)); err == nil || errors.Is(err, ErrCannotRun) || !strings.Contains(err.Error(), "segmentation") {
		t.Errorf("killed by %v: %v", syscall.SIGSEGV, err)
	}
}

func TestFind(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{
		filepath.Join(dir, "tool"): 0o755, filepath.Join(other, "tool"): 0o755, filepath.Join(other, "sbin"): 0o644,
	} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(other, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for name, want := range map[string]string{
		"tool": filepath.Join(dir, "tool"), "sbin": filepath.Join(other, "sbin"), filepath.Join(other, "tool"): filepath.Join(other, "tool"),
	} {
		if got, err := Find(name, "/nonexistent", other); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"none", "directory", filepath.Join(dir, "none")} {
		if _, err := Find(name, other); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
