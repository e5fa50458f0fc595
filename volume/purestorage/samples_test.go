package purestorage

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/purestorage/purestoragetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// sampledAt is the time of the samples of performance.
var sampledAt = time.UnixMilli(1741064790000).UTC()

// age is how old the samples are by the array's clock, which is not ours.
func (s samples) age() time.Duration {
	age, err := time.ParseDuration(s["age"])
	if err != nil {
		return 20 * time.Second
	}
	return age
}

// samples are replies by resource.
type samples map[string]string

func (s samples) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/login" {
		w.Header().Set("x-auth-token", "3be3d489-0000-4643-90ac-000000000001")
	}
	served := appliancetest.Samples{At: sampledAt.Add(s.age()), Otherwise: "403 error_401.json", Replies: s, Asked: func(r *http.Request) string {
		_, resource, below := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
		switch {
		case !below:
			return r.URL.Path
		case resource == "file-systems/performance" && r.URL.Query().Get("continuation_token") == "eyJuIjoxfQ==":
			resource += " page 2"
		}
		return resource
	}}
	served.With("/api/login", "login.json").With("/api/logout", "200 ").With("/api/api_version", "api_version.json").ServeHTTP(w, r)
}

// v2 are the samples of an array that is well.
func v2(change samples) samples {
	s := samples{
		"arrays": "v2_arrays.json", "arrays/space": "v2_arrays_space.json", "file-systems": "v2_filesystems.json",
		"file-systems/performance": "v2_filesystems_performance.json",
		"blades":                   "v1_blades.json", "hardware": `{"items": []}`, "alerts": `{"items": []}`,
	}
	for resource, name := range change {
		s[resource] = name
	}
	return s
}

// v1 are those of an array with the older API.
func v1() samples {
	return samples{
		"arrays": "v1_arrays.json", "arrays/space": "v1_arrays_space.json", "file-systems": "v1_filesystems.json",
		"file-systems/performance": "v1_filesystems_performance.json",
		"blades":                   "v1_blades.json", "hardware": `{"items": []}`, "alerts": `{"items": []}`,
	}
}

// open makes a backend on an appliance, with a volume for each file system.
func open(t testing.TB, h http.Handler, change map[string]any, files ...string) *backend {
	t.Helper()
	e := appliancetest.NewEmulator(t, nil, h, "purestorage", "purity_endpoint", files, func(_ int, fs string) map[string]any {
		options := map[string]any{"purity_api_token": purestoragetest.Token, "purity_fs_name": fs}
		maps.Copy(options, change)
		return options
	})
	return volumetest.Open[*backend](t, Kind(nil), e.Volumes...)
}

func TestPerformanceOfSamples(t *testing.T) {
	busy := volume.Performance{
		IOPSRead: new(1250.5), IOPSWrite: new(320.25), BytesRead: new(81952768.0), BytesWrite: new(20987904.0),
		LatencyReadUsec: new(745.2), LatencyWriteUsec: new(1310.6),
	}
	idle := volume.Performance{IOPSRead: new(0.0), IOPSWrite: new(0.0), BytesRead: new(0.0), BytesWrite: new(0.0)}
	for name, serve := range map[string]samples{
		"1.x":   v1(),
		"2.x":   v2(nil),
		"pages": v2(samples{"file-systems/performance": "v2_filesystems_performance_page1.json", "file-systems/performance page 2": "v2_filesystems_performance_page2.json"}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := open(t, serve, nil, "vfolder-a", "vfolder-b").Performance(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			for fs, want := range map[string]volume.Performance{"vfolder-a": busy, "vfolder-b": idle} {
				if diff := cmp.Diff(want, got[fs].Value); diff != "" || got[fs].Err != nil {
					t.Errorf("%s: %v %s", fs, got[fs].Err, diff)
				}
				if age := time.Since(got[fs].SampledAt); age < 20*time.Second || age > time.Minute {
					t.Errorf("%s: its age is %v", fs, age)
				}
			}
		})
	}
	for age, want := range map[string]error{"-5m": nil, "90s": nil, "91s": volume.ErrNoSample} {
		t.Run(age+" old", func(t *testing.T) {
			got, err := open(t, v2(samples{"age": age}), nil, "vfolder-a").Performance(volumetest.Within(t))
			if err != nil || !errors.Is(got["vfolder-a"].Err, want) || time.Since(got["vfolder-a"].SampledAt) < 0 {
				t.Errorf("%v, %+v", err, got["vfolder-a"])
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		serve := v2(samples{"file-systems/performance": "v2_filesystems_performance_empty.json"})
		got, err := open(t, serve, nil, "vfolder-a").Performance(volumetest.Within(t))
		if err != nil || !errors.Is(got["vfolder-a"].Err, volume.ErrNoSample) {
			t.Errorf("%v, %v", err, got["vfolder-a"].Err)
		}
	})
}

func TestUsageOfSamples(t *testing.T) {
	for _, test := range []struct {
		name    string
		serve   samples
		options map[string]any
		want    map[string]volume.Usage
	}{
		{"1.x", v1(), nil, map[string]volume.Usage{
			"vfolder-a": {CapacityBytes: new(uint64(109951162777600)), UsedBytes: new(uint64(43980465111040)), AvailableBytes: new(uint64(65970697666560))},
		}},
		{"2.x", v2(nil), nil, map[string]volume.Usage{
			"vfolder-a": {CapacityBytes: new(uint64(109951162777600)), UsedBytes: new(uint64(43980465111040)), AvailableBytes: new(uint64(65970697666560))},
			"vfolder-b": {CapacityBytes: new(uint64(89314175302419)), UsedBytes: new(uint64(1099511627776))},
		}},
		{"physical", v2(nil), map[string]any{"purity_used": "physical"}, map[string]volume.Usage{
			"vfolder-a": {CapacityBytes: new(uint64(109951162777600)), UsedBytes: new(uint64(22210134881075)), AvailableBytes: new(uint64(65970697666560))},
			"vfolder-b": {CapacityBytes: new(uint64(89314175302419)), UsedBytes: new(uint64(549755813888))},
		}},
		{"no limit as text", v2(samples{"file-systems": `{"items": [{"name": "a", "provisioned": "", "space": {"virtual": "7"}}]}`}), nil, map[string]volume.Usage{
			"a": {CapacityBytes: new(uint64(89314175302419)), UsedBytes: new(uint64(7))},
		}},
		{"one that was destroyed", v2(samples{"file-systems": `{"items": [{"name": "a", "provisioned": 9}, {"name": "a", "provisioned": 5, "destroyed": true}]}`}), nil, map[string]volume.Usage{
			"a": {CapacityBytes: new(uint64(9))},
		}},
		{"several of a name", v2(samples{"file-systems": `{"items": [{"name": "a", "provisioned": 5, "space": {"virtual": 4}}, {"name": "a", "provisioned": 9, "space": {"virtual": 0}}]}`}), nil, map[string]volume.Usage{
			"a": {CapacityBytes: new(uint64(5)), UsedBytes: new(uint64(4)), AvailableBytes: new(uint64(1))},
		}},
		{"beyond a soft limit", v2(samples{"file-systems": `{"items": [{"name": "a", "provisioned": 5, "space": {"virtual": 7}}]}`}), nil, map[string]volume.Usage{
			"a": {CapacityBytes: new(uint64(5)), UsedBytes: new(uint64(7)), AvailableBytes: new(uint64(0))},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for name := range test.want {
				names = append(names, name)
			}
			got, err := open(t, test.serve, test.options, names...).Usage(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				if diff := cmp.Diff(want, got[name].Value); diff != "" || got[name].Err != nil {
					t.Errorf("%s: %v %s", name, got[name].Err, diff)
				}
			}
		})
	}
}

// The array may not show its capacity: that costs only file systems without a limit.
func TestUsageWithoutTheArray(t *testing.T) {
	got, err := open(t, v2(samples{"arrays/space": ""}), nil, "vfolder-a", "vfolder-b").Usage(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	if got["vfolder-a"].Err != nil || !errors.Is(got["vfolder-b"].Err, rest.ErrForbidden) {
		t.Errorf("%v, %v", got["vfolder-a"].Err, got["vfolder-b"].Err)
	}
	got, err = open(t, v2(samples{"arrays/space": `{"items": [{"capacity": 5}, {"capacity": 7}]}`}), nil, "vfolder-a", "vfolder-b").Usage(volumetest.Within(t))
	if err != nil || got["vfolder-a"].Err != nil || !errors.Is(got["vfolder-b"].Err, rest.ErrBadAnswer) {
		t.Errorf("of two arrays: %v, %v, %v", err, got["vfolder-a"].Err, got["vfolder-b"].Err)
	}
}
