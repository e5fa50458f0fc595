package volume

import "testing"

// What a host sees of a mount is joined with what the appliance says: the words are
// those of both where one of them is not well.
func TestBeside(t *testing.T) {
	at := map[string]string{"mount_point": "/m", "fstype": "nfs4"}
	well := Mounted{Health: Health{Status: Healthy, Metadata: at, ReadOnly: new(false)}, Serves: true}
	lost := Mounted{Health: Health{Status: Offline, Info: "/m is on /"}}
	full := Mounted{Health: Health{Status: Degraded, Info: "/m is full", Metadata: at}, Serves: true}
	disk := Mounted{Health: Health{Status: Healthy, Metadata: map[string]string{"mount_point": "/m", "fstype": "ext4"}}}
	silent := Health{Status: Offline, Info: "no answer", Silent: true}
	tests := []struct {
		name   string
		h      Health
		m      Mounted
		status Status
		info   string
	}{
		{"both well", Health{Status: Healthy}, well, Healthy, ""},
		{"a note", Health{Status: Healthy, Info: "an upgrade"}, well, Healthy, "an upgrade"},
		{"lost", Health{Status: Healthy}, lost, Offline, "on h, /m is on /; the appliance reports the volume as healthy"},
		{"lost on a degraded array", Health{Status: Degraded, Info: "a node is down"}, lost, Offline, "on h, /m is on /; a node is down"},
		{"degraded array", Health{Status: Degraded, Info: "a node is down"}, well, Degraded, "a node is down; on h, the mount at /m (nfs4) answers"},
		{"offline array", Health{Status: Offline, Info: "restricted"}, well, Offline, "restricted; on h, the mount at /m (nfs4) answers"},
		{"both offline", Health{Status: Offline, Info: "restricted"}, lost, Offline, "restricted; on h, /m is on /"},
		{"refused", Health{Status: Unavailable, Info: "HTTP 401"}, well, Unavailable, "HTTP 401; on h, the mount at /m (nfs4) answers"},
		{"refused and lost", Health{Status: Unavailable, Info: "HTTP 401"}, lost, Offline, "on h, /m is on /; HTTP 401"},
		{"full", Health{Status: Healthy}, full, Degraded, "on h, /m is full; the appliance reports the volume as healthy"},
		{"silent", silent, well, Degraded, "the management API does not answer (no answer), but the mount at /m (nfs4) on h does"},
		{"silent and full", silent, full, Degraded, "the management API does not answer (no answer), but the mount at /m (nfs4) on h does; on h, /m is full"},
		{"silent and lost", silent, lost, Offline, "no answer; on h, /m is on /"},
		{"silent, with something else mounted", silent, disk, Offline, "no answer; on h, the mount at /m (ext4) answers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.h.Backend, tt.h.Metadata = "b", map[string]string{"svm": "x", "mount_point": "/junction"}
			got := tt.h.Beside(tt.m, "h")
			if got.Status != tt.status || got.Info != tt.info || got.Backend != "b" || got.Silent {
				t.Errorf("%s %q, not %s %q", got.Status, got.Info, tt.status, tt.info)
			}
			if got.Metadata["svm"] != "x" || tt.m.Serves && got.Metadata["mount_point"] != "/m" || tt.h.Metadata["fstype"] != "" {
				t.Errorf("%v", got.Metadata)
			}
			if tt.m.Health.ReadOnly != nil && got.ReadOnly != tt.m.Health.ReadOnly {
				t.Error("read-only is not the mount's")
			}
		})
	}
}
