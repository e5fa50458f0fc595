package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
	"storage_exporter/internal/redistest"
	"storage_exporter/overview"
)

// enclosures makes a host of drives in enclosures of 26, each enclosure a pool's group of
// raidz2, and returns the flags for it. Every sixth drive is a SAS disk. It
// changes PATH.
func enclosures(t testing.TB, drives int) (flags []string, f *fleet.Fleet, pools fake.Host) {
	t.Helper()
	const bays = 26
	tree := enclosuretest.New(t)
	var list []fleet.Drive
	var enclosure enclosuretest.Enclosure
	pool := fake.Pool{Name: "tank", GUID: "1000", State: "ONLINE"}
	var disks []fake.Vdev
	for n := range drives {
		name := blocktest.DiskName(n)
		d := fleet.ATA("/dev/"+name, n, 14)
		wwid, serial := fmt.Sprintf("naa.5000c50%09x", 2900000000+n), fmt.Sprintf("EXA%07d", n)
		if n%6 == 5 {
			d = fleet.SCSI("/dev/"+name, n)
			wwid, serial = fmt.Sprintf("naa.5000c500%08x", 0xa0000000+n), fmt.Sprintf("EXS%07d", n)
		}
		list = append(list, d)
		host := n / bays
		tree.AddDisk(blocktest.Disk{Name: name, Address: fmt.Sprintf("%d:0:%d:0", host, n%bays), WWID: wwid, Serial: serial, Model: "EXAMPLE"})
		enclosure.Bays = append(enclosure.Bays, enclosuretest.Bay{
			Name: fmt.Sprintf("Slot %02d", n%bays), Slot: strconv.Itoa(n % bays), Status: "OK", Fault: "0", Locate: "0", Power: "on", Disk: name,
		})
		disks = append(disks, fake.Disk("/dev/"+name, strconv.Itoa(90000000+n)))
		if n%bays == bays-1 || n == drives-1 {
			enclosure.Address, enclosure.ID = fmt.Sprintf("%d:0:99:0", host), fmt.Sprintf("0x50030480%08x", host)
			enclosure.Vendor, enclosure.Model, enclosure.Rev = "EXAMPLE", "JBOD-26", "0104"
			tree.AddEnclosure(enclosure)
			pool.Vdevs = append(pool.Vdevs, fake.Group("raidz", fmt.Sprintf("raidz2-%d", host), strconv.Itoa(80000000+host), disks...))
			enclosure, disks = enclosuretest.Enclosure{}, nil
		}
	}
	smartctl, f := faketest.New(t, list...)
	pools = zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: []fake.Pool{pool}})
	t.Setenv("PATH", filepath.Dir(pools.Path())+string(os.PathListSeparator)+os.Getenv("PATH"))
	return []string{"--smartctl.path=" + smartctl, "--path.sysfs=" + tree.Sys(), "--path.udev.data=" + tree.Udev()}, f, pools
}

// awaitOverview waits until all drives are assessed, in their slots and pools.
func (in *instance) awaitOverview(drives int) (body string) {
	in.t.Helper()
	in.await("a whole overview", func() bool {
		var status int
		var o overview.Overview
		status, _, body = in.get("/api/overview")
		if status != http.StatusOK || json.Unmarshal([]byte(body), &o) != nil || o.Counts.Pools == nil {
			return false
		}
		c := o.Counts.Drives
		return c.Total == drives && c.InSlots == drives && c.ByVerdict["unknown"] == 0 && o.Counts.Pools.Total == 1 && o.Pools[0].Vdevs[drives].Slot != ""
	})
	return body
}

// BenchmarkOverview is the overview of drives in enclosures of 26 from a real Redis
// over HTTP, beside what a bare handler needs for the same bytes.
func BenchmarkOverview(b *testing.B) {
	for _, drives := range []int{78, 250, 500, 1000} {
		b.Run(fmt.Sprintf("drives=%d", drives), func(b *testing.B) {
			flags, _, _ := enclosures(b, drives)
			server := redistest.Start(b, redistest.Options{})
			in := start(b, append(flags, "--redis.address="+server.Addr)...)
			in.awaitReady()
			body := in.awaitOverview(drives)
			b.Logf("%d bytes", len(body))
			time.Sleep(3 * time.Second) // until the rebuild that is due is over
			ready := []byte(body)
			bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				_, _ = w.Write(ready)
			}))
			defer bare.Close()
			for _, clients := range []int{1, 50} {
				b.Run(fmt.Sprintf("clients=%d/exporter", clients), func(b *testing.B) { measure(b, in.url+"/api/overview", clients, false) })
				b.Run(fmt.Sprintf("clients=%d/bare-handler", clients), func(b *testing.B) { measure(b, bare.URL, clients, false) })
			}
			b.Run("clients=1/filtered", func(b *testing.B) { measure(b, in.url+"/api/overview?assessment=failing,warning", 1, false) })
		})
	}
}
