package vast

import (
	"net/http"
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

// The cluster's figures, with name and password.
func TestContractOfCluster(t *testing.T) {
	s := suite(clusterScope, nil)
	s.Want = func(int) volumetest.Want {
		return volumetest.Want{
			Performance: volume.Performance{
				IOPSRead: new(12034.0), IOPSWrite: new(0.0), BytesRead: new(1577058304.0), BytesWrite: new(0.0), LatencyReadUsec: new(701.5),
			},
			Usage: volume.Usage{
				CapacityBytes: new(uint64(physical)), UsedBytes: new(uint64(physicalUsed)), AvailableBytes: new(uint64(physical - physicalUsed)),
				InodesUsed: new(uint64(18203311)),
			},
		}
	}
	s.Calls = func(int) volumetest.Calls { return volumetest.Calls{Performance: 1, Health: 2, Usage: 1} }
	s.Lose = func(options map[string]any) { options["vast_cluster_id"] = 99 }
	volumetest.Contract(t, s)
}

// The figures of views, with a session.
func TestContractOfViews(t *testing.T) {
	s := suite(viewScope, map[string]any{"vast_force_login": false})
	s.Want = wantView
	s.Calls = func(int) volumetest.Calls { return volumetest.Calls{Performance: 3, Health: 4, Usage: 3} }
	s.Lose = func(options map[string]any) { options["vast_view_path"] = "/nowhere" }
	s.Login = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v2/token/") }
	volumetest.Contract(t, s)
}

func suite(scope string, options map[string]any) volumetest.Suite {
	return volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return start(t, network, volumes, scope, options).Emulator
		},
		Required:  []string{"vast_endpoint", "vast_username", "vast_password"},
		VerifyKey: "vast_verify_ssl",
		States:    []string{"ONLINE"},
	}
}

func wantView(i int) volumetest.Want {
	reads := 10 * float64(i+1)
	w := volumetest.Want{
		Performance: volume.Performance{
			IOPSRead: new(reads), IOPSWrite: new(4.0), BytesRead: new(4096 * reads), BytesWrite: new(4096.0),
			LatencyReadUsec: new(402.5), LatencyWriteUsec: new(612.5),
		},
		Usage: volume.Usage{
			CapacityBytes: new(uint64(hardLimit)), UsedBytes: new(uint64(66_000_000_000_000)), AvailableBytes: new(uint64(hardLimit - 66_000_000_000_000)),
			InodesUsed: new(uint64(1203311)),
		},
	}
	if i == 1 { // nothing written, and no quota
		w.Performance.IOPSWrite, w.Performance.BytesWrite, w.Performance.LatencyWriteUsec = new(0.0), new(0.0), nil
		w.Usage = volume.Usage{
			CapacityBytes: new(uint64(physical)), UsedBytes: new(uint64(120_000_000_000_000)), AvailableBytes: new(uint64(physical - physicalUsed)),
		}
	}
	return w
}
