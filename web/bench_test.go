package web

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRender is a page of a new generation, beside the JSON of the same overview;
// kept is one that was rendered before.
func BenchmarkRender(b *testing.B) {
	for _, drives := range []int{78, 1000} {
		r := newRig(b, host(drives))
		for _, path := range []string{"/overview", "/overview?show=temperature", "/drives", "/drives?q=ex", "/drives/sdaq"} {
			b.Run(fmt.Sprintf("drives=%d%s", drives, path), func(b *testing.B) {
				size, before := 0, cpuTime(b)
				for b.Loop() {
					r.revision.Add(1)
					size = r.ask(path).Body.Len()
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
				b.ReportMetric(float64(size), "page-bytes")
			})
		}
		b.Run(fmt.Sprintf("drives=%d/gzip", drives), func(b *testing.B) {
			size := 0
			for b.Loop() {
				r.revision.Add(1)
				size = r.ask("/overview", "Accept-Encoding", "gzip").Body.Len()
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
		b.Run(fmt.Sprintf("drives=%d/kept", drives), func(b *testing.B) {
			for b.Loop() {
				r.ask("/overview")
			}
		})
		b.Run(fmt.Sprintf("drives=%d/as-JSON", drives), func(b *testing.B) {
			for b.Loop() {
				if _, err := json.Marshal(r.shown.Load()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// cpuTime is what this process has taken, which others on the machine do not change.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// The page of 78 drives is small.
func TestSizeOfPages(t *testing.T) {
	r := newRig(t, host(78))
	for path, most := range map[string]int{"/overview": 150 << 10, "/overview?show=pool": 150 << 10, "/drives": 150 << 10, "/drives/sdaq": 150 << 10} {
		if n := r.ask(path).Body.Len(); n > most {
			t.Errorf("%s: %d bytes", path, n)
		}
	}
}
