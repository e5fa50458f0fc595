package main

import (
	"testing"

	"storage_exporter/internal/redistest"
)

// BenchmarkThousandVolumes is a page of 1,000 volumes on ten appliances from a real
// Redis, beside what client_golang alone needs for the same series and a bare
// handler for the same bytes; and the memory of the process that serves it to eight
// scrapers.
func BenchmarkThousandVolumes(b *testing.B) {
	all, file := clusters(b)
	server := redistest.Start(b, redistest.Options{})
	in := start(b, volumesOnly(file, server)...)
	page := awaitVolumes(b, in.url, all)
	b.Logf("%d series, %d bytes", samples(page), len(page))
	in.against(b, measuredBy(b, page))

	b.Run("process", func(b *testing.B) {
		p := startProcess(b, volumesOnly(file, server)...)
		awaitVolumes(b, p.url, all)
		measure(b, p.url+"/metrics", 8, true)
		for field, unit := range map[string]string{"VmRSS": "MiB-RSS", "VmHWM": "MiB-peak"} {
			mib, err := memory(p.cmd.Process.Pid, field)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(mib, unit)
		}
	})
}
