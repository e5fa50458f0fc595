package netapp

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

func TestSameNameInSeveralSVMs(t *testing.T) {
	o := newOntap()
	o.volumes = []*fakeVolume{newVolume("svm_a", "v", 1, 10, 1), newVolume("svm_b", "v", 2, 20, 2), newVolume("svm_b", "w", 3, 30, 3)}
	with(t, o, []string{"v", "svm_a/v", "svm_b/v", "w"}, func(t *testing.T, b volume.Backend) {
		if h := health(t, b, "v"); h.Status != volume.Unavailable || h.Info != "2 SVMs have a volume v (svm_a, svm_b): set netapp_svm_name to one of them" {
			t.Errorf("%s %s", h.Status, h.Info)
		}
		for name, want := range map[string]float64{"svm_a/v": 10, "svm_b/v": 20, "w": 30} {
			if got := performance(t, b, name); got.Err != nil || reads(got) != want {
				t.Errorf("%s: %+v, %v", name, got.Value, got.Err)
			}
		}
	})
}

// A volume is the same on an SVM that a failover gave another name: by the SVM's UUID,
// or by the name that a MetroCluster gives it, where the exporter began after that. The
// SVM of the configured name goes first.
func TestSVMRenamed(t *testing.T) {
	rename := func(o *ontap, i int, name string) {
		svm := o.volumes[i].fields["svm"].(map[string]any)
		o.volumes[i].fields["svm"] = map[string]any{"name": name, "uuid": svm["uuid"]}
	}
	o := newOntap()
	o.volumes = []*fakeVolume{newVolume("svm_a", "v", 1, 10, 1), newVolume("svm_b", "w", 2, 20, 2), newVolume("svm_c-mc", "x", 3, 30, 3), newVolume("svm_d", "x", 4, 40, 4)}
	with(t, o, []string{"svm_a/v", "svm_b/w", "svm_c/x", "svm_d-mc/x"}, func(t *testing.T, b volume.Backend) {
		check := func(want map[string]string) {
			t.Helper()
			for name, svm := range want {
				if h := health(t, b, name); h.Status != volume.Healthy || h.Metadata["svm"] != svm {
					t.Errorf("%s: %s %s, %v", name, h.Status, h.Info, h.Metadata)
				}
			}
			time.Sleep(time.Minute)
		}
		check(map[string]string{"svm_a/v": "svm_a", "svm_b/w": "svm_b", "svm_c/x": "svm_c-mc", "svm_d-mc/x": "svm_d"})
		performance(t, b, "svm_a/v")
		time.Sleep(time.Minute)
		o.change(func() { rename(o, 0, "svm_a-mc"); rename(o, 1, "other") })
		if got := performance(t, b, "svm_a/v"); got.Err != nil || reads(got) != 10 {
			t.Errorf("%+v, %v", got.Value, got.Err)
		}
		check(map[string]string{"svm_a/v": "svm_a-mc", "svm_b/w": "other"})
		o.change(func() { rename(o, 0, "svm_a"); o.volumes = append(o.volumes, newVolume("svm_b", "w", 5, 50, 5)) })
		check(map[string]string{"svm_a/v": "svm_a", "svm_b/w": "svm_b"})
		o.change(func() { o.volumes = o.volumes[:1] })
		if h := health(t, b, "svm_b/w"); h.Status != volume.Unavailable {
			t.Errorf("one that is gone: %+v", h)
		}
	})
}

// The list and the members come in small pages, whatever was asked for, and the
// pages overlap.
func TestPages(t *testing.T) {
	o := newOntap()
	o.pageMost, o.overlap = 3, 1
	var names []string
	for i := range 10 {
		o.volumes = append(o.volumes, newFlexGroup("svm_ai", string(rune('a'+i)), i, 30, 6))
		names = append(names, string(rune('a'+i)))
	}
	with(t, o, names, func(t *testing.T, b volume.Backend) {
		for range 2 {
			for _, name := range names {
				if got := performance(t, b, name); got.Err != nil {
					t.Errorf("%s: %v", name, got.Err)
				}
			}
			time.Sleep(time.Minute)
		}
		for _, name := range names {
			if got := performance(t, b, name); reads(got) != 30 {
				t.Errorf("%s: %v", name, reads(got))
			}
		}
	})
}

// Systems before 9.11.1 refuse a parameter that they do not know. They are not
// asked twice each time.
func TestOldSystem(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	o.old = true
	for i, got := range rounds(t, o, 3, func(int) {}) {
		if got.Err != nil || reads(got) != 100 {
			t.Errorf("look %d: %+v, %v", i, got.Value, got.Err)
		}
	}
	if o.calls != 4 {
		t.Errorf("%d calls, not 4: one is refused", o.calls)
	}
}

// A system that is slow to gather its volumes answers with what it has in time,
// and links to the rest.
func TestSlowSystem(t *testing.T) {
	o := newOntap()
	o.slow = 1
	var names []string
	for i := range 20 {
		o.volumes = append(o.volumes, newVolume("svm_ai", string(rune('a'+i)), i, 30, 6))
		names = append(names, string(rune('a'+i)))
	}
	with(t, o, names, func(t *testing.T, b volume.Backend) {
		if h := health(t, b, "t"); h.Status != volume.Healthy {
			t.Errorf("%s: %s", h.Status, h.Info)
		}
	})
	for call, want := range map[time.Duration]string{time.Millisecond: "1", 5 * time.Second: "4", 10 * time.Second: "8", time.Minute: "15"} {
		if got := gatherFor(call); got != want {
			t.Errorf("%v: %s s, not %s", call, got, want)
		}
	}
}

// However many volumes and SVMs there are, no URL is longer than servers take.
func TestLongURL(t *testing.T) {
	o := newOntap()
	var names []string
	for i := range 1000 {
		v := newVolume(fmt.Sprintf("svm_of_department_%03d", i%150), fmt.Sprintf("volume_of_project_%04d", i), i, 30, 6)
		o.volumes = append(o.volumes, v)
		names = append(names, fmt.Sprintf("svm_of_department_%03d/%s", i%150, v.fields["name"]))
	}
	longest := 0
	with(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		longest = max(longest, len(r.RequestURI))
		o.ServeHTTP(w, r)
	}), names, func(t *testing.T, b volume.Backend) {
		for _, name := range []string{names[0], names[999]} {
			if h := health(t, b, name); h.Status != volume.Healthy {
				t.Errorf("%s: %s: %s", name, h.Status, h.Info)
			}
		}
	})
	if longest > 6000 {
		t.Errorf("a URL of %d bytes", longest)
	}
}

func TestBatches(t *testing.T) {
	names := map[string]bool{}
	for i := range 1000 {
		names[string(rune('a'+i%26))+time.Duration(i).String()] = true
	}
	seen := 0
	for _, batch := range batches(names) {
		if len(batch) > longestFilter {
			t.Errorf("%d bytes", len(batch))
		}
		for _, r := range batch {
			if r == '|' {
				seen++
			}
		}
		seen++
	}
	if all := batches(names); len(all) != 3 || seen != len(names) {
		t.Errorf("%d batches, %d of %d names", len(all), seen, len(names))
	}
	if all := batches(nil); len(all) != 0 {
		t.Errorf("%q", all)
	}
}

// A system that ignores the filter does not fill our memory.
func TestOnlyWhatWasAskedForIsKept(t *testing.T) {
	with(t, &replay{volumes: "volumes_list.json"}, []string{"vfroot01"}, func(t *testing.T, b volume.Backend) {
		found, err := b.(*backend).fetchVolumes(t.Context())
		if err != nil || len(found.named) != 1 || len(found.named["vfroot01"]) != 1 {
			t.Errorf("%d names, %v", len(found.named), err)
		}
	})
}

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		body, next string
		records    int
		wrong      string
	}{
		"page":                   {`{"records": [{"name": "a"}, {"name": "b"}], "_links": {"next": {"href": "/api/x?start=1"}}}`, "/api/x?start=1", 2, ""},
		"last page":              {`{"records": [{"name": "a"}], "_links": {"self": {"href": "/api/x"}}}`, "", 1, ""},
		"empty list":             {`{"records": [], "num_records": 0}`, "", 0, ""},
		"nothing yet":            {`{"num_records": 0, "_links": {"next": {"href": "/api/x?start=1"}}}`, "/api/x?start=1", 0, ""},
		"no list":                {`{"name": "ontap-a"}`, "", 0, "no records"},
		"records that are none":  {`{"records": [17]}`, "", 0, "records is a JSON number"},
		"one of them is odd":     {`{"records": [{"name": "a", "space": 1, "status": "x", "metric": [], "svm": null}, {"name": "b"}]}`, "", 2, ""},
		"text instead of a list": {`{"records": "none"}`, "", 0, "records is a JSON string"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := &rest.Answer{Body: []byte(tt.body)}
			p, err := decode[record](a)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(p.Records) != tt.records || p.Links.Next.Href.String() != tt.next {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}
