package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"storage_exporter/event"
	"storage_exporter/internal/redistest"
)

// Each part is killed and stopped in turn while Prometheus scrapes: the sentinels, the
// replica, the master, the exporters. A volume goes away with the one master and a drive
// fails with the other.
func TestSentinelOutage(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redistest.SentinelOptions{})
	args := []string{"--redis.mode=sentinel", "--redis.master-name=" + s.Name}
	for _, addr := range s.Addrs() {
		args = append(args, "--redis.address="+addr)
	}
	o := startOutage(t, args...)
	_, before := o.drives.Runs()
	from := time.Now()
	for _, sentinel := range s.Sentinels {
		o.inTurn(sentinel, s.AwaitWell)
	}
	o.inTurn(s.Replica, s.AwaitWell)
	_, after := o.drives.Runs()
	for drive, n := range after {
		if most := int(time.Since(from)/(2*time.Second)) + 2; n-before[drive] > most {
			t.Errorf("%s was asked %d times by both replicas, alone at most %d", drive, n-before[drive], most)
		}
	}

	o.trouble("the master is stopped, a volume goes away", func() {
		s.Master.Pause()
		if err := os.Remove(o.away); err != nil {
			t.Error(err)
		}
	}, func() { s.AwaitReplaced(s.Master) })
	o.once(event.Volume, "away", "offline")
	s.Master.Resume()
	s.Follow(s.Master)

	o.trouble("the new master is killed, a drive fails", func() {
		s.Replica.Kill()
		o.fail("/dev/sda")
	}, func() { s.AwaitReplaced(s.Replica) })
	o.once(event.Drive, "sda", "failing")
	s.Replica.Restart()
	s.Follow(s.Replica)

	for _, m := range o.all {
		m.without(syscall.SIGSTOP, func() { o.scrapes(1) })
		m.without(syscall.SIGKILL, func() { o.scrapes(1) })
	}
	if err := os.Mkdir(o.away, 0o700); err != nil {
		t.Fatal(err)
	}
	o.once(event.Volume, "away", "healthy")
	o.await("all to be well", o.complete)
	o.check()
}
