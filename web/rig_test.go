package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/event"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume"
	"storage_exporter/zpool"
)

var builtAt = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// drive is a drive that is well.
func drive(n int, change ...func(*overview.Drive)) *overview.Drive {
	d := &overview.Drive{
		Device: fmt.Sprintf("sd%c%c", 'a'+n/26, 'a'+n%26), Serial: fmt.Sprintf("EX%05d", n), WWN: fmt.Sprintf("0x5000c500%08x", n), Model: "EXAMPLE 18TB",
		CapacityBytes: new(18e12), TemperatureCelsius: new(30.0 + float64(n%9)), TemperatureLimit: new(60.0), PowerOnSeconds: new(3.2 * 365.25 * 86400),
		Errors: new(0.0), PowerMode: report.Active, Assessment: assess.Result{Verdict: assess.OK},
		Pools: []overview.Membership{{Pool: "tank", Vdev: "raidz2-0", Role: zpool.Data, State: "ONLINE"}},
	}
	for _, f := range change {
		f(d)
	}
	return d
}

func judged(v assess.Verdict, rule string, value float64) func(*overview.Drive) {
	return func(d *overview.Drive) {
		d.Assessment = assess.Result{Verdict: v, Reasons: []assess.Reason{{Rule: rule, Severity: v, Value: value, Text: "the drive's own words"}}}
	}
}

func sleeping(d *overview.Drive) { d.PowerMode = report.Standby }

func slotOf(n int, d *overview.Drive) overview.Slot {
	return overview.Slot{Slot: fmt.Sprint(n), Status: enclosure.OK, Populated: new(d != nil), Fault: new(false), Locate: new(false), Drive: d}
}

// host is an overview of so many drives in enclosures of 26, with some of everything
// that can be wrong.
func host(drives int) *overview.Overview {
	o := &overview.Overview{BuiltAt: builtAt, Outside: []overview.Drive{}, Enclosures: []overview.Enclosure{}}
	for n := range drives {
		if n%26 == 0 {
			o.Enclosures = append(o.Enclosures, overview.Enclosure{ID: fmt.Sprintf("0x50030480%08d", n/26), Vendor: "EXAMPLE", Model: "JBOD-26"})
		}
		d := drive(n)
		switch n {
		case 16:
			judged(assess.Failing, "pending_sectors", 24)(d)
		case 20:
			judged(assess.Warning, "temperature", 62)(d)
		case 21:
			sleeping(d)
		}
		s := slotOf(n%26, d)
		if n == 16 {
			s.Fault = new(true)
		}
		e := &o.Enclosures[n/26]
		e.Slots = append(e.Slots, s)
	}
	if drives > 26 {
		s := slotOf(26, nil)
		s.Locate = new(true)
		o.Enclosures[1].Slots = append(o.Enclosures[1].Slots, s, overview.Slot{Slot: "27"})
	}
	o.Outside = append(o.Outside, *drive(drives, func(d *overview.Drive) { d.Device, d.Pools = "nvme0", nil }))
	o.Pools = []overview.Pool{{
		Name: "tank", State: "DEGRADED", Status: "One or more devices could not be used.", Action: "Replace the device.", DataErrors: new(uint64(0)),
		Scan: &zpool.Scan{Function: zpool.Resilver, State: zpool.Scanning, StartTime: builtAt.Add(-time.Hour), Done: new(0.25)},
		Vdevs: []overview.Vdev{
			{ID: "1", Name: "raidz2-0", Type: "raidz", Role: zpool.Data, State: "DEGRADED"},
			{ID: "2", Name: "/dev/sdaq1", Type: "disk", Role: zpool.Data, Parent: "raidz2-0", State: "FAULTED", ReadErrors: new(uint64(213)), Device: "sdaq", Enclosure: "0x5003048000000000", Slot: "16"},
			{ID: "3", Name: "/dev/sdaa1", Type: "disk", Role: zpool.Data, Parent: "raidz2-0", State: "ONLINE", Device: "sdaa", Enclosure: "0x5003048000000000", Slot: "0"},
		},
	}}
	o.Volumes = []overview.Volume{
		{Name: "home", Backend: "xfs", Status: volume.Healthy, CheckedAt: &builtAt,
			Performance: &volume.Performance{IOPSRead: new(1240.0), BytesRead: new(5.2e9), LatencyReadUsec: new(2000.0)},
			Usage:       &volume.Usage{CapacityBytes: new(uint64(120e12)), UsedBytes: new(uint64(76e12))}},
		{Name: "archive", Backend: "netapp", Status: volume.Offline, Info: "the SVM is stopped", CheckedAt: &builtAt},
	}
	o.Proxies = []overview.Proxy{
		{Name: "p1", Status: proxy.Healthy, CheckedAt: &builtAt, Volumes: overview.VolumeCounts{Total: 2, ByStatus: map[volume.Status]int{volume.Healthy: 2}}},
		{Name: "p2", Status: proxy.Unhealthy, Reason: "connection refused"},
	}
	o.Counts = o.Count()
	return o
}

// rig is the pages of an overview that can be exchanged.
type rig struct {
	t        testing.TB
	pages    *Pages
	mux      *http.ServeMux
	revision atomic.Uint64
	shown    atomic.Pointer[overview.Overview]
	columns  atomic.Pointer[Columns]
	events   func() (event.Page, error)
}

func newRig(t testing.TB, o *overview.Overview, change ...func(*Config)) *rig {
	r := &rig{t: t, mux: http.NewServeMux(), events: func() (event.Page, error) { return event.Page{}, nil }}
	r.show(o)
	cfg := Config{
		Host: "storage-01", Note: "demo", Metrics: "/metrics", Columns: r.columns.Load, Logger: slog.New(slog.DiscardHandler),
		Overview: func() cache.Snapshot[overview.Overview] {
			return cache.Snapshot[overview.Overview]{Value: r.shown.Load(), Revision: r.revision.Load()}
		},
		Events: func(ctx context.Context, _ event.Filter, _ string, _ int) (event.Page, error) {
			if err := ctx.Err(); err != nil {
				return event.Page{}, err
			}
			return r.events()
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	r.pages = New(cfg)
	r.pages.Register(r.mux)
	return r
}

func (r *rig) show(o *overview.Overview) {
	r.shown.Store(o)
	r.revision.Add(1)
}

// ask answers a request; header are names and values.
func (r *rig) ask(path string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	return w
}

// page is a page that must be there, parsed.
func (r *rig) page(path string) document {
	r.t.Helper()
	w := r.ask(path)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		r.t.Fatalf("%s: %d %s %.300s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return parsed(r.t, w.Body.String())
}

// document is a parsed page.
type document struct {
	*html.Node
	source string
}

func parsed(t testing.TB, source string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return document{root, source}
}

// all are the elements with a tag and a class; either may be empty.
func (d document) all(tag, class string) (list []document) {
	for n := range d.Descendants() {
		if n.Type == html.ElementNode && (tag == "" || n.Data == tag) && (class == "" || strings.Contains(" "+attribute(n, "class")+" ", " "+class+" ")) {
			list = append(list, document{Node: n})
		}
	}
	return list
}

// byID is the element with an id, which must be there.
func (d document) byID(t testing.TB, id string) document {
	t.Helper()
	for n := range d.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
			return document{Node: n}
		}
	}
	t.Fatalf("no element has the id %s", id)
	return document{}
}

// text is all that is said, with single spaces.
func (d document) text() string {
	var b strings.Builder
	for n := range d.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (d document) get(name string) string { return attribute(d.Node, name) }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
