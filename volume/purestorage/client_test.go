package purestorage

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/purestorage/purestoragetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func TestPick(t *testing.T) {
	list := []string{"1.0", "1.9", "1.12", "1.8.1", "2.0", "2.9", "2.28"}
	for _, test := range []struct{ wanted, of, want string }{
		{"auto", "", "2.28"},
		{"2", "", "2.28"},
		{"2.x", "", "2.28"},
		{"2.latest", "", "2.28"},
		{"1", "", "1.12"},
		{"1.x", "", "1.12"},
		{"1.8.1", "", "1.8.1"},
		{"1.8", "", "2.28"}, // it is gone
		{"auto", "1.0 1.9 1.12", "1.12"},
		{"2.x", "1.0 1.9 1.12", ""},
	} {
		of := list
		if test.of != "" {
			of = strings.Fields(test.of)
		}
		if got, err := pick(test.wanted, of); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("pick(%q) = %q, %v, not %q", test.wanted, got, err, test.want)
		}
	}
}

// Both families of the API work, whatever of them is configured.
func TestFamilies(t *testing.T) {
	for _, test := range []struct {
		name, version string
		versions      []string
		used          string
	}{
		{"1.8", "1.8", []string{"1.0", "1.8", "1.8.1", "1.9"}, "1.8"},
		{"newest 1.x", "auto", []string{"1.0", "1.9", "1.12"}, "1.12"},
		{"newest 2.x", "2.x", []string{"1.12", "2.0", "2.9", "2.28"}, "2.28"},
		{"gone after an upgrade", "1.8", []string{"2.0", "2.9"}, "2.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			const volumes = 100
			volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
				e := purestoragetest.Start(t, network, volumes, test.version, test.versions...)
				b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
				if usage, err := b.Usage(volumetest.Within(t)); err != nil || len(usage) != volumes || usage["v99"].Err != nil || *usage["v99"].Value.CapacityBytes != 100<<40 {
					t.Fatalf("%v, %+v", err, usage["v99"])
				}
				e.Forget()
				time.Sleep(time.Minute)
				performance, err := b.Performance(volumetest.Within(t))
				if err != nil || performance["v99"].Err != nil || *performance["v99"].Value.IOPSRead != 1050 {
					t.Fatalf("%v, %+v", err, performance["v99"])
				}
				calls := e.Calls()
				if len(calls) != 20 {
					t.Errorf("%d calls", len(calls))
				}
				for _, c := range calls {
					if !strings.HasPrefix(c.Path, "/api/"+test.used+"/") {
						t.Errorf("%s is not of %s", c.Path, test.used)
					}
				}
			})
		})
	}
}

// A name that is not there is looked for now and then, and costs the others no
// call in between.
func TestWrongNameAmongMany(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := purestoragetest.Start(t, network, 12, "2.9", "2.9")
		e.Volumes[3].Options["purity_fs_name"] = "no-such-fs"
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		observe := func() (calls int) {
			e.Forget()
			performance, err1 := b.Performance(volumetest.Within(t))
			usage, err2 := b.Usage(volumetest.Within(t))
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			for name := range usage {
				lost := name == "v3"
				if (performance[name].Err != nil) != lost || (usage[name].Err != nil) != lost {
					t.Errorf("%s: %v, %v", name, performance[name].Err, usage[name].Err)
				}
			}
			if err := performance["v3"].Err; !errors.Is(err, rest.ErrRejected) || !strings.Contains(err.Error(), `"no-such-fs"`) {
				t.Errorf("the error does not name it: %v", err)
			}
			return len(e.Calls())
		}
		first := observe()
		total := 0
		for range 4 {
			time.Sleep(time.Minute)
			total += observe()
		}
		if total != 4*(3+2) { // three batches, the file systems and the space
			t.Errorf("%d calls in four rounds, after %d in the first", total, first)
		}
		time.Sleep(again)
		if n := observe(); n <= 5 {
			t.Errorf("it is not looked for again: %d calls", n)
		}
	})
}

// Where every name is refused, the calls do not multiply.
func TestEveryNameRefused(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := purestoragetest.Start(t, network, 100, "2.9", "2.9")
		e.Break(appliancetest.Fails(http.StatusBadRequest, ""), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "performance") })
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		got, err := b.Performance(volumetest.Within(t))
		if err != nil || !errors.Is(got["v99"].Err, rest.ErrRejected) {
			t.Errorf("%v, %v", err, got["v99"].Err)
		}
		if n := len(e.Calls()); n > 1+20+batch {
			t.Errorf("%d calls", n)
		}
	})
}

func TestProtocol(t *testing.T) {
	for configured, want := range map[string]string{"": "NFS", "smb": "SMB", "ALL": ""} {
		t.Run("protocol "+configured, func(t *testing.T) {
			volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
				e := purestoragetest.Start(t, network, 1, "2.9", "2.9")
				if configured != "" {
					e.Volumes[0].Options["purity_protocol"] = configured
				}
				if _, err := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...).Performance(volumetest.Within(t)); err != nil {
					t.Fatal(err)
				}
				query := e.Calls()[1].Query
				if _, got, _ := strings.Cut(query, "protocol="); got != want {
					t.Errorf("asked for %q: %s", got, query)
				}
			})
		})
	}
}

// Volumes of one array share its session, whatever their protocols.
func TestProtocolsOfOneArray(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := purestoragetest.Start(t, network, 12, "2.9", "2.9")
		shares := map[string]bool{}
		for i, protocol := range []string{"SMB", "NFS", "smb", "all"} {
			e.Volumes[3*i].Options["purity_protocol"] = protocol
		}
		for _, cfg := range e.Volumes {
			id, err := Kind(nil).Identify(cfg)
			if err != nil {
				t.Fatal(err)
			}
			shares[id.Share] = true
		}
		performance, err := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...).Performance(volumetest.Within(t))
		if err != nil || len(shares) != 1 {
			t.Fatalf("%d backends: %v", len(shares), err)
		}
		for name, p := range performance {
			if p.Err != nil {
				t.Errorf("%s: %v", name, p.Err)
			}
		}
		asked := map[string]string{}
		for _, c := range e.Calls()[1:] {
			query, err := url.ParseQuery(c.Query)
			if err != nil {
				t.Fatal(err)
			}
			asked[query.Get("protocol")] += query.Get("names") + ";"
		}
		want := map[string]string{
			"": "vfolder-9;", "SMB": "vfolder-0,vfolder-6;",
			"NFS": "vfolder-1,vfolder-10,vfolder-11,vfolder-2,vfolder-3;vfolder-4,vfolder-5,vfolder-7,vfolder-8;",
		}
		volumetest.Same(t, want, asked)
	})
}

// A thousand file systems: no call is too long, and where a round has no time for
// all, the next one begins with the others.
func TestThousand(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := purestoragetest.Start(t, network, 1000, "2.9", "2.9")
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		usage, err := b.Usage(volumetest.Within(t))
		if err != nil || usage["v999"].Err != nil {
			t.Fatalf("%v, %+v", err, usage["v999"])
		}
		e.Break(appliancetest.Slow(300*time.Millisecond), func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "performance") })
		measured := map[string]bool{}
		for range 3 { // as long as a sample is shown
			ctx, cancel := context.WithTimeout(t.Context(), 27*time.Second)
			performance, err := b.Performance(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for name, p := range performance {
				measured[name] = measured[name] || p.Err == nil
			}
			cancel()
			time.Sleep(3 * time.Second)
		}
		for name, ok := range measured {
			if !ok {
				t.Errorf("%s was never measured", name)
			}
		}
		for _, c := range e.Calls() {
			if len(c.Path)+len(c.Query) > 7000 {
				t.Errorf("%d bytes of URL", len(c.Path)+len(c.Query))
			}
		}
	})
}

// A call that fails each time does not keep those after it from being made.
func TestOneCallFails(t *testing.T) {
	for _, bad := range []string{"vfolder-0", "vfolder-15", "vfolder-9"} { // the first, one in between, the last
		volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
			e := purestoragetest.Start(t, network, 30, "2.9", "2.9")
			e.Break(appliancetest.Fails(http.StatusInternalServerError, ""), func(r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, "performance") && strings.Contains(r.URL.RawQuery, bad)
			})
			b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
			_, _ = b.Performance(volumetest.Within(t))
			time.Sleep(sampling)
			performance, err := b.Performance(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			for _, p := range performance {
				if p.Err != nil {
					failed++
				}
			}
			if failed != batch {
				t.Errorf("%s: %d file systems are not measured", bad, failed)
			}
		})
	}
}

func TestWrongOptions(t *testing.T) {
	for key, value := range map[string]any{
		"purity_api_version": "3.0", "purity_protocol": "iSCSI", "purity_used": "half", "purity_fs_name": "a,b",
	} {
		options := map[string]any{"purity_endpoint": "https://fb01", "purity_api_token": purestoragetest.Token, "purity_fs_name": "a"}
		options[key] = value
		_, err := Kind(nil).Identify(volume.Config{Name: "v", Options: options})
		if err == nil || !strings.Contains(err.Error(), "volume.v.options."+key) {
			t.Errorf("%s = %v: %v", key, value, err)
		}
	}
}
