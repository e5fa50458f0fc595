package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

// rig is a client of appliances on a network in memory.
type rig struct {
	*rest.Client
	t       *testing.T
	network *appliancetest.Network
	first   *appliancetest.Appliance
	second  *appliancetest.Appliance
}

// within runs f with a client of one appliance, or of two when there are two
// handlers, in a bubble.
func within(t *testing.T, auth rest.Auth, f func(*rig), handlers ...http.HandlerFunc) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: appliancetest.NewNetwork()}
		r.first = appliancetest.NewAppliance(t, r.network, handlers[0])
		urls := []any{r.first.URL}
		if len(handlers) > 1 {
			r.second = appliancetest.NewAppliance(t, r.network, handlers[1])
			urls = append(urls, r.second.URL)
		}
		r.Client = r.client(auth, map[string]any{"endpoint": urls, "ca_file": r.first.CAFile})
		f(r)
		if err := r.Close(); err != nil {
			t.Log(err)
		}
	})
}

func (r *rig) client(auth rest.Auth, options map[string]any) *rest.Client {
	r.t.Helper()
	o := volume.ReadOptions(volume.Config{Name: "v", Options: options})
	access := rest.ReadAccess(o, "endpoint", "its URL", "own_verify_ssl")
	if err := o.Err(); err != nil {
		r.t.Fatal(err)
	}
	if r.second != nil { // its certificate is of another authority
		access.CAFile, access.Insecure = "", true
	}
	c, err := rest.NewClient(rest.Config{
		Access: access, Auth: auth, Dial: r.network.Dial, Logger: quiet(),
		Secrets: []secret.Text{secret.New("pass word")},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// get asks for path and returns what the answer says under "said".
func (r *rig) get(path string, query ...url.Values) (string, error) {
	var answer struct{ Said rest.Text }
	var q url.Values
	if len(query) > 0 {
		q = query[0]
	}
	err := r.Get(r.t.Context(), path, q, &answer)
	return answer.Said.String(), err
}

// is checks the kind of an error and what it means for a volume's health.
func is(t *testing.T, err, kind error, status volume.Status) {
	t.Helper()
	got, _ := volume.Diagnose(err)
	if !errors.Is(err, kind) || got != status {
		t.Errorf("%v: %v, not %v and %v", err, got, kind, status)
	}
}

func say(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func echo(w http.ResponseWriter, r *http.Request) { say(w, map[string]string{"said": r.RequestURI}) }

func fails(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

const minute = time.Minute
