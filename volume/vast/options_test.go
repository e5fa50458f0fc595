package vast

import (
	"maps"
	"strings"
	"testing"

	"storage_exporter/volume"
)

func identify(more map[string]any) (volume.Identity, error) {
	options := map[string]any{"vast_endpoint": "https://VMS01/", "vast_username": "u", "vast_password": "p"}
	maps.Copy(options, more)
	maps.DeleteFunc(options, func(_ string, v any) bool { return v == nil })
	return Kind(nil).Identify(volume.Config{Name: "v", Options: options})
}

func TestIdentity(t *testing.T) {
	base := func(more map[string]any) volume.Identity {
		t.Helper()
		id, err := identify(more)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	standard := base(nil)
	if standard.Endpoint != "https://vms01/api/v2" || standard.Object != "cluster 1" {
		t.Errorf("%+v", standard)
	}
	for version, want := range map[string]string{"v1": "/api/v1", "V12": "/api/v12", "latest": "/api/latest", "": "/api/v2"} {
		if id := base(map[string]any{"vast_api_version": version}); id.Endpoint != "https://vms01"+want {
			t.Errorf("version %q is at %s", version, id.Endpoint)
		}
	}
	if id := base(map[string]any{"vast_endpoint": "https://gate/vms/api"}); id.Endpoint != "https://gate/vms/api" {
		t.Errorf("a path of one's own is %s", id.Endpoint)
	}
	view := base(map[string]any{"vast_view_path": "/ai/data/"})
	if view.Object != `cluster 1 tenant "" view /ai/data` {
		t.Errorf("%+v", view)
	}
	if other := base(map[string]any{"vast_view_path": "/b"}); other.Share != view.Share || other.Object == view.Object {
		t.Error("two views of one cluster share no client, or are one object")
	}
	if other := base(map[string]any{"vast_cluster_id": "2"}); other.Share != standard.Share || other.Object == standard.Object {
		t.Error("two clusters of one VMS share no client, or are one object")
	}
	// Those of the storage proxy that mean nothing here.
	if id := base(map[string]any{
		"vast_storage_base_dir": "/data", "vast_cluster_info_cache_ttl": 120.0, "vast_use_auth_token": true, "anything": []any{1}, "vast_force_login": true,
	}); id != standard {
		t.Errorf("%+v", id)
	}
	for key, value := range map[string]any{
		"vast_username": "w", "vast_password": "q", "vast_endpoint": "https://vms02", "vast_api_token": "a.b", "vast_tenant": "lab", "vast_api_version": "v3",
		"vast_force_login": false, "vast_view_path": "/a", "vast_verify_ssl": false, "verify_ssl": "off", "server_name": "x", "proxy_url": "http://p:1",
	} {
		if other := base(map[string]any{key: value}); other.Share == standard.Share {
			t.Errorf("another %s shares the client", key)
		}
	}
	if _, err := identify(map[string]any{"vast_api_token": "a.b", "vast_username": nil, "vast_password": nil}); err != nil {
		t.Error("with a token, name and password are needed:", err)
	}
}

func TestWrongOptions(t *testing.T) {
	for key, values := range map[string][]any{
		"vast_api_version": {"2", "v0", "v", "v2/..", 7, "newest"},
		"vast_cluster_id":  {0, -1, "one", 1.5},
		"vast_force_login": {"perhaps"},
		"vast_verify_ssl":  {"maybe", 3},
		"vast_view_path":   {"ai/data", []any{"/a"}},
		"vast_tenant":      {"a\r\nX-Other: b"},
		"vast_username":    {nil, ""},
		"vast_password":    {nil, ""},
		"vast_endpoint":    {nil, "vms01", "https://u:p@vms01", "https://vms01?x=1"},
	} {
		for _, value := range values {
			_, err := identify(map[string]any{key: value})
			if err == nil || !strings.Contains(err.Error(), "volume.v.options."+key+" ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s = %v: %v", key, value, err)
			}
		}
	}
}
