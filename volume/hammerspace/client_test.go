package hammerspace

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// A session that is over may be told by 403, too.
func TestSessionEndsWithForbidden(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		made := newEmulator(t, network, 1)
		b := volumetest.Open[*anvil](t, Anvil(mount.NewHost(mount.Paths{}, nil), network.Dial), made.Volumes...)
		if _, err := b.Usage(volumetest.Within(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		made.Break(appliancetest.Fails(http.StatusForbidden, "").Times(1))
		if all, err := b.Usage(volumetest.Within(t)); err != nil || all["v0"].Err != nil {
			t.Errorf("%v, %v", err, all["v0"].Err)
		}
	})
}

// What the account may not see costs few sessions, and is seen some time after it
// was allowed.
func TestForbiddenCalls(t *testing.T) {
	for path, most := range map[string]int{"/cntl/state": 7, "/nodes": 21, "/shares": 7, "/storage-volumes": 7} {
		volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
			made := newEmulator(t, network, 2)
			b := volumetest.Open[*anvil](t, Anvil(mount.NewHost(mount.Paths{}, nil), network.Dial), made.Volumes...)
			made.Break(appliancetest.Fails(http.StatusForbidden, ""), func(r *http.Request) bool { return r.URL.Path == apiPath+path })
			for range 120 {
				_, _ = b.Health(volumetest.Within(t))
				_, _ = b.Usage(volumetest.Within(t))
				time.Sleep(30 * time.Second)
			}
			logins := 0
			for _, c := range made.Calls() {
				if c.Path == apiPath+"/login" {
					logins++
				}
			}
			if logins > most {
				t.Errorf("%s: %d logins in an hour", path, logins)
			}
			made.Mend()
			time.Sleep(atLongest)
			all, err := b.Health(volumetest.Within(t))
			if h := all["v1"].Value; err != nil || all["v1"].Err != nil || h.Status != volume.Healthy || h.Metadata["cluster"] != "hs-a" || h.Metadata["data_volumes"] != "1" {
				t.Errorf("%s allowed: %v, %+v", path, err, all["v1"])
			}
		})
	}
}

// A page to sign in with is no session, whatever cookie comes with it.
func TestLoginPage(t *testing.T) {
	b, _ := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "S", Value: "1"})
		_, _ = w.Write([]byte("<html>sign in</html>"))
	}))
	all, err := b.Usage(volumetest.Within(t))
	if err != nil || all["v"].Err == nil || !strings.Contains(all["v"].Err.Error(), "is no session") {
		t.Errorf("%v, %v", err, all["v"].Err)
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://anvil01":                "https://anvil01/mgmt/v1.2/rest",
		"https://anvil01:8443/":          "https://anvil01:8443/mgmt/v1.2/rest",
		"https://anvil01/mgmt/v1.3/rest": "https://anvil01/mgmt/v1.3/rest",
	} {
		id, err := Anvil(nil, nil).Identify(volume.Config{Name: "v", Path: "/mnt/hs/", Options: map[string]any{
			"address": address, "username": "u", "password": 17, "share_query_retry": 5, "ssl_config": map[string]any{"cert_file": "x"},
		}})
		if err != nil || id.Endpoint != want || id.Object != "cluster at /mnt/hs" {
			t.Errorf("%s: %+v, %v", address, id, err)
		}
	}
}

func TestHolding(t *testing.T) {
	all := exports{{Name: "root", Path: "/"}, {Name: "a", Path: "/a"}, {Name: "ab", Path: "/a/b/"}, {Name: "nowhere"}}
	for dir, want := range map[rest.Text]rest.Text{"/a": "a", "/a/b/c": "ab", "/ab": "root", "/": "root"} {
		if s, ok := all.holding(dir.String()); !ok || s.Name != want {
			t.Errorf("%s is in %s", dir, s.Name)
		}
	}
	if s, ok := (exports{{Name: "a", Path: "/a"}}).holding("/b"); ok {
		t.Errorf("/b is in %s", s.Name)
	}
}
