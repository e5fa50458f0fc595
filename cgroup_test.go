package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/volume/appliancetest"
)

// controlGroup is one of the kernel's, with a limit of memory, of version 1 or 2.
type controlGroup struct {
	t   testing.TB
	dir string
}

// newControlGroup makes one below the test's own or at the top. Where none can be
// made, the test is skipped.
func newControlGroup(t testing.TB, limit int) controlGroup {
	t.Helper()
	var why []error
	for _, at := range []struct{ top, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		g := controlGroup{t, filepath.Join(at.top, fmt.Sprintf("storage_exporter-test-%d", os.Getpid()))}
		if _, err := os.Stat(filepath.Join(at.top, "cgroup.procs")); err != nil {
			continue
		}
		err := os.Mkdir(g.dir, 0o700)
		if err == nil {
			t.Cleanup(g.remove)
			err = os.WriteFile(filepath.Join(g.dir, at.limit), []byte(strconv.Itoa(limit)), 0o600)
		}
		if err == nil {
			return g
		}
		why = append(why, err)
	}
	t.Skipf("no control group with a limit of memory can be made here: %v", errors.Join(why...))
	return controlGroup{}
}

// remove waits for the end of what ran in the group.
func (g controlGroup) remove() {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := os.Remove(g.dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			g.t.Errorf("the control group stays: %v", err)
			return
		}
	}
}

// within is a command line that starts another in the group.
func (g controlGroup) within(command ...string) []string {
	return append([]string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs")}, command...)
}

// number is what a file of the group says; the first of the names that there is.
func (g controlGroup) number(names ...string) float64 {
	for _, name := range names {
		if b, err := os.ReadFile(filepath.Join(g.dir, name)); err == nil {
			n, _ := strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
			return n
		}
	}
	return 0
}

// floods are the ways in which an appliance that is logged in to answers with too much.
var floods = []struct {
	name  string
	write func(w io.Writer) // until an error
}{
	{"many objects", func(w io.Writer) { flood(w, `{"data": [`, `{},`) }},
	{"many names", func(w io.Writer) { names(w, math.MaxInt) }},
	{"a list that is taken", func(w io.Writer) { names(w, 20_000) }},
	{"another", func(w io.Writer) { names(w, 18_000) }},
	{"a third", func(w io.Writer) { names(w, 16_000) }},
	{"deep", func(w io.Writer) { flood(w, `{"data": `, `[`) }},
	{"deep objects", func(w io.Writer) { flood(w, ``, `{"data":`) }},
	{"one text", func(w io.Writer) { flood(w, `{"data": [{"name": "`, "a") }},
	{"blanks", func(w io.Writer) { flood(w, `{"data":`, " ") }},
	{"keys", func(w io.Writer) {
		_, err := io.WriteString(w, `{"data": {"all": {`)
		for n := 0; err == nil; n++ {
			_, err = fmt.Fprintf(w, `"k%d": [{"stats": {"READS[fS: %d]": 1}}],`, n, n)
		}
	}},
	{"numbers", func(w io.Writer) { flood(w, `{"data": {"all": {"fs_stats": [{"stats": {"a": [`, "1,") }},
}

// names are of file systems, and of alerts.
func names(w io.Writer, most int) {
	_, err := io.WriteString(w, `{"data": [`)
	for n := 0; err == nil && n < most; n++ {
		_, err = fmt.Fprintf(w, `{"name": "fs%d", "uid": "%d", "status": "READY", "severity": "MAJOR", "title": "alert %d"},`, n, n, n)
	}
	_, _ = io.WriteString(w, "{}]}")
}

func flood(w io.Writer, start, again string) {
	block := strings.Repeat(again, 1+(64<<10)/len(again))
	for _, err := io.WriteString(w, start); err == nil; {
		_, err = io.WriteString(w, block)
	}
}

// flooding is a Weka cluster that answers every call with what never ends, packed or
// not. The last of the hostile hang when they have written a lot.
func flooding(n int) http.HandlerFunc {
	f := floods[n%len(floods)]
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			_, _ = fmt.Fprintf(w, `{"data": {"access_token": %q, "token_type": "Bearer", "expires_in": 300}}`, wekaToken)
			return
		}
		var to io.Writer = w
		if n%2 == 1 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			to = z
		}
		if n >= len(floods)-4 {
			to = &hesitant{to, 6 << 20, r.Context().Done()}
		}
		f.write(to)
	}
}

// hesitant stops after some bytes, until the other side is gone.
type hesitant struct {
	io.Writer
	left int
	gone <-chan struct{}
}

func (h *hesitant) Write(b []byte) (int, error) {
	if h.left -= len(b); h.left < 0 {
		<-h.gone
		return 0, io.ErrClosedPipe
	}
	return h.Writer.Write(b)
}

// In a control group of 64 MiB, appliances that answer with far more than that, at
// once and each in its own way, cost neither the process nor a scrape.
func TestControlGroup(t *testing.T) {
	const mib = 1 << 20
	group := newControlGroup(t, 64*mib)
	path, _ := faketest.New(t, fleet.Mixed(78, 9, 0)...)
	var conf strings.Builder
	conf.WriteString("[volumes]\nperformance_interval = \"2s\"\nhealth_check_interval = \"2s\"\nusage_interval = \"2s\"\n")
	good := startWeka(t, "good", 4)
	conf.WriteString(good.config())
	var bad []*weka
	for n := range floods {
		w := &weka{name: fmt.Sprintf("bad%d", n), filesystems: 1}
		w.Appliance = appliancetest.NewAppliance(t, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		w.Break(appliancetest.Serves("flood", flooding(n)))
		bad = append(bad, w)
		conf.WriteString(w.config())
	}
	p := startCommand(t, group.within(binary(t)), "--smartctl.path="+path, "--smartctl.interval=5s",
		"--config.file="+writeFile(t, "exporter.toml", conf.String()))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if page, err := fetch(p.url + "/metrics"); err == nil && strings.Count(page, "\nsmartctl_device{") == 78 {
			break
		}
		select {
		case <-p.done:
			t.Fatalf("ended by %v:\n%s", p.err, p.log)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("no 78 drives:\n%s", p.log)
		}
	}
	healthy := fmt.Sprintf(`backendai_storage_volume_health_status{status="healthy",volume=%q}`, good.volume(0))
	served, seen := 0, 0
	for end := time.Now().Add(12 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		page, err := fetch(p.url + "/metrics")
		if err != nil {
			t.Fatalf("a scrape fails: %v\n%s", err, p.log)
		}
		if n := strings.Count(page, "\nsmartctl_device{"); n != 78 {
			t.Errorf("%d drives", n)
		}
		if value(page, healthy) == "1" {
			seen++
		}
		served++
	}
	if seen < served/2 {
		t.Errorf("the volume beside them is healthy in %d of %d scrapes:\n%s", seen, served, p.log)
	}
	most := group.number("memory.max_usage_in_bytes", "memory.peak") / mib
	t.Logf("%d scrapes; at most %.1f MiB in the group", served, most)
	for _, w := range bad {
		if len(w.Calls()) < 4 {
			t.Errorf("%s was asked %d times", w.name, len(w.Calls()))
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.log)
	}
}
