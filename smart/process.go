package smart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	maxStderr = 16 << 10
	// waitDelay is how long the pipes of a killed process may stay open.
	waitDelay = 2 * time.Second
)

// output is what a program left behind.
type output struct {
	stdout, stderr []byte
	exitStatus     int
}

// run executes a program with nothing on its standard input, in a process
// group of its own that is killed as a whole when ctx ends. An exit status
// above zero is no error here.
func run(ctx context.Context, path string, args ...string) (output, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	// Nothing else of our environment: it may hold passwords.
	cmd.Env = []string{"LANG=C", "LC_ALL=C", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	stdout, stderr := &cappedBuffer{max: MaxDocument}, &cappedBuffer{max: maxStderr, drop: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr

	err := cmd.Run()
	out := output{stdout: stdout.buf.Bytes(), stderr: stderr.buf.Bytes()}
	if cmd.ProcessState != nil {
		out.exitStatus = cmd.ProcessState.ExitCode()
	}
	exited := (*exec.ExitError)(nil)
	switch {
	case stdout.full:
		return out, fmt.Errorf("%w: more than %d MiB", ErrBadOutput, MaxDocument>>20)
	case ctx.Err() != nil:
		return out, fmt.Errorf("killed: %w", context.Cause(ctx))
	case cmd.Process == nil && cannotRun(err):
		return out, fmt.Errorf("%w: %w; install the package smartmontools, or name the program with --smartctl.path", ErrNotInstalled, err)
	case errors.As(err, &exited) && exited.Exited():
		return out, nil
	}
	return out, err
}

// cannotRun tells a program that is missing or no program from a system that
// is short of processes or memory.
func cannotRun(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, syscall.ENOEXEC) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, exec.ErrDot)
}

// firstLine is the first line of what a program complained about, for errors.
func (o output) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(o.stderr)), "\n")
	return clean(line)
}

var errFull = errors.New("too much output")

// cappedBuffer holds at most max bytes. What is more is dropped, or ends the
// program by a broken pipe. The buffer is not embedded: its ReadFrom would be
// used in place of Write, and knows no bound.
type cappedBuffer struct {
	buf  bytes.Buffer
	max  int
	drop bool
	full bool
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	if room := b.max - b.buf.Len(); len(p) > room {
		b.full = true
		b.buf.Write(p[:room])
		if b.drop {
			return len(p), nil
		}
		return room, errFull
	}
	return b.buf.Write(p)
}
