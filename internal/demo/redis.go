package demo

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// startRedis runs a Redis where one is wanted and installed.
func (d *Demo) startRedis(ctx context.Context) error {
	if !d.opts.Redis {
		return nil
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		d.say("Without Redis there is no fleet, and the store is memory. To see both: apt-get install redis-server")
		return nil
	}
	at, err := hold()
	if err != nil {
		return err
	}
	if d.redis, err = d.runRedis(program, at); err != nil {
		return err
	}
	d.fleet = true
	return d.redis.listens(ctx)
}

func (d *Demo) runRedis(program string, at *port) (*process, error) {
	dir, err := os.MkdirTemp(d.opts.Dir, "redis")
	if err != nil {
		return nil, err
	}
	return d.startProcess("redis-server", at, syscall.SIGKILL, program, "--bind", "127.0.0.1", "--port", strconv.Itoa(at.number), "--dir", dir, "--save", "", "--appendonly", "no")
}

// stopRedis leaves its port to it.
func (d *Demo) stopRedis(context.Context) error {
	d.redis.end()
	return d.redis.at.hold()
}

// restartRedis starts it anew at its address.
func (d *Demo) restartRedis(ctx context.Context) error {
	if d.redis.running() {
		return nil
	}
	p, err := d.runRedis(d.redis.cmd.Path, d.redis.at)
	if err != nil {
		return err
	}
	d.redis = p
	return p.listens(ctx)
}
