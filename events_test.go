package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"storage_exporter/event"
	"storage_exporter/internal/redistest"
)

// deliveries are the calls of webhooks, by the replica that makes them.
type deliveries struct {
	mu   sync.Mutex // guards the fields below
	by   map[string][]event.Event
	hang bool // answer nothing
}

func (d *deliveries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e event.Event
	_ = json.NewDecoder(r.Body).Decode(&e)
	d.mu.Lock()
	d.by[r.URL.Path] = append(d.by[r.URL.Path], e)
	hang := d.hang
	d.mu.Unlock()
	if hang {
		<-r.Context().Done()
	}
}

func (d *deliveries) of(path string) []event.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]event.Event(nil), d.by[path]...)
}

func (d *deliveries) setHang(hang bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hang = hang
}

// Two replicas as users start them, on one Redis: a change is delivered once. Then one of
// them is killed with a delivery under way, and the other delivers, under the same id.
func TestReplicasDeliverOnce(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	calls := &deliveries{by: make(map[string][]event.Event)}
	receiver := httptest.NewServer(calls)
	defer receiver.Close()
	dir := filepath.Join(t.TempDir(), "volume")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	replicas := make(map[string]*process)
	for _, path := range []string{"/S3CR3T-a", "/S3CR3T-b"} {
		text := fmt.Sprintf("[volumes]\nhealth_check_timeout = \"900ms\"\n[volume.v1]\nbackend = \"vfs\"\npath = %q\nhealth_check_interval = \"1s\"\n"+
			"[[webhook]]\nname = \"w\"\nurl = %q\ntimeout = \"1m\"\n", dir, receiver.URL+path)
		replicas[path] = startProcess(t, noSmartctl, "--no-collector.enclosures", "--no-collector.zfs", "--node.name=n1",
			"--redis.address="+redis.Addr, "--web.external-url=https://n1.example.net", "--config.file="+writeFile(t, "c.toml", text))
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if ok() {
				return
			}
		}
		for path, p := range replicas {
			t.Logf("%s:\n%s", path, p.log)
		}
		t.Fatalf("waited for %s in vain", what)
	}
	all := func() (all []event.Event) {
		for path := range replicas {
			all = append(all, calls.of(path)...)
		}
		return all
	}
	await("the first state", func() bool { return redis.Do("EXISTS", eventKeys(redis)) == int64(1) })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	await("the first event", func() bool { return len(all()) > 0 })
	var history int
	await("its end", func() bool { // nobody sends it any more
		raw, _ := redis.Do("GET", eventKeys(redis)).(string)
		history = strings.Count(fmt.Sprint(redis.Do("XRANGE", "storage:events", "-", "+")), `"id"`)
		return strings.Contains(raw, `"offline"`) && !strings.Contains(raw, "unsent")
	})
	if e := all()[0]; len(all()) != 1 || history != 1 || e.State != "offline" || e.Previous != "healthy" || e.Host != "n1" || e.Link == "" {
		t.Fatalf("%d in the history, delivered %+v", history, all())
	}

	calls.setHang(true)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	await("a delivery that hangs", func() bool { return len(all()) == 2 })
	calls.setHang(false)
	victim, heir := "/S3CR3T-a", "/S3CR3T-b"
	if n := len(calls.of(heir)); n > 0 && calls.of(heir)[n-1].State == "healthy" {
		victim, heir = heir, victim
	}
	if err := replicas[victim].cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	tried := calls.of(victim)
	await("the other's delivery", func() bool {
		got := calls.of(heir)
		return len(got) > 0 && got[len(got)-1].ID == tried[len(tried)-1].ID
	})
	if n := len(all()); n != 3 {
		t.Errorf("%d deliveries", n)
	}
	for path, p := range replicas {
		if strings.Contains(p.log.String(), "S3CR3T") {
			t.Errorf("%s shows the URL:\n%s", path, p.log)
		}
	}
}

// eventKeys is the key of the only subject.
func eventKeys(redis *redistest.Server) string {
	keys, _ := redis.Do("KEYS", "storage:event:*").([]any)
	if len(keys) != 1 {
		return "none"
	}
	return fmt.Sprint(keys[0])
}
