package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// loadInterval is how often the file systems are worked on.
const loadInterval = time.Second

// load reads and writes files in the real directories, and counts that as their disks'
// kernel would.
type load struct {
	rounds int
	on     []*worked
}

// worked is one mount with the counters of its disk.
type worked struct {
	host        *host
	mount       mounted
	read, write counts
}

type counts struct {
	ops, sectors int
	took         time.Duration
}

// newLoad works on those mounts of hosts that say how much.
func newLoad(hosts ...*host) *load {
	l := &load{}
	for _, h := range hosts {
		for _, m := range h.mounts {
			if m.write > 0 {
				l.on = append(l.on, &worked{host: h, mount: m})
			}
		}
	}
	l.work()
	return l
}

// work does one round on each. Rounds are of different sizes.
func (l *load) work() {
	l.rounds++
	for i, w := range l.on {
		w.work(4+(l.rounds+3*i)%7, l.rounds%16)
	}
}

func (w *worked) work(files, from int) {
	content := make([]byte, w.mount.write)
	dir := w.host.tree.Path(w.mount.point)
	for n := range files {
		name := filepath.Join(dir, fmt.Sprintf("part-%02d", (from+n)%16))
		w.write.time(len(content), func() error { return os.WriteFile(name, content, 0o600) })
		for range 3 {
			w.read.time(len(content), func() error {
				_, err := os.ReadFile(name)
				return err
			})
		}
	}
	stat := fmt.Sprintf("%d 0 %d %d %d 0 %d %d 0 %d %d 0 0 0 0 0 0\n", w.read.ops, w.read.sectors, w.read.took.Milliseconds(),
		w.write.ops, w.write.sectors, w.write.took.Milliseconds(), (w.read.took + w.write.took).Milliseconds(), (w.read.took + w.write.took).Milliseconds())
	// In place of the old one at once: the exporter may read it now.
	place := w.host.tree.Path(filepath.Join("sys/class/block", w.mount.disk, "stat"))
	if os.WriteFile(place+".new", []byte(stat), 0o600) == nil {
		_ = os.Rename(place+".new", place)
	}
}

func (c *counts) time(bytes int, do func() error) {
	began := time.Now()
	if do() == nil { // a full disk shows in the figures
		c.ops, c.sectors, c.took = c.ops+1, c.sectors+bytes/512, c.took+time.Since(began)
	}
}
