package demo

import (
	"context"
	"net"
	"os"
	"os/exec"
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
	d.redis, err = onFreePort(ctx, "redis-server", func(address string) (*process, error) { return d.runRedis(program, address) })
	return err
}

func (d *Demo) runRedis(program, address string) (*process, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(d.opts.Dir, "redis")
	if err != nil {
		return nil, err
	}
	return d.startProcess("redis", syscall.SIGKILL, program, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no")
}

// restartRedis starts it anew at its address.
func (d *Demo) restartRedis(ctx context.Context) error {
	if d.redis.running() {
		return nil
	}
	address := d.redis.address
	p, err := d.runRedis(d.redis.cmd.Path, address)
	if err != nil {
		return err
	}
	p.address, d.redis = address, p
	return p.await(ctx, "redis-server", func() bool { return listens(address) })
}
