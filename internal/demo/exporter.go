package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/volume"
)

// intervals are shorter than what a user has: what changes is to be seen soon.
const intervals = `[enclosures]
interval = "5s"
[zfs]
interval = "5s"
[volumes]
performance_interval = "5s"
performance_timeout = "3s"
health_check_interval = "5s"
health_check_timeout = "3s"
usage_interval = "20s"
`

// startExporters starts that of the small host, and that of the big one, which polls it.
// It does not wait for them.
func (d *Demo) startExporters() error {
	config, err := d.volumes.config()
	if err != nil {
		return err
	}
	config += polled(proxyUp, d.secondPort) + polled(proxyDown, d.thirdPort)
	flags := slices.Clone(d.opts.Flags)
	if d.fleet {
		flags = append(flags, "--fleet", `--fleet.targets=127\.0\.0\.1:[0-9]+`)
	}
	if d.first, err = d.startExporter(d.big, d.firstPort, config, flags...); err != nil {
		return err
	}
	if config, err = newLocal(d.small).config(); err != nil {
		return err
	}
	d.second, err = d.startExporter(d.small, d.secondPort, config)
	return err
}

// polled is a proxy in the exporter's file.
func polled(name string, at *port) string {
	return fmt.Sprintf("[proxy.%s]\nurl = \"http://%s\"\nmetrics = %q\ninterval = \"5s\"\ntimeout = \"2s\"\n", name, at.address, at.address)
}

// startExporter starts that of a host.
func (d *Demo) startExporter(h *host, at *port, config string, flags ...string) (*process, error) {
	file := filepath.Join(d.opts.Dir, h.name+".toml")
	if err := os.WriteFile(file, []byte(intervals+config), 0o600); err != nil {
		return nil, err
	}
	args := slices.Concat(h.flags(), flags, []string{
		"--config.file=" + file, "--web.listen-address=" + at.address, "--web.note=" + cmp.Or(d.opts.Note, "demo"), "--web.external-url=http://" + at.address,
		"--node.name=" + h.name, "--node.url=http://" + at.address,
	})
	if d.fleet {
		args = append(args, "--redis.address="+d.redis.at.address)
	}
	// It ends its own children, which a kill would leave alone.
	return d.startProcess(h.name, at, syscall.SIGTERM, d.opts.Exporter, args...)
}

// Restart ends the exporter and starts it anew at its address: then it looks at once at
// what it else looks at seldom.
func (d *Demo) Restart(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return errEnded
	}
	d.first.end()
	if err := d.setAsleep(false); err != nil {
		return err
	}
	first, err := d.startProcess(d.first.name, d.firstPort, syscall.SIGTERM, d.opts.Exporter, d.first.cmd.Args[1:]...)
	if err != nil {
		return err
	}
	d.first = first
	return d.first.listens(ctx)
}

// Await returns when the exporter knows all of its drives, pools, volumes and proxies,
// and the others answer.
func (d *Demo) Await(ctx context.Context) error {
	for _, p := range []*process{d.second, d.prometheus} {
		if p != nil {
			if err := p.listens(ctx); err != nil {
				return err
			}
		}
	}
	d.mu.Lock()
	first := d.first
	d.mu.Unlock()
	return first.await(ctx, "to know everything", func() bool {
		o, err := d.Overview(ctx)
		return err == nil && whole(o)
	})
}

// whole is whether everything that there is has been observed.
func whole(o *overview.Overview) bool {
	for _, v := range o.Volumes {
		if v.Status == "" || v.Status == volume.Unknown {
			return false
		}
	}
	for _, p := range o.Proxies {
		if p.Status == "" || p.Status == proxy.Unknown {
			return false
		}
	}
	drives := o.Counts.Drives
	return drives != nil && drives.Total > 0 && drives.ByVerdict[assess.Unknown] == 0 && len(o.Enclosures) > 0 && len(o.Pools) > 0
}

// Overview is what the exporter's API shows now.
func (d *Demo) Overview(ctx context.Context) (*overview.Overview, error) {
	var o overview.Overview
	return &o, d.ask(ctx, "/api/overview", &o)
}

// ask reads an answer of the exporter.
func (d *Demo) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL()+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
