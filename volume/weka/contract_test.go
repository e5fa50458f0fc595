package weka

import (
	"net/http"
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
	"storage_exporter/volume/weka/wekatest"
)

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return wekatest.Start(t, network, volumes).Emulator
		},
		Want:      want,
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 2, Health: 2, Usage: 1} },
		Required:  []string{"weka_endpoint", "weka_username", "weka_password", "weka_fs_name"},
		VerifyKey: "weka_verify_ssl",
		States:    []string{"OK"},
		Lose:      func(options map[string]any) { options["weka_fs_name"] = "nowhere" },
		Login:     func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v2/login") },
	})
}

func want(i int) volumetest.Want {
	reads, total := 10.5*float64(i+1), uint64(i+1)<<40
	w := volumetest.Want{
		Performance: volume.Performance{
			IOPSRead: new(reads), IOPSWrite: new(4.0), BytesRead: new(4096 * reads), BytesWrite: new(4096.0),
			LatencyReadUsec: new(402.75), LatencyWriteUsec: new(612.5),
		},
		Usage: volume.Usage{CapacityBytes: new(total), UsedBytes: new(total / 4), AvailableBytes: new(total - total/4)},
	}
	if i == 1 { // nothing written
		w.Performance.IOPSWrite, w.Performance.BytesWrite, w.Performance.LatencyWriteUsec = new(0.0), new(0.0), nil
	}
	return w
}
