package purestorage

import (
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/purestorage/purestoragetest"
	"storage_exporter/volume/volumetest"
)

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return purestoragetest.Start(t, network, volumes, "auto", "1.12", "2.0", "2.9", "2.28").Emulator
		},
		Want:      want,
		Calls:     calls,
		Required:  []string{"purity_endpoint", "purity_api_token", "purity_fs_name"},
		VerifyKey: "purity_verify_ssl",
		States:    []string{"healthy"},
		Lose:      func(options map[string]any) { options["purity_fs_name"] = "no-such-fs" },
		Login:     func(r *http.Request) bool { return r.URL.Path == "/api/login" },
		Logout:    func(r *http.Request) bool { return r.URL.Path == "/api/logout" },
	})
}

// calls are the documented costs; one of them looks up the versions. The emulator
// answers with pages.
func calls(volumes int) volumetest.Calls {
	files := (volumes + purestoragetest.PageSize - 1) / purestoragetest.PageSize
	return volumetest.Calls{Performance: (volumes+batch-1)/batch + 1, Health: files + 1 + 4 + 1, Usage: files + 1 + 1}
}

func want(i int) volumetest.Want {
	reads := 10.5 * float64(i+1)
	w := volumetest.Want{
		Performance: volume.Performance{
			IOPSRead: new(reads), IOPSWrite: new(320.25), BytesRead: new(65536 * reads), BytesWrite: new(4096 * 320.25),
			LatencyReadUsec: new(745.25), LatencyWriteUsec: new(1310.5),
		},
		Usage: volume.Usage{CapacityBytes: new(uint64(i+1) << 40), UsedBytes: new(uint64(i+1) << 40 / 3)},
	}
	w.Usage.AvailableBytes = new(*w.Usage.CapacityBytes - *w.Usage.UsedBytes)
	switch i {
	case 1: // no limit
		w.Usage.CapacityBytes, w.Usage.AvailableBytes = new(uint64(89314175302419)), nil
	case 2: // nothing written
		w.Performance.IOPSWrite, w.Performance.BytesWrite, w.Performance.LatencyWriteUsec = new(0.0), new(0.0), nil
	}
	return w
}
