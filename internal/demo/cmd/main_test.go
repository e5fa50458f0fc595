package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/demo"
)

// command is the demo as people start it.
type command struct {
	*exec.Cmd
	said []string
}

// build compiles it with all that it runs.
func build(t *testing.T) (binary string, o demo.Options) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	o, err := demo.Build(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "demo")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, o
}

// startCommand starts it; where memory is short its files lie in tmp.
func startCommand(t *testing.T, tmp, binary string, o demo.Options) *command {
	t.Helper()
	c := &command{Cmd: exec.Command(binary, "--exporter="+o.Exporter, "--tools="+o.Tools, "--rules=")}
	c.Env = append(os.Environ(), "TMPDIR="+tmp)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		c.said = append(c.said, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return c
		}
	}
	t.Fatalf("it said only %q", c.said)
	return nil
}

// below are the processes below one.
func below(t *testing.T, pid int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(append(pids, child), below(t, child)...)
		}
	}
	return pids
}

// runs is whether a process does more than wait for its parent.
func runs(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

var ours = regexp.MustCompile(`/storage_exporter-demo-\d+/`)

// directory is where a process of the demo keeps its files.
func directory(t *testing.T, pids []int) string {
	t.Helper()
	for _, pid := range pids {
		argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		for arg := range strings.SplitSeq(string(argv), "\x00") {
			if at := ours.FindStringIndex(arg); at != nil {
				return arg[strings.IndexByte(arg, '/'):at[1]]
			}
		}
	}
	t.Fatal("no process has a directory")
	return ""
}

// However it is ended, no process of it is left: not by Ctrl-C, nor where it was killed.
// What a killed one left of files the next one removes.
func TestNothingIsLeft(t *testing.T) {
	binary, o := build(t)
	tmp := t.TempDir()
	var left string
	for _, tt := range []struct {
		name   string
		signal syscall.Signal
	}{{"killed", syscall.SIGKILL}, {"Ctrl-C", syscall.SIGINT}, {"terminated", syscall.SIGTERM}} {
		t.Run(tt.name, func(t *testing.T) {
			c := startCommand(t, tmp, binary, o)
			if !strings.HasPrefix(c.said[0], "Overview") || !strings.HasSuffix(c.said[0], "/overview") {
				t.Errorf("it begins with %q", c.said[0])
			}
			pids := below(t, c.Process.Pid)
			if len(pids) < 2 {
				t.Fatalf("processes %v", pids)
			}
			if left != "" {
				if _, err := os.Stat(left); err == nil {
					t.Errorf("%s of a demo that was killed is there still", left)
				}
			}
			dir := directory(t, pids)
			if err := c.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); (err == nil) != (tt.signal != syscall.SIGKILL) {
				t.Errorf("it ended with %v", err)
			}
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				var rest []int
				for _, pid := range pids {
					if runs(pid) {
						rest = append(rest, pid)
					}
				}
				if len(rest) == 0 {
					break
				}
				if time.Now().After(end) {
					for _, pid := range rest {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
					t.Fatalf("processes %v were left", rest)
				}
			}
			_, err := os.Stat(dir)
			if tt.signal == syscall.SIGKILL {
				left = dir
			} else if err == nil {
				t.Errorf("%s is left", dir)
			}
		})
	}
}
