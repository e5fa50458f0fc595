package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/fleet"
	"storage_exporter/internal/redistest"
)

// BenchmarkFleet is /api/fleet of 10,000 nodes whose digests lie in a Redis, by HTTP: the
// first answer, one that is cached, and one that is filtered. It is compared with the
// reading of the same bytes from the Redis, and with a handler that only writes them.
func BenchmarkFleet(b *testing.B) {
	const nodes = 10_000
	server := redistest.Start(b, redistest.Options{})
	client := server.Client()
	memory := func() int { return usedMemory(b, server) }
	pipe := client.Pipeline()
	empty, size := memory(), 0
	for i := range nodes {
		node := fmt.Sprintf("node-%05d", i)
		digest := fmt.Sprintf(`{"node":%q,"url":"https://%s.storage.example.com:9777","version":"0.1.0","counts":{"drives":{"total":24,"ok":22,"warning":1,"failing":1,"unknown":0},`+
			`"slots":{"total":24,"populated":24,"empty":0,"fault":1},"pools":{"total":1,"online":1,"degraded":0,"faulted":0,"other":0},"volumes":{"total":10,"healthy":9,"degraded":1,"offline":0,"unavailable":0,"unknown":0}},`+
			`"worst":[%s]}`, node, node, strings.TrimSuffix(strings.Repeat(`{"kind":"drive","name":"sda","verdict":"failing","reason":"12 reallocated sectors (id 5): drives with as many fail at 22 percent a year","place":"0x500605b000000001/3"},`, 10), ","))
		size += len(digest)
		pipe.ZAdd(b.Context(), "fleet:nodes", redis.Z{Score: float64(time.Now().UnixMilli()), Member: node})
		pipe.Set(b.Context(), "fleet:node:"+node, digest, 90*time.Second)
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
	store, err := cachestore.NewRedis(cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{server.Addr}, Timeout: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	fresh := func() (*fleet.Reader, *httptest.Server) {
		reg, quiet := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
		c := cache.New(cache.Config{Store: store, Observer: "bench", Logger: quiet, Metrics: cache.NewMetrics(reg)})
		r := fleet.NewReader(fleet.ReaderConfig{Store: store, Cache: c, Metrics: fleet.NewMetrics(reg), Logger: quiet})
		mux := http.NewServeMux()
		New(Config{Fleet: r, Logger: quiet}).Register(mux)
		return r, httptest.NewServer(mux)
	}
	renew := func() { // the digests live for 90 s
		pipe := client.Pipeline()
		for i := range nodes {
			pipe.PExpire(b.Context(), fmt.Sprintf("fleet:node:node-%05d", i), 90*time.Second)
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	ask := func(url string) []byte {
		resp, err := http.Get(url) //nolint:noctx // a benchmark
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("%d %v", resp.StatusCode, err)
		}
		return body
	}
	var body []byte
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			renew()
			r, s := fresh()
			b.StartTimer()
			body = ask(s.URL + "/api/fleet")
			b.StopTimer()
			s.Close()
			r.Close()
			b.StartTimer()
		}
		b.ReportMetric(float64(size)/nodes, "digest-bytes")
		b.ReportMetric(float64(len(body)), "answer-bytes")
		b.ReportMetric(float64(memory()-empty)/nodes, "redis-bytes/node")
	})
	b.Run("yardstick-read", func(b *testing.B) {
		renew()
		for b.Loop() {
			for from := 0; from < nodes; from += 500 {
				pipe := client.Pipeline()
				for i := range 500 {
					pipe.GetRange(context.Background(), fmt.Sprintf("fleet:node:node-%05d", from+i), 0, 1<<20)
				}
				if _, err := pipe.Exec(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	r, s := fresh()
	defer r.Close()
	defer s.Close()
	for _, path := range []string{"", "?node=node-00007", "?verdict=failing"} {
		b.Run("cached"+path, func(b *testing.B) {
			renew()
			ask(s.URL + "/api/fleet")
			for b.Loop() {
				body = ask(s.URL + "/api/fleet" + path)
			}
		})
	}
	body = ask(s.URL + "/api/fleet")
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	}))
	defer bare.Close()
	b.Run("yardstick-handler", func(b *testing.B) {
		for b.Loop() {
			ask(bare.URL)
		}
	})
}

var used = regexp.MustCompile(`used_memory:(\d+)`)

func usedMemory(b *testing.B, server *redistest.Server) int {
	b.Helper()
	m := used.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "memory")))
	if m == nil {
		b.Fatal("no memory")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		b.Fatal(err)
	}
	return n
}
