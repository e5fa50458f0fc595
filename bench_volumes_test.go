package main

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"storage_exporter/internal/redistest"
)

// BenchmarkThousandVolumes is a page of 1,000 volumes on ten appliances from a real
// Redis, beside what client_golang alone needs for the same series and a bare
// handler for the same bytes; the same with every snapshot replaced by another
// replica since the last scrape; and the memory of the process that serves it to
// eight scrapers.
func BenchmarkThousandVolumes(b *testing.B) {
	all, file := clusters(b)
	server := redistest.Start(b, redistest.Options{})
	in := start(b, volumesOnly(file, server)...)
	page := awaitVolumes(b, in.url, all)
	b.Logf("%d series, %d bytes", samples(page), len(page))
	in.against(b, measuredBy(b, page))

	b.Run("scrapers=1/gzip=false/exporter-all-replaced", func(b *testing.B) {
		var times []time.Duration
		for b.Loop() {
			b.StopTimer()
			replaceAll(b, server)
			b.StartTimer()
			begun := time.Now()
			if _, err := scrapeOnce(in.url+"/metrics", false); err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(begun))
		}
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-p50")
	})
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

var observedAt = regexp.MustCompile(`"observed_at":"[^"]*"`)

// replaceAll puts all snapshots anew, as if another replica had observed them now.
func replaceAll(b *testing.B, server *redistest.Server) {
	b.Helper()
	c := server.Client()
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	keys, err := c.Keys(ctx, "storage:*").Result()
	if err != nil {
		b.Fatal(err)
	}
	values, err := c.MGet(ctx, keys...).Result()
	if err != nil {
		b.Fatal(err)
	}
	now := []byte(`"observed_at":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"`)
	_, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			if value, ok := values[i].(string); ok {
				p.Set(ctx, key, observedAt.ReplaceAll([]byte(value), now), lifeOf(b, value))
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

var ttlMS = regexp.MustCompile(`"ttl_ms":(\d+)`)

// lifeOf is how long a snapshot lives from when it was put.
func lifeOf(b *testing.B, snapshot string) time.Duration {
	b.Helper()
	m := ttlMS.FindStringSubmatch(snapshot)
	if m == nil {
		b.Fatalf("no life in %.200s", snapshot)
	}
	d, err := time.ParseDuration(m[1] + "ms")
	if err != nil {
		b.Fatal(err)
	}
	return d
}
