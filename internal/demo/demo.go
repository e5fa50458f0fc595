// Package demo runs the exporter as a product without any hardware: the real binary,
// with fakes in the place of drives, enclosures, pools and appliances, and with a real
// Redis and Prometheus beside it where these are installed. Every identifier is made up.
//
// It is also the rig of the tests of what operators look at: a test starts it, makes
// something fail, and sees what becomes of it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"storage_exporter/internal/kit"
)

// Options are what is run. Exporter and Tools are needed; Build makes both.
type Options struct {
	Exporter string // the binary
	Tools    string // the directory of fakesmartctl and fakezpool
	// Dir is where all files lie. It must be there; Close does not remove it.
	Dir string
	// Out is for hints, which may come from several goroutines; nil: none are given.
	Out io.Writer
	// Redis and Prometheus are wanted where they are installed.
	Redis, Prometheus bool
	// Rules is the directory whose *.yml Prometheus loads, with each `for` cut to a
	// minute; empty or not there: none.
	Rules string
	Note  string   // shown beside the host's name; "demo" if empty
	Flags []string // further ones of the exporter
	// Broken are the names of faults that are in force from the start.
	Broken []string
}

// The nodes of the fleet, and the proxies as the first of them calls them.
const (
	node1, node2 = "storage-01", "storage-02"
	proxyUp      = node2
	proxyDown    = "storage-03"
)

// Demo is what runs.
type Demo struct {
	opts Options
	kit  *kit.Program
	ctx  context.Context // ends at Close
	stop context.CancelFunc
	run  sync.WaitGroup // for what goes on by itself

	big, small *host
	volumes    *volumes
	load       *load

	fleet      bool     // there is a Redis
	prometheus *process // nil: not run
	second     *process // the exporter of the small host

	firstPort, secondPort, thirdPort *port

	mu    sync.Mutex // held by what changes the hosts and the processes; guards the fields below
	ended bool       // no fault is made any more
	first *process   // the exporter
	third *process   // while the proxy that is down is up
	redis *process   // nil: not run
}

// Start runs everything, and returns when the exporter answers. Await waits until it
// knows all.
func Start(ctx context.Context, o Options) (*Demo, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	for _, path := range []*string{&o.Exporter, &o.Tools, &o.Dir} { // its children have a directory of their own
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	for attempt := 0; ; attempt++ {
		d := &Demo{opts: o, kit: kit.New(o.Dir)}
		d.ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
		err := d.start(ctx)
		if err == nil {
			return d, nil
		}
		if err = errors.Join(err, d.Close()); attempt == 3 || !portTaken(err) {
			return nil, err
		}
	}
}

func (d *Demo) start(ctx context.Context) error {
	began := time.Now()
	err := d.kit.Try(func(t kit.T) {
		d.big = newHost(t, d.opts.Tools, node1)
		d.big.plugStorage(began)
		d.small = newHost(t, d.opts.Tools, node2)
		d.small.plugSmall(began)
		d.volumes = newVolumes(t, d.big)
	})
	if err != nil {
		return fmt.Errorf("make the hardware: %w", err)
	}
	for _, p := range []**port{&d.firstPort, &d.secondPort, &d.thirdPort} {
		if *p, err = hold(); err != nil {
			return err
		}
	}
	d.load = newLoad(d.big, d.small)
	if err := d.startRedis(ctx); err != nil {
		return err
	}
	if err := d.breakFirst(ctx); err != nil {
		return err
	}
	if err := d.startExporters(); err != nil {
		return err
	}
	if err := d.startPrometheus(); err != nil {
		return err
	}
	d.run.Go(d.live)
	return d.first.listens(ctx)
}

// breakFirst breaks what is to be broken from the start.
func (d *Demo) breakFirst(ctx context.Context) error {
	faults := d.Faults()
	for _, name := range d.opts.Broken {
		i := slices.IndexFunc(faults, func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return fmt.Errorf("%q is no fault", name)
		}
		if err := faults[i].Break(ctx); err != nil {
			return err
		}
	}
	return nil
}

// live lets the hosts go on as hosts do.
func (d *Demo) live() {
	asleep, load, ages := time.NewTicker(sleepInterval), time.NewTicker(loadInterval), time.NewTicker(ageInterval)
	defer asleep.Stop()
	defer load.Stop()
	defer ages.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-load.C:
			d.load.work()
		case now := <-ages.C:
			if err := d.age(now); err != nil {
				d.say("The drives do not age: %v", err)
			}
		case <-asleep.C:
			if err := d.fallAsleep(); err != nil {
				d.say("No drive sleeps: %v", err)
			}
		}
	}
}

func (d *Demo) age(now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.volumes.forget()
	return d.kit.Try(func(kit.T) {
		d.big.age(now)
		d.small.age(now)
	})
}

// say gives a hint.
func (d *Demo) say(format string, args ...any) { fmt.Fprintf(d.opts.Out, format+"\n", args...) }

// URL is the exporter's, without a slash at its end.
func (d *Demo) URL() string { return "http://" + d.firstPort.address }

// PrometheusURL is that of Prometheus; empty without one.
func (d *Demo) PrometheusURL() string {
	if d.prometheus == nil {
		return ""
	}
	return "http://" + d.prometheus.at.address
}

// Fleet says whether the exporter shows a fleet: with Redis.
func (d *Demo) Fleet() bool { return d.fleet }

// Ended is closed when the exporter that runs now has ended.
func (d *Demo) Ended() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first.done
}

// Log is the end of what the exporter has said.
func (d *Demo) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first.tail()
}

// PIDs are the processes that were started and run.
func (d *Demo) PIDs() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var pids []int
	for _, p := range []*process{d.first, d.second, d.third, d.redis, d.prometheus} {
		if p.running() {
			pids = append(pids, p.pid())
		}
	}
	return pids
}

// Close ends everything and waits for it.
func (d *Demo) Close() error {
	d.stop()
	d.run.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	var all sync.WaitGroup
	for _, p := range []*process{d.first, d.second, d.third, d.prometheus} {
		all.Go(p.end)
	}
	all.Wait()
	d.redis.end() // after those that write to it
	for _, p := range []*port{d.firstPort, d.secondPort, d.thirdPort} {
		p.free()
	}
	d.kit.Close()
	return nil
}

// link puts a name for a program in place.
func link(t kit.T, program, name string) {
	t.Helper()
	if err := os.Symlink(program, name); err != nil {
		t.Fatal(err)
	}
}
