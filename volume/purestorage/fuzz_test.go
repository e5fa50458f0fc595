package purestorage

import (
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// Whatever the array says, nothing panics and every figure is possible.
func FuzzAnswers(f *testing.F) {
	volumetest.Seed(f, "*.json",
		`{"items": [{"name": "a", "provisioned": -1, "reads_per_sec": "NaN", "usec_per_read_op": -5, "time": 1e300, "status": null}]}`,
		`{"items": [{"name": "a", "destroyed": 1, "time_remaining": 9223372036854775807, "parity": 1e-300}], "continuation_token": {}}`)
	var said []byte
	b := open(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-auth-token", "t")
		if r.URL.Path != "/api/login" && len(r.URL.Query()["continuation_token"]) == 0 {
			_, _ = w.Write(said)
		}
	}), map[string]any{"purity_api_version": "2.9"}, "a", "vfolder-a", "vfolder-old")
	f.Fuzz(func(t *testing.T, content []byte) {
		said = content
		ctx := volumetest.Within(t)
		fresh := backend{ // without what was learned before
			volumes: b.volumes, names: b.names, objects: b.objects, client: b.client, missing: newRefusals(), unmeasured: newRefusals(),
		}
		if files, err := fresh.fetchFiles(ctx); err == nil {
			for _, o := range fresh.volumes {
				fs, err := find(files, o)
				if err != nil {
					continue
				}
				volumetest.Explained(t, rest.Judged(fs.judge(o), longestInfo, nil), longestInfo, 400)
			}
		}
		performance, _ := fresh.Performance(ctx)
		for _, r := range performance {
			if r.Err == nil {
				volumetest.Possible(t, r.Value)
			}
		}
		var about facts
		about.blades, _ = fresh.client.blades(ctx)
		about.hardware, _ = fresh.client.hardware(ctx)
		about.alerts, _ = fresh.client.alerts(ctx)
		about.array, _ = fresh.client.array(ctx)
		about.space, _ = fresh.client.arraySpace(ctx)
		var found volume.Verdict
		found.Add(volume.Degraded, about.troubles()...)
		about.alertsFor("a", &found)
		volumetest.Explained(t, rest.Judged(found, longestInfo, about.metadata("https://fb01")), longestInfo, 400)
		_, _ = fresh.client.versions(ctx)
	})
}
