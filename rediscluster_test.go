package main

import (
	"os"
	"syscall"
	"testing"

	"storage_exporter/event"
	"storage_exporter/internal/redistest"
)

// Each node is stopped and killed in turn while Prometheus scrapes. What it has is lost
// with it: there are no replicas. Meanwhile the exporter that is sending an event is
// stopped, and its replica sends it.
func TestClusterOutage(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	args := []string{"--redis.mode=cluster"}
	for _, addr := range c.Addrs() {
		args = append(args, "--redis.address="+addr)
	}
	o := startOutage(t, args...)

	o.calls.setHang(true)
	if err := os.Remove(o.away); err != nil {
		t.Fatal(err)
	}
	cut := o.once(event.Volume, "away", "offline")
	o.calls.setHang(false)
	holder, heir := o.a1, o.a2
	if len(o.calls.of("/"+holder.name)) == 0 {
		holder, heir = heir, holder
	}
	o.cutOff[cut.ID] = 1
	holder.without(syscall.SIGSTOP, func() {
		for _, node := range c.Nodes {
			o.trouble("a node is stopped", node.Pause, node.Resume)
		}
		o.await("the other's delivery", func() bool {
			got := o.calls.of("/" + heir.name)
			return len(got) == 1 && got[0].ID == cut.ID
		})
		o.await("its end", func() bool { return o.each(`storage_webhook_pending{webhook="w"}`, 0) })
	})
	// The one that stood still lets go of what was sent meanwhile.
	o.await("nothing to be sent", func() bool { return o.each(`storage_webhook_pending{webhook="w"}`, 0) && o.complete() })

	for _, node := range c.Nodes {
		o.trouble("a node is killed", node.Kill, node.Restart)
	}
	o.b.without(syscall.SIGKILL, func() { o.scrapes(1) })
	if err := os.Mkdir(o.away, 0o700); err != nil {
		t.Fatal(err)
	}
	o.once(event.Volume, "away", "healthy")
	o.await("all to be well", o.complete)
	o.check()
}
