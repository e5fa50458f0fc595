// Package command runs other programs, bounded in time and output. It never
// uses a shell.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"storage_exporter/internal/outside"
)

var (
	// ErrCannotRun says that the program is missing or is none that can be
	// executed. That the system is short of processes or memory is not it.
	ErrCannotRun = errors.New("cannot be run")
	// ErrTooMuchOutput says that the program printed more than MaxOutput.
	ErrTooMuchOutput = errors.New("too much output")
)

const (
	maxStderr = 16 << 10
	// waitDelay is how long the pipes of a killed process may stay open.
	waitDelay = 2 * time.Second
)

// Command is a program to run.
type Command struct {
	Path string
	Args []string
	// Env is added to a minimal environment in the C locale. Nothing else of
	// our own is passed on: it may hold passwords.
	Env []string
	// MaxOutput bounds the standard output, in bytes; more ends the program.
	MaxOutput int
}

// Output is what a program left behind.
type Output struct {
	Stdout, Stderr []byte
	ExitStatus     int
}

// Run executes a program with nothing on its standard input, in a process group
// of its own that is killed as a whole when ctx ends. An exit status above zero
// is no error here. A process that cannot be killed, in an uninterruptible call
// of the kernel, is waited for: only its return ends Run.
func Run(ctx context.Context, c Command) (Output, error) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = append([]string{"LANG=C", "LC_ALL=C", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	stdout, stderr := &cappedBuffer{max: c.MaxOutput}, &cappedBuffer{max: maxStderr, drop: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr

	err := cmd.Run()
	out := Output{Stdout: stdout.buf.Bytes(), Stderr: stderr.buf.Bytes()}
	if cmd.ProcessState != nil {
		out.ExitStatus = cmd.ProcessState.ExitCode()
	}
	exited := (*exec.ExitError)(nil)
	switch {
	case stdout.full:
		return out, fmt.Errorf("%w: more than %d bytes", ErrTooMuchOutput, c.MaxOutput)
	case ctx.Err() != nil:
		return out, fmt.Errorf("killed: %w", context.Cause(ctx))
	case cmd.Process == nil && unrunnable(err):
		return out, fmt.Errorf("%w: %w", ErrCannotRun, err)
	case errors.As(err, &exited) && exited.Exited():
		return out, nil
	}
	return out, err
}

// Find looks a program up: a name with a slash is the path itself, another one
// is searched in PATH and then in dirs. What is not there is an error that is
// fs.ErrNotExist; what is there but cannot be executed is found.
func Find(name string, dirs ...string) (string, error) {
	if strings.Contains(name, "/") {
		_, err := os.Stat(name)
		return name, err
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// unrunnable is whether a program is missing or none. That the system is short of
// processes or memory is not it.
func unrunnable(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, syscall.ENOEXEC) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, exec.ErrDot)
}

// FirstLine is the first line of what the program complained about, for errors:
// valid UTF-8 of at most 512 bytes.
func (o Output) FirstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(o.Stderr)), "\n")
	return outside.Text(line)
}

var errFull = errors.New("full")

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
