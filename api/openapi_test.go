package api

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/enclosure"
	"storage_exporter/fleet"
	"storage_exporter/internal/inbound"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume"
	"storage_exporter/zpool"
)

// Every registered path is in the document, and the other way round.
func TestDocumentHasAllRoutes(t *testing.T) {
	d := loadDocument(t)
	paths := d.at("paths").(map[string]any)
	routes := New(Config{}).routes()
	for path := range New(Config{}).managerRoutes() { // documented once, with both addresses
		delete(routes, managerPrefix+path)
		if d.at("paths", path, "get", "servers") == nil {
			t.Errorf("%s: not documented below %s", path, managerPrefix)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(routes)), slices.Sorted(maps.Keys(paths))); diff != "" {
		t.Errorf("paths (-registered +documented):\n%s", diff)
	}
	ids := make(map[any]bool)
	for path, item := range paths {
		operation, ok := item.(map[string]any)["get"].(map[string]any)
		if !ok || len(item.(map[string]any)) != 1 {
			t.Errorf("%s: want get and nothing else", path)
			continue
		}
		if id := operation["operationId"]; id == nil || ids[id] {
			t.Errorf("%s: operationId %v is missing or not unique", path, id)
		} else {
			ids[id] = true
		}
		parameters, _ := operation["parameters"].([]any)
		for segment := range strings.SplitSeq(path, "/") {
			name, ok := strings.CutPrefix(segment, "{")
			if ok && !slices.ContainsFunc(parameters, func(p any) bool {
				m := d.resolve(p).(map[string]any)
				return m["name"] == strings.TrimSuffix(name, "}") && m["in"] == "path" && m["required"] == true
			}) {
				t.Errorf("%s: parameter %s is not documented", path, segment)
			}
		}
	}
}

// Every reference leads somewhere, and every component is used.
func TestDocumentReferences(t *testing.T) {
	d := loadDocument(t)
	used := make(map[string]bool)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				if d.resolve(v) == nil {
					t.Errorf("%s is not there", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(map[string]any(d))
	for kind, components := range d.at("components").(map[string]any) {
		for name := range components.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("%s is not used", ref)
			}
		}
	}
}

// The schemas have the fields of the types that are encoded: those that may be
// left out are not required, all others are.
func TestSchemasAreTheTypes(t *testing.T) {
	d := loadDocument(t)
	for name, v := range map[string]any{
		"Problem": inbound.Problem{}, "Assessment": assess.Result{}, "Reason": assess.Reason{},
		"Overview": overview.Overview{}, "Counts": overview.Counts{}, "DriveCounts": overview.DriveCounts{}, "SlotCounts": overview.SlotCounts{},
		"PoolCounts": overview.PoolCounts{}, "VolumeCounts": overview.VolumeCounts{}, "OverviewVolume": overview.Volume{},
		"Proxy": proxy.Proxy{}, "OverviewProxy": overview.Proxy{}, "ProxyCounts": overview.ProxyCounts{}, "ProxyVolume": proxy.Volume{}, "VolumePerformance": volume.Performance{}, "VolumeUsage": volume.Usage{}, "OverviewEnclosure": overview.Enclosure{}, "OverviewSlot": overview.Slot{}, "OverviewDrive": overview.Drive{},
		"Membership": overview.Membership{}, "OverviewPool": overview.Pool{}, "OverviewVdev": overview.Vdev{},
		"Enclosure": enclosure.Enclosure{}, "Slot": enclosure.Slot{}, "Pool": zpool.Pool{}, "Scan": zpool.Scan{}, "Vdev": zpool.Vdev{},
		"Fleet": fleet.Fleet{}, "NodeCounts": fleet.NodeCounts{}, "Node": fleet.Node{}, "FleetCounts": fleet.Counts{}, "FleetRow": fleet.Row{}, "NodeDetail": fleet.Detail{},
		"FleetDrives": fleet.DriveCounts{}, "FleetPools": fleet.PoolCounts{}, "FleetVolumes": fleet.VolumeCounts{}, "FleetProxies": fleet.ProxyCounts{},
		"DriveReport": driveInfo{}, "Report": report.Report{}, "Volume": volumeInfo{}, "VolumeHealth": volumeHealth{}, "Check": check{}, "Performance": proxyMetric{},
	} {
		t.Run(name, func(t *testing.T) {
			schema, ok := d.at("components", "schemas", name).(map[string]any)
			if !ok {
				t.Fatal("not documented")
			}
			var fields, required []string
			typ := reflect.TypeOf(v)
			for i := range typ.NumField() {
				if !typ.Field(i).IsExported() || typ.Field(i).Tag.Get("json") == "-" {
					continue
				}
				key, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				fields = append(fields, key)
				if options == "" {
					required = append(required, key)
				}
			}
			var documented []string
			for _, key := range schema["required"].([]any) {
				documented = append(documented, key.(string))
			}
			slices.Sort(fields)
			slices.Sort(required)
			slices.Sort(documented)
			if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(schema["properties"].(map[string]any)))); diff != "" {
				t.Errorf("fields (-type +schema):\n%s", diff)
			}
			if diff := cmp.Diff(required, documented); diff != "" {
				t.Errorf("required (-type +schema):\n%s", diff)
			}
		})
	}
}

func TestEnumsAreTheConstants(t *testing.T) {
	d := loadDocument(t)
	for name, want := range map[string][]string{
		"Verdict": texts(assess.Verdicts), "PowerMode": texts(report.PowerModes), "Role": texts(zpool.Roles),
		"VolumeStatus": texts(volume.Statuses), "ProxyStatus": texts(proxy.Statuses), "Proxy.shape": texts(proxy.Shapes), "NodeState": texts(fleet.States), "FleetRow.kind": texts(fleet.Kinds),
		"SlotStatus": texts([]enclosure.Status{
			enclosure.Unsupported, enclosure.OK, enclosure.Critical, enclosure.NonCritical, enclosure.Unrecoverable,
			enclosure.NotInstalled, enclosure.Unknown, enclosure.Unavailable,
		}),
		"Scan.function": texts(zpool.ScanFunctions), "Scan.state": texts(zpool.ScanStates),
	} {
		schema, property, _ := strings.Cut(name, ".")
		keys := []string{"components", "schemas", schema}
		if property != "" {
			keys = append(keys, "properties", property)
		}
		var got []string
		for _, v := range d.at(append(keys, "enum")...).([]any) {
			got = append(got, v.(string))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-constants +schema):\n%s", name, diff)
		}
	}
}

func texts[T ~string](values []T) []string {
	var list []string
	for _, v := range values {
		list = append(list, string(v))
	}
	return list
}

// A path that answers to nothing but GET and HEAD says so as documented.
func TestMethods(t *testing.T) {
	d := loadDocument(t)
	mux := http.NewServeMux()
	New(Config{}).Register(mux)
	for path := range d.at("paths").(map[string]any) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, strings.ReplaceAll(path, "{device}", "sda"), nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
		d.check(t, path, w)
	}
}
