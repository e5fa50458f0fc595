package hammerspace

import (
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

// Whatever the cluster says, nothing panics, a state has its reason, and a
// capacity is whole.
func FuzzAnswers(f *testing.F) {
	volumetest.Seed(f, "*.json",
		`[{"name": null, "path": "", "nodeMode": 7, "logicalVolume": [], "uoid": "x"}]`,
		`{"series": [{"rows": [{"time": -1, "total": 1e300, "used": -5, "free": "9"}]}], "capacity": []}`)
	var said []byte
	made, _ := open(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == apiPath+"/login" {
			http.SetCookie(w, &http.Cookie{Name: "S", Value: "1"})
			return
		}
		_, _ = w.Write(said)
	}))
	c := made.client
	f.Fuzz(func(t *testing.T, content []byte) {
		said = content
		ctx := volumetest.Within(t)
		var all cluster
		all.nodes, _ = c.nodes(ctx)
		all.disks, _ = c.storageVolumes(ctx)
		all.state, _ = c.state(ctx)
		all.exports, _ = c.exports(ctx)
		healths := []volume.Health{all.health()}
		for _, s := range all.exports {
			healths = append(healths, s.health())
			if h, err := all.volume(volume.Health{Status: volume.Healthy}, options{}, []string{cleanPath("/" + s.Path.String())}); err == nil {
				healths = append(healths, h)
			}
		}
		for _, h := range healths {
			if volumetest.Explained(t, h, 2*longestInfo, longestWord); h.Status == volume.Healthy && h.Info != "" {
				t.Errorf("%+v", h)
			}
		}
		volumetest.Explained(t, volume.Health{Status: volume.Healthy, Metadata: all.metadata()}, 0, longestWord)
		if s, err := c.recorded(ctx, site{}); err == nil && (!s.complete() || s.Total.Value < 0) {
			t.Errorf("%+v", s)
		}
		if sites, err := c.sites(ctx); err == nil {
			_, _ = local(sites)
		}
	})
}
