//go:build docker

// Package dockertest builds the image on a real engine and runs it by the files for
// Compose, with a Redis that is paused, stopped and started again. No registry is
// needed: the images that it stands on are made of Debian's packages.
package dockertest

import (
	"context"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"
)

const (
	root = "../.."
	// limit bounds all of it; it is done in less than half of that, so that there is
	// time left to take everything down.
	limit = 9 * time.Minute
)

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// from is the image that the exporter's image is built on.
func from(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^FROM --platform=\S+ (\S+)$`).FindStringSubmatch(read(t, "Dockerfile"))
	if m == nil {
		t.Fatal("the Dockerfile has no FROM")
	}
	return m[1]
}

// redisImage is what the file for Compose calls it.
func redisImage(t *testing.T) string {
	t.Helper()
	var file struct {
		Services map[string]struct {
			Image string `yaml:"image"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(read(t, composeFile)), &file); err != nil {
		t.Fatal(err)
	}
	return file.Services["redis"].Image
}

func TestDocker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM) // then all is taken down
	defer stop()
	e := engine{t: t, ctx: ctx}

	began := time.Now()
	base, image := from(t), "storage_exporter-linux-"+e.architecture()+":"+strings.TrimSpace(read(t, "VERSION"))
	e.keep(base, redisImage(t), image)
	e.debian(base, "redis-server") // once for both
	e.docker("build", "-q", "-t", redisImage(t), "-f", "testdata/redis.Dockerfile", "testdata")
	e.make("docker")
	t.Logf("images: %v", time.Since(began).Round(time.Second))
	if user := e.docker("image", "inspect", "-f", "{{.Config.User}}", image); user != "65534:65534" {
		t.Errorf("the image runs as %q", user)
	}

	// Subtests that share what they need, in this order.
	t.Run("compose", func(t *testing.T) { testCompose(e.in(t), image) })
	t.Run("volumes only", func(t *testing.T) { testVolumesOnly(e.in(t), image) })
	t.Logf("all: %v", time.Since(began).Round(time.Second))
}

func testCompose(e engine, image string) {
	t := e.t
	c := e.up(composeFile, image, "exporter")
	if running := strings.Fields(c.compose("ps", "--services")); !slices.Contains(running, "redis") {
		t.Fatalf("Redis does not run: %v", running)
	}
	exporter, redis := c.container("exporter"), c.container("redis")

	c.await("Redis is used", func() bool { return c.value(`storage_cache_store_up{store="redis"}`) == "1" })
	c.await("the root volume is observed", func() bool {
		page := c.scrape()
		return value(page, `backendai_storage_volume_health_status{status="healthy",volume="root"}`) == "1" &&
			value(page, `backendai_storage_volume_iops_read{volume="root"}`) != ""
	})
	var host syscall.Statfs_t
	if err := syscall.Statfs("/", &host); err != nil {
		t.Fatal(err)
	}
	capacity, err := strconv.ParseFloat(c.value(`backendai_storage_volume_capacity_bytes{volume="root"}`), 64)
	if want := float64(host.Blocks) * float64(host.Bsize); err != nil || capacity != want {
		t.Errorf("the capacity of / is %v there and %v here: %v", capacity, want, err)
	}
	if said := c.compose("exec", "-T", "exporter", "smartctl", "--version"); !strings.HasPrefix(said, "smartctl ") {
		t.Errorf("smartctl says %q", said)
	}

	c.await("snapshots are in Redis", func() bool {
		keys := strings.Fields(c.redis("KEYS", "*"))
		return slices.Contains(keys, "storage:volume_health:root") && slices.Contains(keys, "storage:perf_metric:root") && slices.Contains(keys, "jbod:drives")
	})
	if said := c.redis("CONFIG", "GET", "save"); said != "save\n60 1" {
		t.Errorf("Redis says %q", said)
	}
	c.await("the container is healthy", func() bool { return e.health(exporter) == "healthy" })

	before := c.series()
	served := func(when string) {
		t.Helper()
		c.await("the store is down while Redis is "+when, func() bool { return c.value(`storage_cache_store_up{store="redis"}`) == "0" })
		asked := time.Now()
		page := c.scrape()
		if took := time.Since(asked); took > time.Second {
			t.Errorf("while Redis is %s a scrape takes %v", when, took)
		}
		for _, s := range slices.Sorted(maps.Keys(before)) {
			if value(page, s) == "" {
				t.Errorf("while Redis is %s there is no %s", when, s)
			}
		}
	}
	recovers := func() {
		t.Helper()
		c.await("Redis is used again", func() bool { return c.value(`storage_cache_store_up{store="redis"}`) == "1" })
		c.redis("DEL", "storage:volume_health:root")
		c.await("new snapshots are in Redis", func() bool { return c.redis("EXISTS", "storage:volume_health:root") == "1" })
	}

	e.docker("pause", redis)
	served("paused")
	e.docker("unpause", redis)
	recovers()

	c.redis("SET", "mark", "kept")
	e.docker("stop", redis)
	served("stopped")
	e.docker("start", redis)
	recovers()
	if mark := c.redis("GET", "mark"); mark != "kept" {
		t.Errorf("Redis has %q after a restart: its volume is not used", mark)
	}
	if health := e.health(exporter); health != "healthy" {
		t.Errorf("the container is %s in the end", health)
	}

	// Stopped in its tracks, it does not answer, and is called so.
	e.docker("kill", "--signal=STOP", exporter)
	out, err := e.try("docker", "exec", exporter, "/bin/storage_exporter", "--health=http://127.0.0.1:9777/-/healthy")
	if err == nil || !strings.Contains(out, "no answer within 3s") {
		t.Errorf("asked while it is stopped: %v\n%s", err, out)
	}
	e.docker("kill", "--signal=CONT", exporter)
	began := time.Now()
	e.docker("stop", exporter)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it takes %v to stop", took)
	}
	if status := e.docker("inspect", "-f", "{{.State.ExitCode}}", exporter); status != "0" {
		t.Errorf("exit status %s:\n%s", status, c.compose("logs", "exporter"))
	}
}

func testVolumesOnly(e engine, image string) {
	t := e.t
	c := e.up("compose/volumes.yml", image, "exporter")
	c.await("the root volume is observed", func() bool {
		return c.value(`backendai_storage_volume_health_status{status="healthy",volume="root"}`) == "1"
	})
	page := c.scrape()
	for _, collector := range []string{"smart", "enclosures", "zfs"} {
		if got := value(page, `storage_scrape_collector_success{collector="`+collector+`"}`); got != "" {
			t.Errorf("the collector %s runs: %s", collector, got)
		}
	}
}
