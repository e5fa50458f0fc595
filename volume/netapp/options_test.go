package netapp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

// The keys are those of a storage-proxy.toml.
func TestIdentify(t *testing.T) {
	proxy := func(changes map[string]any) volume.Config {
		options := map[string]any{
			"netapp_ontap_endpoint": "https://netapp.example.com", "netapp_ontap_user": "user", "netapp_ontap_password": "hunter2",
			"netapp_nfs_host": "192.0.2.1", "netapp_xcp_cmd": []any{"/xcp/linux/xcp"}, "netapp_volume_name": "vol1",
		}
		for key, v := range changes {
			options[key] = v
		}
		return volume.Config{Name: "n", Backend: "netapp", Options: options}
	}
	base, err := Kind(nil).Identify(proxy(nil))
	if err != nil {
		t.Fatal(err)
	}
	if base.Endpoint != "https://netapp.example.com" || base.Object != "vol1" {
		t.Errorf("%+v", base)
	}
	tests := map[string]struct {
		changes map[string]any
		shared  bool
		object  string
		wrong   string
	}{
		"another volume":      {map[string]any{"netapp_volume_name": "vol2"}, true, "vol2", ""},
		"of an SVM":           {map[string]any{"netapp_svm_name": "svm1"}, true, "svm1/vol1", ""},
		"with the API's path": {map[string]any{"netapp_ontap_endpoint": "https://NetApp.example.com/api/"}, true, "vol1", ""},
		"another password":    {map[string]any{"netapp_ontap_password": "other"}, false, "vol1", ""},
		"another cluster":     {map[string]any{"netapp_ontap_endpoint": "https://other.example.com"}, false, "vol1", ""},
		"two names":           {map[string]any{"netapp_volume_name": "a|b"}, false, "", "volume.n.options.netapp_volume_name must be one name, of letters, digits, underscores, dots and hyphens"},
		"all names":           {map[string]any{"netapp_volume_name": "*"}, false, "", "volume.n.options.netapp_volume_name must be one name, of letters, digits, underscores, dots and hyphens"},
		"a range":             {map[string]any{"netapp_svm_name": "a..b"}, false, "", "volume.n.options.netapp_svm_name must be one name, of letters, digits, underscores, dots and hyphens"},
		"both": {map[string]any{"netapp_svm_name": "!a", "netapp_volume_name": "a b"}, false, "", "volume.n.options.netapp_volume_name must be one name, of letters, digits, underscores, dots and hyphens; " +
			"volume.n.options.netapp_svm_name must be one name, of letters, digits, underscores, dots and hyphens"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Kind(nil).Identify(proxy(tt.changes))
			if tt.wrong != "" {
				if err == nil || err.Error() != tt.wrong {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || (got.Share == base.Share) != tt.shared || got.Object != tt.object {
				t.Errorf("%v: %s", err, cmp.Diff(base, got))
			}
		})
	}
}
