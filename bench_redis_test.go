package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/redistest"
)

// BenchmarkRedisCommands is how many commands a second exporters of 78 drives and
// ten local volumes cost one Redis, those inside scripts counted: one replica that
// nobody reads, the same with two scrapers every two seconds, and three replicas
// without readers. Each is measured for an interval of the drives, after another
// in which it settles.
func BenchmarkRedisCommands(b *testing.B) {
	const interval = 90 * time.Second
	path, _ := faketest.New(b, fleet.Mixed(78, 9, 100*time.Millisecond)...)
	var volumes strings.Builder
	for n := range 10 {
		fmt.Fprintf(&volumes, "[volume.v%d]\nbackend = \"vfs\"\npath = %q\n", n, b.TempDir())
	}
	file := writeFile(b, "exporter.toml", volumes.String())
	server := redistest.Start(b, redistest.Options{})
	replica := func() *process {
		return startProcess(b, "--smartctl.path="+path, "--config.file="+file, "--redis.address="+server.Addr)
	}
	measure := func(unit string) {
		before := commands(b, server)
		time.Sleep(interval)
		b.ReportMetric(float64(commands(b, server)-before)/interval.Seconds(), unit)
	}
	b.ReportMetric(0, "ns/op")

	first := replica()
	time.Sleep(interval)
	measure("commands/s-alone")

	ctx, stop := context.WithCancel(context.Background())
	var scrapers sync.WaitGroup
	for range 2 {
		scrapers.Go(func() {
			for every := time.NewTicker(2 * time.Second); ctx.Err() == nil; <-every.C {
				if _, err := fetch(first.url + "/metrics"); err != nil {
					b.Error(err)
				}
			}
		})
	}
	measure("commands/s-scraped")
	stop()
	scrapers.Wait()

	replica()
	replica()
	time.Sleep(interval)
	measure("commands/s-of-three")
}

var processed = regexp.MustCompile(`total_commands_processed:(\d+)`)

// commands is how many a Redis has processed since its start.
func commands(b *testing.B, server *redistest.Server) int {
	b.Helper()
	info := fmt.Sprint(server.Do("INFO", "stats"))
	m := processed.FindStringSubmatch(info)
	if m == nil {
		b.Fatalf("no number of commands in %s", info)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		b.Fatal(err)
	}
	return n
}
