package gpfs

import (
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/gpfs/gpfstest"
	"storage_exporter/volume/volumetest"
)

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind: Kind,
		Start: func(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
			return gpfstest.Start(t, network, volumes)
		},
		Want: func(i int) volumetest.Want {
			reads := float64(100 + i)
			return volumetest.Want{
				Performance: volume.Performance{
					IOPSRead: new(reads), IOPSWrite: new(40.0), BytesRead: new(65536 * reads), BytesWrite: new(163840.0),
					LatencyReadUsec: new(2000.0), LatencyWriteUsec: new(3000.0),
				},
				Usage: volume.Usage{
					CapacityBytes: new(uint64(1024 * (10000 + i))), UsedBytes: new(uint64(1024 * (6000 + i))), AvailableBytes: new(uint64(1024 * 4000)),
				},
			}
		},
		Calls: func(volumes int) volumetest.Calls {
			pages := func(objects int) int { return (objects + gpfstest.Page - 1) / gpfstest.Page }
			pools := pages(2 * volumes)
			return volumetest.Calls{
				Performance: 1,
				Health:      pages(gpfstest.Nodes*(3+volumes)+volumes) + pages(gpfstest.Nodes) + pages(volumes) + pools + 1,
				Usage:       pools,
			}
		},
		Required:  []string{"gpfs_endpoint", "gpfs_username", "gpfs_password", "gpfs_fs_name"},
		VerifyKey: "gpfs_verify_ssl",
		States:    []string{"HEALTHY", "active"},
		Lose:      func(options map[string]any) { options["gpfs_fs_name"] = "nowhere" },
	})
}
