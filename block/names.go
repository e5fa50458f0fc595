package block

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

// Node is the kernel's name of the device that a name leads to, such as sda1,
// nvme0 or sg3; empty if the kernel has none. The name is one of the kernel's or a
// path below /dev, links included. It does not ask udev, see Index.
func (s System) Node(name string) string {
	d, _ := s.look(name)
	return d.name
}

func (s System) look(name string) (entry, bool) {
	if filepath.IsAbs(name) { // the kernel's names have no slash
		name = strings.ReplaceAll(s.follow(name), "/", "!")
	}
	return s.find(name)
}

// follow is where the links from a path end, below /dev and without that; empty
// where they leave it.
func (s System) follow(path string) string {
	for range maxLinks {
		name, ok := strings.CutPrefix(filepath.Clean(path), "/dev/")
		if !ok {
			return ""
		}
		target, err := os.Readlink(filepath.Join(cmp.Or(s.Dev, "/dev"), name))
		if err != nil { // a device, or no such file: a container's /dev lacks some
			return name
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join("/dev", filepath.Dir(name), target)
		}
		path = target
	}
	return ""
}

// Index finds names as Node does, and those that only udev knows: a container's
// /dev lacks devices, links or both. It reads udev's records once, when the first
// such name is asked for, and is good for one observation.
type Index struct {
	System
	ctx   context.Context   // of the observation: reading all records takes a while
	links map[string]string // udev's names below /dev, and the kernel's; nil until one is needed
}

// Index makes an Index that stops reading when ctx ends.
func (s System) Index(ctx context.Context) *Index { return &Index{System: s, ctx: ctx} }

// Node is System's Node with udev's names.
func (x *Index) Node(name string) string {
	if node := x.System.Node(name); node != "" || !filepath.IsAbs(name) {
		return node
	}
	name = x.follow(name)
	if name == "" {
		return ""
	}
	if x.links == nil {
		x.read()
	}
	return x.links[name]
}

// read takes all of udev's names. Where several devices claim one, as the paths
// to a drive do, the one that is made of the others has it: dm-0 comes before sda.
func (x *Index) read() {
	x.links = make(map[string]string)
	for _, node := range outside.List(x.sys("class/block"), maxDevices) {
		if x.ctx.Err() != nil {
			return
		}
		if standalone(node) {
			continue
		}
		number := outside.ReadLine(x.sys("class/block", node, "dev"))
		if !IsNumber(number) {
			continue
		}
		for link := range recorded(outside.ReadFile(x.udev(number)), "S:") {
			if _, taken := x.links[link]; !taken {
				x.links[link] = node
			}
		}
	}
}

// standalone is for devices that lie on no drive and below no other, of which there
// may be thousands.
func standalone(node string) bool {
	return slices.ContainsFunc([]string{"zd", "loop", "ram", "zram", "nbd"}, func(kind string) bool { return strings.HasPrefix(node, kind) })
}

// recorded yields what udev's record of a device has on lines of one kind: "S:" a
// link below /dev, "E:" a property as KEY=VALUE.
func recorded(record []byte, kind string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(record) {
			if entry, ok := bytes.CutPrefix(line, []byte(kind)); ok && !yield(outside.Text(string(entry))) {
				return
			}
		}
	}
}

// CompareNames orders names as people count: sdb before sdaa, nvme2 before nvme10.
// Of several names of one drive the first that works is the one to call it by.
func CompareNames(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, y := chunk(a[i:]), chunk(b[j:])
		i, j = i+len(x), j+len(y)
		if x == y {
			continue
		}
		switch {
		case isDigit(x[0]) && isDigit(y[0]):
			// As numbers; without leading zeros the longer one is the larger.
			m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
				return c
			}
		case strings.HasPrefix(x, "sd") && strings.HasPrefix(y, "sd"):
			return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
		default:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Or(cmp.Compare(len(a)-i, len(b)-j), cmp.Compare(a, b))
}

// chunk is the run of digits or of other bytes at the start of s.
func chunk(s string) string {
	for i := range len(s) {
		if isDigit(s[i]) != isDigit(s[0]) {
			return s[:i]
		}
	}
	return s
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
