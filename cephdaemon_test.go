package main

import (
	"bytes"
	"os/exec"
	"syscall"
	"testing"
)

// cephDaemon is one process of the cluster.
type cephDaemon struct {
	tb   testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has been waited for
}

// daemon starts a process in the foreground. It is killed when the test ends, and
// should that be by a crash, by the kernel.
func (c *cephCluster) daemon(name string, args ...string) *cephDaemon {
	c.tb.Helper()
	var log bytes.Buffer
	d := &cephDaemon{tb: c.tb, cmd: exec.Command(name, append([]string{"--conf", c.conf(), "-f"}, args...)...), done: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = &log, &log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		c.tb.Fatal(err)
	}
	go func() {
		defer close(d.done)
		_ = d.cmd.Wait()
	}()
	c.tb.Cleanup(func() {
		select {
		case <-d.done:
			if !d.killed() {
				c.tb.Errorf("%s ended by itself: %v\n%s", name, d.cmd.ProcessState, &log)
			}
		default:
		}
		d.Kill()
	})
	return d
}

func (d *cephDaemon) killed() bool {
	state, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && state.Signaled() && state.Signal() == syscall.SIGKILL
}

// Stop makes the process stand still: its connections live, and nobody answers.
func (d *cephDaemon) Stop() { d.signal(syscall.SIGSTOP) }

// Continue lets a stopped process go on.
func (d *cephDaemon) Continue() { d.signal(syscall.SIGCONT) }

func (d *cephDaemon) signal(s syscall.Signal) {
	d.tb.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.tb.Errorf("signal %v to %s: %v", s, d.cmd.Path, err)
	}
}

// Kill ends the process and waits for it.
func (d *cephDaemon) Kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}
