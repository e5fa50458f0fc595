package demo

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// How long a program may take to answer, and to end before it is killed.
const (
	startTime = 20 * time.Second
	endTime   = 6 * time.Second
)

// process is a program that runs in a process group of its own. The nil one does not.
type process struct {
	name string
	at   *port  // where it listens
	log  string // the file with what it says
	cmd  *exec.Cmd
	done chan struct{} // closed when it has been waited for
}

// startProcess runs a program that is to listen on a port, and whose log is a file of that
// name. Where this process is killed, the program gets the signal.
func (d *Demo) startProcess(name string, at *port, death syscall.Signal, program string, args ...string) (*process, error) {
	p := &process{name: name, at: at, log: filepath.Join(d.opts.Dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(context.Background(), program, args...) // end is what ends it
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = d.opts.Dir, log, log
	p.cmd.Env = environment()
	// The signal comes when the thread that forks ends, and the runtime keeps its threads.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	at.free()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// environment is ours without what would change the exporter's configuration.
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REDIS_") && !strings.HasPrefix(v, "SMART_") {
			kept = append(kept, v)
		}
	}
	return kept
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal goes to the whole group.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.pid(), s) }

// end asks the group to end, kills it where it does not, and waits.
func (p *process) end() {
	if !p.running() {
		return
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(endTime):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// tail is the end of its log.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// listens returns when the program accepts connections.
func (p *process) listens(ctx context.Context) error {
	dialer := net.Dialer{Timeout: time.Second}
	return p.await(ctx, "to listen", func() bool {
		conn, err := dialer.DialContext(ctx, "tcp", p.at.address)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// await asks until the condition holds, and fails where the program ends before.
func (p *process) await(ctx context.Context, what string, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !condition() {
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended:\n%s", p.name, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s %s: %w\n%s", p.name, what, ctx.Err(), p.tail())
		case <-every.C:
		}
	}
	return nil
}

// portTaken is whether what failed to start says that another process has taken the
// port that was just found free.
func portTaken(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "address already in use")
}
