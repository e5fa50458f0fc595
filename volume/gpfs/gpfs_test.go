package gpfs

import (
	"bytes"
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/gpfs/gpfstest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// lab is a cluster with the backend of its volumes.
type lab struct {
	*backend
	e   *appliancetest.Emulator
	log *bytes.Buffer
}

// inLab runs a test against a cluster, in a bubble of time.
func inLab(t *testing.T, g *gpfstest.GUI, test func(*testing.T, lab)) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		l := lab{e: g.Start(t, network), log: &bytes.Buffer{}}
		b, err := Kind(network.Dial).New(l.e.Volumes, slog.New(slog.NewTextHandler(l.log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		l.backend = b.(*backend)
		test(t, l)
	})
}

func (l lab) reads(t *testing.T, name string) float64 {
	t.Helper()
	results, err := l.Performance(t.Context())
	if err != nil || results[name].Err != nil || results[name].Value.IOPSRead == nil {
		t.Fatalf("%v, %+v", err, results[name])
	}
	return *results[name].Value.IOPSRead
}

func (l lab) health(t *testing.T, name string) volume.Health {
	t.Helper()
	results, err := l.Health(t.Context())
	if err != nil || results[name].Err != nil {
		t.Fatalf("%v, %+v", err, results[name])
	}
	return results[name].Value
}

// The unit of the collector's values is found out, and not asked for again.
func TestUnit(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 2}, func(t *testing.T, l lab) {
		if got := l.reads(t, "v1"); got != 101 {
			t.Errorf("%v reads a second, not 101", got)
		}
		l.e.Forget()
		l.reads(t, "v1")
		if n := len(l.e.Calls()); n != 1 || !l.meter.known {
			t.Errorf("%d calls once the unit is known: %v", n, l.meter.known)
		}
	})
	inLab(t, &gpfstest.GUI{Filesystems: 2, Rates: true}, func(t *testing.T, l lab) {
		if got := l.reads(t, "v0"); got != 10 {
			t.Errorf("%v reads a second before the unit is known, not 10", got)
		}
		time.Sleep(meterEvery)
		if got := l.reads(t, "v0"); got != 100 {
			t.Errorf("%v reads a second, not 100", got)
		}
		if !strings.Contains(l.log.String(), "are rates") {
			t.Error("no word of it in the log")
		}
		l.e.Forget()
		time.Sleep(meterEvery)
		l.reads(t, "v0")
		if n := len(l.e.Calls()); n != 1 {
			t.Errorf("%d calls once the unit is known", n)
		}
	})
}

func TestSensorOff(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1, Silent: true}, func(t *testing.T, l lab) {
		for range 3 {
			results, err := l.Performance(t.Context())
			if err != nil || !errors.Is(results["v0"].Err, volume.ErrNoSample) {
				t.Fatalf("%v, %+v", err, results)
			}
		}
		if n := strings.Count(l.log.String(), "no performance figures"); n != 1 {
			t.Errorf("told %d times:\n%s", n, l.log)
		}
	})
}

// A sample's age is the collector's, whatever its clock says.
func TestSampledAt(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1}, func(t *testing.T, l lab) {
		time.Sleep(4 * time.Second)
		results, err := l.Performance(t.Context())
		if age := time.Since(results["v0"].SampledAt); err != nil || age < 20*time.Second || age > 30*time.Second {
			t.Errorf("%v old, %v", age, err)
		}
	})
}

// A release that knows neither the class nor the keyword is asked node by node.
func TestHealthForms(t *testing.T) {
	for _, tt := range []struct {
		name  string
		gui   gpfstest.GUI
		calls int // for the states, once it is known how
	}{
		{"class", gpfstest.GUI{}, 1}, {"keyword", gpfstest.GUI{Classless: true}, 1}, {"each", gpfstest.GUI{Classless: true, Keywordless: true}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.gui.Filesystems = 1
			inLab(t, &tt.gui, func(t *testing.T, l lab) {
				for range 2 {
					l.e.Forget()
					if h := l.health(t, "v0"); h.Status != volume.Healthy {
						t.Errorf("%s: %s", h.Status, h.Info)
					}
				}
				if n := len(l.e.Calls()); n != tt.calls {
					t.Errorf("%d calls, not %d: %v", n, tt.calls, l.e.Calls())
				}
			})
		})
	}
}

// A GUI node that knows no nodes, as one that starts, is not asked node by node
// from then on.
func TestNoNodes(t *testing.T) {
	g := &gpfstest.GUI{Filesystems: 1, Classless: true, Keywordless: true, Nodeless: true}
	inLab(t, g, func(t *testing.T, l lab) {
		if _, err := l.Health(t.Context()); !errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), "lists no nodes") {
			t.Errorf("%v", err)
		}
		g.Classless, g.Keywordless, g.Nodeless = false, false, false
		time.Sleep(nodesEvery)
		l.health(t, "v0")
		l.e.Forget()
		l.health(t, "v0")
		if n := len(l.e.Calls()); n != 1 {
			t.Errorf("%d calls: %v", n, l.e.Calls())
		}
	})
}

// Of what only adds to the health, its failure is told and no more.
func TestHealthWithoutTheRest(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1}, func(t *testing.T, l lab) {
		l.e.Break(appliancetest.Fails(http.StatusForbidden, ""), func(r *http.Request) bool { return !strings.HasSuffix(r.URL.Path, "/states") })
		h := l.health(t, "v0")
		if h.Status != volume.Healthy || !strings.Contains(h.Info, "the nodes are not known") || !strings.Contains(h.Info, "may not do this") {
			t.Errorf("%s: %s", h.Status, h.Info)
		}
	})
}

// With a class, nodes that do not belong to it do not count: clients come and go.
func TestClass(t *testing.T) {
	for class, want := range map[string]volume.Status{"servers": volume.Healthy, "all": volume.Degraded} {
		inLab(t, &gpfstest.GUI{Filesystems: 1, Down: 2}, func(t *testing.T, l lab) {
			l.class = class
			if h := l.health(t, "v0"); h.Status != want {
				t.Errorf("%s: %s: %s", class, h.Status, h.Info)
			}
		})
	}
	inLab(t, &gpfstest.GUI{Filesystems: 1, Down: 1}, func(t *testing.T, l lab) {
		l.class = "servers"
		if h := l.health(t, "v0"); h.Status != volume.Offline || h.Metadata["nodes_total"] != "1" {
			t.Errorf("%s: %s: %v", h.Status, h.Info, h.Metadata)
		}
	})
}

// A class that the cluster does not know is not replaced by all nodes in silence.
func TestUnknownClass(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1}, func(t *testing.T, l lab) {
		l.class = "servres"
		for range 3 {
			if h := l.health(t, "v0"); h.Status != volume.Healthy {
				t.Errorf("%s: %s", h.Status, h.Info)
			}
		}
		if n := strings.Count(l.log.String(), "gpfs_node_class"); n != 1 {
			t.Errorf("told %d times:\n%s", n, l.log)
		}
	})
}

// What the health can do without costs it little time, and pools that take long are
// not walked over at each check.
func TestTheRestHangs(t *testing.T) {
	g := &gpfstest.GUI{Filesystems: 1}
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := g.Start(t, network)
		e.Volumes[0].Options["request_timeout"] = "60s"
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		l := lab{backend: b, e: e}
		e.Break(appliancetest.Slow(45*time.Second), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/pools") })
		walks := 0
		for range 7 {
			e.Forget()
			start := time.Now()
			if h := l.health(t, "v0"); h.Status != volume.Healthy {
				t.Errorf("%s: %s", h.Status, h.Info)
			}
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			for _, c := range e.Calls() {
				if strings.HasSuffix(c.Path, "/pools") {
					walks++
				}
			}
			time.Sleep(healthInterval)
		}
		if walks != 1 {
			t.Errorf("the pools were walked over %d times", walks)
		}
		if results, err := b.Usage(t.Context()); err != nil || results["v0"].Err != nil {
			t.Errorf("%v, %v", err, results["v0"].Err)
		}
		e.Break(appliancetest.Hangs(), func(r *http.Request) bool { return !strings.HasSuffix(r.URL.Path, "/states") })
		time.Sleep(clusterEvery)
		start := time.Now()
		if h := l.health(t, "v0"); h.Status != volume.Healthy || !strings.Contains(h.Info, "the nodes are not known") || time.Since(start) > 15*time.Second {
			t.Errorf("%s (%s) after %v", h.Status, h.Info, time.Since(start))
		}
	})
}

// A failure that only the answer's own status tells is not an empty cluster.
func TestFailureInside(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1, Failure: 500}, func(t *testing.T, l lab) {
		_, health := l.Health(t.Context())
		_, usage := l.Usage(t.Context())
		_, performance := l.Performance(t.Context())
		for _, err := range []error{health, usage, performance} {
			if !errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), "code 500") {
				t.Errorf("%v", err)
			}
		}
	})
}

// Where the list of pools has names alone, each is asked for.
func TestPoolsByName(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 3, NamesOnly: true}, func(t *testing.T, l lab) {
		results, err := l.Usage(t.Context())
		if u := results["v2"].Value; err != nil || u.CapacityBytes == nil || *u.CapacityBytes != 1024*10002 || *u.AvailableBytes != 1024*4000 {
			t.Errorf("%v, %+v", err, results["v2"])
		}
		if n := len(l.e.Calls()); n != 7 {
			t.Errorf("%d calls, not 7", n)
		}
	})
}

// What a list repeats is there once.
func TestPoolsTwice(t *testing.T) {
	for _, namesOnly := range []bool{false, true} {
		inLab(t, &gpfstest.GUI{Filesystems: 3, Twice: true, NamesOnly: namesOnly}, func(t *testing.T, l lab) {
			results, err := l.Usage(t.Context())
			if u := results["v2"].Value; err != nil || u.CapacityBytes == nil || *u.CapacityBytes != 1024*10002 || *u.AvailableBytes != 1024*4000 {
				t.Errorf("%v, %+v", err, results["v2"])
			}
		})
	}
}

// The GUI's list of mounts is old: it decides nothing against a health that is good
// now, or a load that is measured.
func TestListOfMountsIsOld(t *testing.T) {
	const listed = "the GUI's list of mounts has it on no node, but "
	for _, tt := range []struct {
		word   string
		loaded bool
		want   volume.Status
		info   string
	}{
		{"", false, volume.Degraded, listed + "its health is good on n1.example.net, n2.example.net: check it with mmlsmount"},
		{"", true, volume.Degraded, listed + "its health is good on n1.example.net, n2.example.net and reads or writes are measured: check it with mmlsmount"},
		{"DEGRADED", true, volume.Degraded, "file system fs0 is DEGRADED on n1.example.net, n2.example.net; " + listed + "reads or writes are measured: check it with mmlsmount"},
		{"DEGRADED", false, volume.Offline, "it is not mounted on any node: mount it with mmmount; file system fs0 is DEGRADED on n1.example.net, n2.example.net"},
	} {
		inLab(t, &gpfstest.GUI{Filesystems: 1, Unlisted: true, Word: tt.word}, func(t *testing.T, l lab) {
			if tt.loaded {
				l.reads(t, "v0")
			}
			if h := l.health(t, "v0"); h.Status != tt.want || h.Info != tt.info {
				t.Errorf("%s loaded %v: %s (%s)", tt.word, tt.loaded, h.Status, h.Info)
			}
			time.Sleep(loadLasts + time.Second)
			if h := l.health(t, "v0"); strings.Contains(h.Info, "measured") {
				t.Errorf("of long ago: %s", h.Info)
			}
		})
	}
}

// What is another cluster's has no pools, which is no failure; what is not there has.
func TestPoolsOfAnotherCluster(t *testing.T) {
	for name, want := range map[string]error{"fs0": volume.ErrUnsupported, "nowhere": rest.ErrNotFound} {
		volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
			e := (&gpfstest.GUI{Filesystems: 1, Remote: true}).Start(t, network)
			e.Volumes[0].Options["gpfs_fs_name"] = name
			results, err := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...).Usage(t.Context())
			if got := cmp.Or(err, results["v0"].Err); !errors.Is(got, want) {
				t.Errorf("%s: %v, not %v", name, got, want)
			}
		})
	}
}

// One file system is asked for by name: other ones cost nothing.
func TestOneFilesystem(t *testing.T) {
	g := &gpfstest.GUI{Filesystems: 12} // fs1, but also fs10 and fs11
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := g.Start(t, network)
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes[1:2]...)
		l := lab{backend: b, e: e}
		if got := l.reads(t, "v1"); got != 101 {
			t.Errorf("%v reads a second", got)
		}
		l.health(t, "v1")
		for _, c := range e.Calls() {
			query, _ := url.QueryUnescape(c.Query)
			if strings.Contains(c.Path, ":all:") || strings.HasSuffix(c.Path, "/data") && !strings.Contains(query, " from gpfs_fs_name=fs1 ") {
				t.Errorf("%s %s", c.Path, query)
			}
		}
	})
	if got := query("a b", 10, 6); !strings.HasSuffix(got, " last 6 group_by gpfs_fs_name") {
		t.Errorf("a name that is none: %s", got)
	}
}

// One that is not there is told by its name.
func TestNoFilesystem(t *testing.T) {
	g := &gpfstest.GUI{Filesystems: 1}
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := g.Start(t, network)
		e.Volumes[0].Options["gpfs_fs_name"] = "nowhere"
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		results, err := b.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, usage := b.Usage(t.Context())
		for _, err := range []error{results["v0"].Err, usage} {
			if !errors.Is(err, rest.ErrNotFound) || !strings.Contains(err.Error(), `file system "nowhere" is not there`) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestIntervals(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1}, func(t *testing.T, l lab) {
		if got, want := l.Intervals(), (volume.Intervals{Performance: 10 * time.Second, Health: 30 * time.Second, Usage: 5 * time.Minute}); got != want {
			t.Errorf("%+v", got)
		}
	})
}
