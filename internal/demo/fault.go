package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/kit"
)

var errEnded = errors.New("the demo has ended")

// Fault is one thing that can be broken and repaired while the demo runs, as often as
// one likes.
type Fault struct {
	Name           string // for tests and people: drive-fails
	Broken, Mended string // what has happened, in a few words

	demo             *Demo
	breaks, restores func(ctx context.Context) error
}

// Break makes it happen. What an exporter sees of it, it sees when it looks next.
func (f Fault) Break(ctx context.Context) error { return f.do(ctx, "break", f.breaks) }

// Repair makes it good.
func (f Fault) Repair(ctx context.Context) error { return f.do(ctx, "repair", f.restores) }

func (f Fault) do(ctx context.Context, what string, act func(context.Context) error) error {
	f.demo.mu.Lock()
	defer f.demo.mu.Unlock()
	if f.demo.ended {
		return errEnded
	}
	if err := act(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, f.Name, err)
	}
	return nil
}

// The drives that faults are about.
const (
	failingPlace = "B4"
	vanishPlace  = "A22"
	memberPlace  = "A3"
	lightPlace   = "C2"
)

// Faults are all that there are, in the order in which they are good to look at.
func (d *Demo) Faults() []Fault {
	made := func(f func(broken bool)) (breaks, repairs func(context.Context) error) {
		act := func(broken bool) func(context.Context) error {
			return func(context.Context) error { return d.kit.Try(func(kit.T) { f(broken) }) }
		}
		return act(true), act(false)
	}
	var all []Fault
	hardware := func(name, broken, mended string, f func(broken bool)) {
		breaks, restores := made(f)
		all = append(all, Fault{name, broken, mended, d, breaks, restores})
	}
	hardware("drive-fails", "the drive in slot "+failingPlace+" has pending sectors", "the drive in slot "+failingPlace+" is well again", d.failDrive)
	hardware("drive-vanishes", "the drive in slot "+vanishPlace+" was pulled, and pool "+healthyPool+" lacks it", "the drive is in slot "+vanishPlace+" again", d.pullDrive)
	hardware("pool-degrades", "pool "+healthyPool+" is degraded: the drive in slot "+memberPlace+" has too many errors", "pool "+healthyPool+" is online again",
		func(broken bool) {
			if broken {
				d.big.setMember(memberPlace, "FAULTED")
			} else {
				d.big.setMember(memberPlace, "ONLINE")
			}
		})
	hardware("slot-light", "the fault light of slot "+lightPlace+" is on", "the fault light of slot "+lightPlace+" is off", d.lightSlot)
	all = append(all, d.volumes.faults(d)...)
	all = append(all, Fault{"proxy-appears", "proxy " + proxyDown + " has come up", "proxy " + proxyDown + " has gone down", d, d.startThird, d.endThird})
	if d.fleet {
		all = append(all, Fault{
			"redis-stops", "Redis was stopped", "Redis runs again, empty", d,
			d.stopRedis, d.restartRedis,
		})
	}
	return all
}

func (d *Demo) failDrive(broken bool) {
	drive := d.big.at(failingPlace)
	drive.broken = nil
	if broken {
		drive.broken = losesSectors
	}
	d.big.show(drive)
}

func (d *Demo) pullDrive(broken bool) {
	drive, tree := d.big.at(vanishPlace), d.big.tree
	if drive.gone == broken {
		return
	}
	drive.gone = broken
	bay := enclosuretest.BayPath(drive.at, drive.bay)
	if broken {
		if err := d.big.fleet.Remove(drive.device(), "scsi"); err != nil {
			d.big.t.Fatal(err)
		}
		tree.Remove(filepath.Join(bay, "device"))
		tree.RemoveDisk(drive.disk())
		tree.Attribute(bay, "status", "not installed")
		tree.Attribute(bay, "power_status", "off")
		d.big.setMember(vanishPlace, "REMOVED")
		return
	}
	d.big.plug(drive, vanishPlace)
	disk := tree.Resolve(filepath.Join("sys/block", drive.kernel, "device"))
	tree.Link(filepath.Join(bay, "device"), disk)
	tree.Link(filepath.Join(disk, "enclosure_device:"+drive.bay), bay)
	tree.Attribute(bay, "status", "OK")
	tree.Attribute(bay, "power_status", "on")
	d.big.show(drive)
	d.big.setMember(vanishPlace, "ONLINE")
}

func (d *Demo) lightSlot(broken bool) {
	drive := d.big.at(lightPlace)
	value := lightOff
	if broken {
		value = lightOn
	}
	d.big.tree.Attribute(enclosuretest.BayPath(drive.at, drive.bay), "fault", value)
}

// startThird runs a third exporter, which is the proxy that is down.
func (d *Demo) startThird(ctx context.Context) (err error) {
	if d.third.running() {
		return nil
	}
	file := filepath.Join(d.opts.Dir, node2+".toml")
	d.third, err = d.startProcess(proxyDown, d.thirdPort, syscall.SIGTERM, d.opts.Exporter, "--collector.disable-defaults", "--collector.vfs",
		"--config.file="+file, "--path.rootfs="+d.small.tree.Path(""), "--path.procfs="+d.small.tree.Path("proc"), "--path.sysfs="+d.small.tree.Sys(),
		"--web.listen-address="+d.thirdPort.address)
	if err != nil {
		return err
	}
	return d.third.listens(ctx)
}

func (d *Demo) endThird(context.Context) error {
	d.third.end()
	return d.thirdPort.hold()
}
