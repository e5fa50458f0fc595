package demo

import (
	"fmt"
	"time"

	"storage_exporter/internal/fakezpool/fake"
)

// The pools of the big host.
const (
	healthyPool  = "tank"
	degradedPool = "archive"
)

// resilver is what the degraded pool has to look at, in bytes, and how much of that in
// percent it had done when the demo began. It goes on by a percent a minute.
const (
	resilverBytes   = 131 << 40
	resilverPercent = 37
)

// plugPools makes them of the drives in the enclosures: tank of the first two,
// archive of the third. Of archive a drive has failed, and a spare takes its place.
func (h *host) plugPools() {
	members := make(map[string][]fake.Vdev)
	for _, letter := range []string{"A", "B", "C"} {
		for n := range shelfDrives {
			members[letter] = append(members[letter], member(letter, n))
		}
	}
	tank := fake.Pool{Name: healthyPool, GUID: "4711000000000000001", State: "ONLINE"}
	both := append(append([]fake.Vdev{}, members["A"]...), members["B"]...)
	const width = 10
	for g := range 5 {
		tank.Vdevs = append(tank.Vdevs, fake.Group("raidz", fmt.Sprintf("raidz2-%d", g), guid(900+g), both[g*width:(g+1)*width]...))
	}
	tank.Spares = []fake.Vdev{spare(both[50], "AVAIL"), spare(both[51], "AVAIL")}

	archive := fake.Pool{
		Name: degradedPool, GUID: "4711000000000000002", State: "DEGRADED",
		Status: "One or more devices is being resilvered. The pool goes on to work, in a degraded state.",
		Action: "Wait for the resilver to complete, then replace the faulted device.",
	}
	c := members["C"]
	failed, instead := c[11], c[24]
	failed.State, failed.Note, failed.Read, failed.Write = "FAULTED", "too many errors", 213, 9
	instead.Note = "(resilvering)"
	first := append(append([]fake.Vdev{}, c[:11]...), fake.Group("spare", "spare-11", guid(930), failed, instead))
	archive.Vdevs = []fake.Vdev{
		fake.Group("raidz", "raidz2-0", guid(910), first...),
		fake.Group("raidz", "raidz2-1", guid(911), c[12:24]...),
	}
	archive.Spares = []fake.Vdev{spare(c[24], "INUSE"), spare(c[25], "AVAIL")}
	h.pools = []fake.Pool{tank, archive}
}

func guid(n int) string { return fmt.Sprint(4711000000000001000 + n) }

func member(letter string, n int) fake.Vdev {
	return fake.Disk(memberPath(fmt.Sprint(letter, n)), guid(int(letter[0]-'A')*100+n))
}

// memberPath is what a pool calls the drive in a slot.
func memberPath(place string) string { return "/dev/disk/by-vdev/" + place + "-part1" }

func spare(v fake.Vdev, state string) fake.Vdev {
	v.State, v.Note = state, ""
	return v
}

// showPools writes what zpool says now.
func (h *host) showPools(now time.Time) {
	pools := make([]fake.Pool, len(h.pools))
	for i, p := range h.pools {
		switch p.Name {
		case healthyPool:
			end := h.began.Add(-3 * 24 * time.Hour)
			p.Scan = &fake.Scan{
				Function: "SCRUB", State: "FINISHED", Start: end.Add(-19 * time.Hour).Unix(), End: end.Unix(),
				ToExamine: 518 << 40, Examined: 518 << 40, Issued: 518 << 40,
			}
		case degradedPool:
			minutes := now.Sub(h.began).Minutes()
			done := uint64((resilverPercent + min(minutes, 62)) / 100 * resilverBytes)
			p.Scan = &fake.Scan{
				Function: "RESILVER", State: "SCANNING", Start: h.began.Add(-4 * time.Hour).Unix(),
				ToExamine: resilverBytes, Examined: min(done+done/20, resilverBytes), Issued: done, Repaired: done / 12,
			}
		}
		pools[i] = p
	}
	if err := h.zpool.Behave(fake.Behaviour{Version: "2.3", Pools: pools}); err != nil {
		h.t.Fatal(err)
	}
}

// setMember changes the state of a member of the healthy pool, which is degraded where
// one is not online.
func (h *host) setMember(place, state string) {
	pool := &h.pools[0]
	pool.State, pool.Status, pool.Action = "ONLINE", "", ""
	for g := range pool.Vdevs {
		group := &pool.Vdevs[g]
		group.State = "ONLINE"
		for i := range group.Children {
			m := &group.Children[i]
			if m.Name == memberPath(place) {
				m.State, m.Note, m.Read, m.Write = state, "", 0, 0
				if state == "FAULTED" {
					m.Note, m.Read, m.Write = "too many errors", 87, 3
				}
			}
			if m.State != "ONLINE" {
				group.State, pool.State = "DEGRADED", "DEGRADED"
				pool.Status = "One or more devices are faulted or removed. The pool goes on to work, in a degraded state."
				pool.Action = "Replace the device, or bring it online again."
			}
		}
	}
	h.showPools(time.Now())
}
