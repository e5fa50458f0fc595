package main

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/event"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/redistest"
)

const (
	// outageTTL is how long each snapshot of an outage's exporters lives, and
	// outageScrape how often they are scraped.
	outageTTL    = 6 * time.Second
	outageScrape = 2 * time.Second
)

// outage is three exporters as users start them, on one Redis: two replicas of node a,
// and node b, which shows the fleet. A real Prometheus scrapes them all the time. Each
// part can be killed or stopped.
type outage struct {
	t          *testing.T
	a1, a2, b  *member
	all        []*member
	prometheus *promServer
	calls      *deliveries
	drives     *fleet.Fleet   // of node a
	away       string         // the directory of a volume of node a whose series are not looked at
	began      time.Time      // when all was scraped from all
	troubles   []span         // in which the Redis may be out of use
	cutOff     map[string]int // deliveries that did not end, by the event's id
}

// member is one exporter, which may be killed and started again.
type member struct {
	o       *outage
	name    string
	addr    string
	args    []string
	process *process
	ended   []string // logs of the processes before
	before  int      // troubles with the Redis while all were starting
	known   int      // those that its log has the beginning of
	down    bool     // killed or stopped now
	gone    []span   // when it was
}

type span struct{ from, to time.Time }

func (s span) overlaps(from, to time.Time) bool { return from.Before(s.to) && s.from.Before(to) }

const (
	outageDrives  = 4 // of each node
	outageVolumes = 3
)

// startOutage returns when Prometheus has everything from all three.
func startOutage(t *testing.T, redis ...string) *outage {
	t.Helper()
	o := &outage{t: t, cutOff: make(map[string]int), calls: &deliveries{by: make(map[string][]event.Event)}}
	receiver := httptest.NewServer(o.calls)
	t.Cleanup(receiver.Close)
	var volumes, drives [2]string
	for i := range volumes {
		dir := t.TempDir()
		for v := range outageVolumes {
			path := filepath.Join(dir, fmt.Sprint("v", v))
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			volumes[i] += fmt.Sprintf("[volume.v%d]\nbackend = \"vfs\"\npath = %q\n", v, path)
		}
		var f *fleet.Fleet
		if drives[i], f = faketest.New(t, fleet.Mixed(outageDrives, 2, 10*time.Millisecond)...); i == 0 {
			o.drives, o.away = f, filepath.Join(dir, "away")
		}
	}
	if err := os.Mkdir(o.away, 0o700); err != nil {
		t.Fatal(err)
	}
	volumes[0] += fmt.Sprintf("[volume.away]\nbackend = \"vfs\"\npath = %q\n", o.away)
	addrs := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	for i, name := range []string{"a1", "a2", "b"} {
		node, other, at := 0, "b", addrs[2]
		args := []string{"--node.name=a"}
		if name == "b" {
			node, other, at = 1, "a", addrs[0]
			args = []string{"--node.name=b", "--fleet"}
		}
		text := fmt.Sprintf(`
[redis]
timeout = "1s"
[smart]
interval = "2s"
timeout = "1s"
ttl = %q
[volumes]
performance_interval = "2s"
performance_timeout = "1s"
health_check_interval = "2s"
health_check_timeout = "1s"
usage_interval = "2s"
usage_timeout = "1s"
%s
[proxy.%s]
url = "http://%s"
interval = "2s"
timeout = "1s"
[[webhook]]
name = "w"
url = "%s/%s"
timeout = "20s"
`, outageTTL, volumes[node], other, at, receiver.URL, name)
		args = append(args, "--no-collector.enclosures", "--no-collector.zfs", "--smartctl.path="+drives[node],
			"--web.disable-exporter-metrics", "--config.file="+writeFile(t, "c.toml", text))
		m := &member{o: o, name: name, addr: addrs[i], args: append(args, redis...)}
		o.all = append(o.all, m)
		m.start()
	}
	o.a1, o.a2, o.b = o.all[0], o.all[1], o.all[2]
	o.prometheus = prometheusOf(t, fmt.Sprintf(`
- job_name: storage
  scrape_interval: %v
  scrape_timeout: %v
  static_configs: [{targets: [%q, %q, %q]}]
`, outageScrape, outageScrape, addrs[0], addrs[1], addrs[2]))
	o.await("everything to be scraped", o.complete)
	o.began = time.Now()
	for _, m := range o.all {
		m.known = m.begins()
		m.before = m.known
	}
	return o
}

// start starts the exporter, or starts it again.
func (m *member) start() {
	m.o.t.Helper()
	m.process = startAt(m.o.t, m.addr, []string{binary(m.o.t)}, m.args...)
}

// log is that of all its processes.
func (m *member) log() string { return strings.Join(m.ended, "") + m.process.log.String() }

// begins counts the beginnings of a trouble with the Redis in the log.
func (m *member) begins() int { return strings.Count(m.log(), "cache store cannot be used") }

// without has the exporter killed or stopped while something is done.
func (m *member) without(sig syscall.Signal, do func()) {
	m.o.t.Helper()
	from := time.Now()
	m.process.signal(sig)
	m.down = true
	do()
	m.down = false
	if sig == syscall.SIGKILL {
		<-m.process.done
		m.ended = append(m.ended, m.process.log.String())
		m.start()
	} else {
		m.process.signal(syscall.SIGCONT)
	}
	m.o.await(m.name+" to be ready", func() bool { return m.process.status("/-/ready") == 200 })
	m.gone = append(m.gone, span{from, time.Now()})
}

func (m *member) living(from, to time.Time) bool {
	return !slices.ContainsFunc(m.gone, func(s span) bool { return s.overlaps(from, to) })
}

// await waits for a condition, and shows the logs if it does not come.
func (o *outage) await(what string, ok func() bool) {
	o.t.Helper()
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	o.showLogs()
	o.t.Fatalf("waited for %s in vain; delivered: %+v", what, o.delivered())
}

func (o *outage) showLogs() {
	for _, m := range o.all {
		o.t.Logf("%s at %s:\n%s", m.name, m.addr, m.log())
	}
}

// complete says whether the last scrapes of all that live had everything.
func (o *outage) complete() bool {
	all := o.each("up", 1) && o.each("storage_cache_store_up", 1) &&
		o.each("count by (instance) (jbod_drive_info)", outageDrives) &&
		o.each(`count by (instance) (backendai_storage_volume_capacity_bytes{volume!="away"})`, outageVolumes) &&
		o.each(`count by (instance) (backendai_storage_volume_health_status{volume!="away",status="healthy"} == 1)`, outageVolumes)
	return all && (slices.ContainsFunc(o.all, func(m *member) bool { return m.down }) || o.each("backendai_storage_proxy_up", 1))
}

// each says whether an expression has one value for each exporter that lives, and it is
// this one.
func (o *outage) each(expr string, want int) bool {
	values := make(map[string][]string)
	for _, q := range o.prometheus.ask(expr) {
		values[q.Metric["instance"]] = append(values[q.Metric["instance"]], fmt.Sprint(q.Value[1]))
	}
	return !slices.ContainsFunc(o.all, func(m *member) bool {
		return !m.down && !slices.Equal(values[m.addr], []string{strconv.Itoa(want)})
	})
}

// scrapes waits until Prometheus has asked each exporter n times from now on.
func (o *outage) scrapes(n int) {
	o.t.Helper()
	now := time.Now()
	o.await("scrapes", func() bool {
		up := o.prometheus.ask("up[1m]")
		return len(up) == len(o.all) && !slices.ContainsFunc(up, func(q queried) bool {
			times := q.times()
			return len(times) < n || !times[len(times)-n].After(now)
		})
	})
}

// times are when the samples were scraped.
func (q queried) times() []time.Time {
	times := make([]time.Time, len(q.Values))
	for i, v := range q.Values {
		seconds, _ := v[0].(float64)
		times[i] = time.UnixMilli(int64(seconds * 1000))
	}
	return times
}

// trouble has the Redis lost, or a part of it, which every exporter that lives must
// notice and say once, until it is mended, and go on after it.
func (o *outage) trouble(what string, lose, mend func()) {
	o.t.Helper()
	from := time.Now()
	o.t.Logf("%s: %s", from.Format("05.0"), what)
	lose()
	o.await(what+": the trouble to be shown by all", func() bool {
		return o.each(fmt.Sprintf("min_over_time(storage_cache_store_up[%ds])", int(time.Since(from)/time.Second)+1), 0) &&
			!slices.ContainsFunc(o.all, func(m *member) bool { return !m.down && m.begins() == m.known })
	})
	mend()
	o.await(what+": the end of the trouble", o.complete)
	for _, m := range o.all {
		m.known = m.begins()
	}
	o.troubles = append(o.troubles, span{from, time.Now()})
	o.t.Logf("over after %s", time.Since(from).Round(100*time.Millisecond))
}

// delivered are the events that the receiver got, of all exporters.
func (o *outage) delivered() (all []event.Event) {
	for _, m := range o.all {
		all = append(all, o.calls.of("/"+m.name)...)
	}
	return all
}

// once waits for a change to be delivered, and returns it.
func (o *outage) once(kind event.Kind, name, state string) event.Event {
	o.t.Helper()
	var found event.Event
	is := func(e event.Event) bool {
		return e.Subject.Kind == kind && e.Subject.Name == name && e.State == state
	}
	o.await(fmt.Sprintf("%s %s to be %s", kind, name, state), func() bool {
		all := o.delivered()
		i := slices.IndexFunc(all, is)
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

// looked are the series that must not have gaps. A latency is there only where something
// was read or written meanwhile, which a test cannot know.
const looked = `{__name__=~"jbod_drive_info|smartctl_device_smart_status|backendai_storage_volume_.*|backendai_storage_proxy_.*",` +
	`__name__!~".*_(transitions_total|latency_usec_.*)",volume!="away"}`

// check looks at all that Prometheus has scraped. A series may be missing in one scrape
// of a machine that is busy, and not in two: nothing that a Redis does keeps an exporter
// from observing.
func (o *outage) check() {
	o.t.Helper()
	end := time.Now()
	whole := fmt.Sprintf("[%ds]", int(end.Sub(o.began)/time.Second))
	byAddr := make(map[string]*member)
	for _, m := range o.all {
		byAddr[m.addr] = m
	}
	scrapes, failed := 0, 0
	up := o.prometheus.ask("up" + whole)
	for _, q := range up {
		m := byAddr[q.Metric["instance"]]
		times := q.times()
		for i, at := range times {
			if i == 0 || !m.living(times[i-1], at) {
				continue
			}
			if scrapes++; q.Values[i][1] != "1" {
				failed++
				o.t.Errorf("a scrape of %s failed at %s, when it lived", m.name, at.Format("05.0"))
			}
		}
	}
	if len(up) != len(o.all) {
		o.t.Errorf("%d targets were scraped", len(up))
	}
	for _, q := range o.prometheus.ask("storage_cache_store_up" + whole) {
		for i, at := range q.times() {
			known := slices.ContainsFunc(o.troubles, func(s span) bool { return s.overlaps(at, at.Add(time.Millisecond)) })
			m := byAddr[q.Metric["instance"]]
			if q.Values[i][1] != "1" && !known && m.living(at, at.Add(time.Second)) {
				o.t.Errorf("%s could not use its Redis at %s, when all was well", m.name, at.Format("05.0"))
			}
		}
	}
	longest, of, series := time.Duration(0), "", 0
	for _, q := range o.prometheus.ask(looked + whole) {
		series++
		m := byAddr[q.Metric["instance"]]
		times := append(q.times(), end)
		for i := 1; i < len(times); i++ {
			from := times[i-1]
			for _, s := range m.gone {
				if s.overlaps(from, times[i]) && s.to.After(from) {
					from = s.to
				}
			}
			if gap := times[i].Sub(from); gap > longest {
				longest, of = gap, fmt.Sprintf("of %s at %s: %v", m.name, times[i].Format("05.0"), q.Metric)
			}
		}
	}
	if series == 0 || longest > outageTTL-outageScrape/2 {
		o.t.Errorf("%d series, longest gap %s %s", series, longest, of)
	}
	cut := 0
	for _, q := range o.prometheus.ask(`storage_scrape_collector_success{collector=~"smart|proxy"}` + whole) {
		for _, v := range q.Values {
			if v[1] != "1" {
				cut++
			}
		}
	}
	o.t.Logf("%d scrapes in which a collector had not all within their time", cut)
	o.t.Logf("%d scrapes of living exporters, %d failed; %d series, scraped every 2 s, longest time between two samples %s (%s)",
		scrapes, failed, series, longest.Round(10*time.Millisecond), of)
	o.checkLogs()
	o.checkDeliveries()
	if o.t.Failed() {
		o.showLogs()
	}
}

// checkLogs wants each trouble with the Redis once at its begin and once at its end.
func (o *outage) checkLogs() {
	for _, m := range o.all {
		least, most := m.before, m.before+len(o.troubles)
		for _, s := range o.troubles {
			if m.living(s.from, s.to) {
				least++
			}
		}
		begins, ends := m.begins(), strings.Count(m.log(), "cache store is available again")
		if begins < least || begins > most || begins != ends {
			o.t.Errorf("%s logged %d begins and %d ends of %d to %d troubles", m.name, begins, ends, least, most)
		}
	}
}

// checkDeliveries wants each event once, but for those whose delivery was cut off.
func (o *outage) checkDeliveries() {
	ids := make(map[string]int)
	for _, e := range o.delivered() {
		ids[e.ID]++
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if ids[id] != 1+o.cutOff[id] {
			o.t.Errorf("%s was delivered %d times: %+v", id, ids[id], o.delivered())
		}
	}
}

// fail has a drive of node a say that it fails.
func (o *outage) fail(name string) {
	o.t.Helper()
	d, err := o.drives.Drive(name, "scsi")
	if err != nil {
		o.t.Fatal(err)
	}
	d.Report = regexp.MustCompile(`("passed": ?)true`).ReplaceAll(d.Report, []byte("${1}false"))
	if err := o.drives.Put(d); err != nil {
		o.t.Fatal(err)
	}
}

// inTurn kills a server and stops it, with what is to hold meanwhile and after it.
func (o *outage) inTurn(s *redistest.Server, after func()) {
	s.Pause()
	o.scrapes(1)
	s.Resume()
	after()
	s.Kill()
	o.scrapes(1)
	s.Restart()
	after()
}
