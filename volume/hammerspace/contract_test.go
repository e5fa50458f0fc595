package hammerspace

import (
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: func(dial rest.Dialer) volume.Kind { return Anvil(mount.NewHost(mount.Paths{}, nil), dial) },
		Start: func(t testing.TB, network *volumetest.Network, volumes int) *volumetest.Emulator {
			return newEmulator(t, network, volumes)
		},
		Want: func(i int) volumetest.Want {
			w := volumetest.Want{PerformanceErr: volume.ErrUnsupported} // nothing is mounted
			limit, used := uint64(100*(i+1)), uint64(10*(i+1))
			w.Usage = volume.Usage{
				CapacityBytes: &limit, UsedBytes: &used, AvailableBytes: new(limit - used), Inodes: new(uint64(1000)), InodesUsed: new(uint64(i + 1)),
			}
			switch i {
			case 0: // the cluster
				w.Usage = volume.Usage{CapacityBytes: new(uint64(3000)), UsedBytes: new(uint64(1200)), AvailableBytes: new(uint64(1800))}
			case 2: // no limit
				w.Usage.CapacityBytes, w.Usage.AvailableBytes = new(uint64(3000)), new(uint64(1800))
			}
			return w
		},
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 0, Health: 4, Usage: 2} },
		Required:  []string{"address", "username", "password"},
		VerifyKey: "ssl_enabled",
		States:    []string{"ONLINE"},
		Lose:      func(options map[string]any) { options["share"] = "nowhere" },
		Login:     func(r *http.Request) bool { return r.URL.Path == apiPath+"/login" },

		HeaderLogin: true,
	})
}
