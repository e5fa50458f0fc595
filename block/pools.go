package block

import (
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

// Pool is a file system on devices of its own, as btrfs and bcachefs are.
type Pool struct {
	UUID string
	// Devices are those that are there; nil where one is not known, for a part would
	// look like less load.
	Devices []Device
	Disks   int // how many it should have; 0 where it is not known
	Lacks   int // how many of them are missing
}

// Btrfs are the file systems of that type that the kernel has.
func (s System) Btrfs() []Pool {
	var pools []Pool
	for _, uuid := range s.mounted("btrfs") {
		dir := s.sys("fs/btrfs", uuid)
		pool := Pool{UUID: uuid}
		var links []string
		for _, name := range outside.List(filepath.Join(dir, "devices"), maxParts) {
			links = append(links, filepath.Join(dir, "devices", name))
		}
		s.fill(&pool, links)
		// Of a device that went while it was mounted, the link is left.
		for _, id := range outside.List(filepath.Join(dir, "devinfo"), maxParts) {
			pool.Disks++
			if line(filepath.Join(dir, "devinfo", id), "missing") == "1" {
				pool.Lacks++
			}
		}
		pools = append(pools, pool)
	}
	return pools
}

// Bcachefs are the file systems of that type that the kernel has.
func (s System) Bcachefs() []Pool {
	var pools []Pool
	for _, uuid := range s.mounted("bcachefs") {
		pool := Pool{UUID: uuid}
		links, _ := filepath.Glob(s.sys("fs/bcachefs", uuid, "dev-*/block"))
		s.fill(&pool, links[:min(len(links), maxParts)])
		pools = append(pools, pool)
	}
	return pools
}

// mounted are the UUIDs of the file systems of a type; other names are features and
// the like.
func (s System) mounted(fstype string) []string {
	var uuids []string
	for _, name := range outside.List(s.sys("fs", fstype), maxFiles) {
		if strings.Contains(name, "-") {
			uuids = append(uuids, name)
		}
	}
	return uuids
}

// fill adds the devices that links lead to.
func (s System) fill(pool *Pool, links []string) {
	known := true
	for _, link := range links {
		d, ok := s.in(link)
		switch {
		case ok:
			pool.Devices = append(pool.Devices, d)
		case outside.Dangles(link):
			pool.Lacks++
		default:
			known = false
		}
	}
	if !known {
		pool.Devices = nil
	}
}

// BtrfsID is what statfs says of a subvolume of a btrfs: the folded UUID, with the
// number of the subvolume mixed in.
func (p Pool) BtrfsID(subvolume uint64) (id [2]int32, ok bool) {
	u, ok := p.bytes()
	word := func(i int) uint32 { return binary.BigEndian.Uint32(u[4*i:]) }
	return [2]int32{int32(word(0) ^ word(2) ^ uint32(subvolume>>32)), int32(word(1) ^ word(3) ^ uint32(subvolume))}, ok
}

// BcachefsID is what statfs says of a bcachefs.
func (p Pool) BcachefsID() (id [2]int32, ok bool) {
	u, ok := p.bytes()
	folded := binary.LittleEndian.Uint64(u[:]) ^ binary.LittleEndian.Uint64(u[8:])
	return [2]int32{int32(folded), int32(folded >> 32)}, ok
}

func (p Pool) bytes() (u [16]byte, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(p.UUID, "-", ""))
	return u, err == nil && copy(u[:], b) == len(b) && len(b) == len(u)
}

// Has is whether a device is one of the file system's.
func (p Pool) Has(d Device) bool {
	return slices.ContainsFunc(p.Devices, func(own Device) bool { return own.Number == d.Number })
}

// Called is whether a name is the kernel's for the device or device-mapper's.
func (d Device) Called(name string) bool {
	return name != "" && (d.Name == name || outside.ReadLine(d.dir+"/dm/name") == name)
}
