package mount

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"storage_exporter/block"
	"storage_exporter/volume"
)

// below is what a mount's file system stands on, as far as it is to be seen.
type below struct {
	devices []string       // the block devices' names
	found   volume.Verdict // on arrays: a lost member of any kind is judged alike
}

// below looks at the arrays that a mount's file system is, or lies on.
func (p *Point) below(ctx context.Context, m Mount, table Table) below {
	var b below
	m, err := table.under(m)
	switch {
	case err != nil:
		return b
	case m.FSType == "zfs":
		p.host.zpool(&b.found, m)
		return b
	}
	on, _ := p.devices(ctx, m)
	if on.Lacks > 0 {
		b.found.Worsen(volume.Degraded, "the %s at %s lacks %s", m.FSType, m.Point, part(on.Lacks, on.Disks, "devices"))
	}
	for _, d := range on.Devices {
		b.devices = append(b.devices, d.Name)
		for _, a := range p.host.block.Arrays(d.Name) {
			b.found.Add(volume.Degraded, words(p.remember(a)))
		}
	}
	return b
}

// words say what is wrong with a software RAID; empty where nothing is.
func words(a block.Array) string {
	name := clean(a.Name)
	switch {
	case a.Lacks == 0:
		return ""
	case a.Broken:
		return fmt.Sprintf("RAID %s is broken: it has lost a disk that it cannot do without", name)
	}
	text := fmt.Sprintf("RAID %s lacks %s", name, part(a.Lacks, a.Disks, "disks"))
	if a.Rebuilding {
		text += ", a rebuild is under way"
	}
	return text
}

// part is how many of something, where that is known.
func part(n, of int, what string) string {
	if of > 0 {
		return fmt.Sprintf("%d of its %d %s", n, of, what)
	}
	return fmt.Sprintf("%d of its %s", n, what)
}

// remember counts a disk as lost that was in an array before, where that has places
// which were never filled: the one that it left looks like them.
func (p *Point) remember(a block.Array) block.Array {
	if a.InSync == 0 {
		return a
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.reloaded(p.host)
	most := max(p.memory.inSync[a.Name], a.InSync)
	if p.memory.inSync == nil {
		p.memory.inSync = map[string]int{}
	}
	p.memory.inSync[a.Name] = most
	a.Lacks, a.Disks = max(a.Lacks, most-a.InSync), max(a.Disks, most)
	return a
}

// zpool asks the kernel for the state of the pool that a dataset is in. It counts and
// names no members: zpool status does.
func (h *Host) zpool(found *volume.Verdict, m Mount) {
	pool, ok := poolOf(m)
	if !ok {
		return
	}
	content, err := ReadFile(filepath.Join(h.kstat(pool), "state"))
	state := strings.TrimSpace(string(content))
	if err != nil || state == "" || state == "ONLINE" { // older releases have none
		return
	}
	status := volume.Degraded
	switch state {
	case "SUSPENDED", "FAULTED", "UNAVAIL", "REMOVED", "OFFLINE":
		status = volume.Offline
	}
	found.Worsen(status, "ZFS pool %s is %s: see zpool status", clean(pool), clean(state))
}
