package netapp

import (
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind:  Kind,
		Start: startOntap,
		Want: func(i int) volumetest.Want {
			r, w := load(i)
			reads, writes := float64(r), float64(w)
			return volumetest.Want{
				Performance: volume.Performance{
					IOPSRead: &reads, IOPSWrite: &writes, BytesRead: new(4096 * reads), BytesWrite: new(512 * writes),
					LatencyReadUsec: new(250.0), LatencyWriteUsec: new(900.0),
				},
				Usage: volume.Usage{
					CapacityBytes: new(uint64(1 << 40)), UsedBytes: new(uint64(1<<30 + i)), AvailableBytes: new(uint64(1 << 39)),
					Inodes: new(uint64(1000000)), InodesUsed: new(uint64(10 + i)),
				},
			}
		},
		// The list; the FlexGroups' members; now and then the nodes and the cluster.
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 2, Health: 3, Usage: 1} },
		Required:  []string{"netapp_ontap_endpoint", "netapp_ontap_user", "netapp_ontap_password", "netapp_volume_name"},
		VerifyKey: "netapp_ontap_verify_ssl",
		States:    []string{"online", "up"},
		Lose:      func(options map[string]any) { options["netapp_volume_name"] = "nowhere" },
	})
}
