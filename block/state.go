package block

import (
	"os"
	"path/filepath"
	"strings"

	"storage_exporter/internal/outside"
)

// Offline says whether the kernel has given a device up. The name is one that
// Node takes.
func (s System) Offline(name string) bool {
	d, ok := s.look(name)
	return ok && offline(d)
}

func offline(d entry) bool {
	switch outside.ReadLine(filepath.Join(d.dir, "device/state")) {
	case "offline", "transport-offline", "cancel", "deleted":
		return true
	}
	return false
}

// Maker is who made a device and how it is attached.
type Maker struct {
	Vendor, Model string // as SCSI INQUIRY has them
	// Transport is of NVMe pcie, tcp, rdma, fc or loop; of SCSI iscsi or fc, and
	// empty for any other.
	Transport string
	NVMe      bool
}

// Maker looks up what is known of a device; it is zero for what the kernel does not
// know. The name is one that Node takes.
func (s System) Maker(name string) Maker {
	d, ok := s.look(name)
	if !ok {
		return Maker{}
	}
	if controllers := s.controllers(d); len(controllers) > 0 {
		if dir := s.sys("class/nvme", controllers[0]); outside.Exists(dir) {
			return Maker{NVMe: true, Model: outside.ReadLine(filepath.Join(dir, "model")), Transport: outside.ReadLine(filepath.Join(dir, "transport"))}
		}
	}
	return Maker{
		Vendor: outside.ReadLine(filepath.Join(d.dir, "device/vendor")), Model: outside.ReadLine(filepath.Join(d.dir, "device/model")),
		Transport: scsiTransport(d.dir),
	}
}

// scsiTransport shows in the place that the kernel gives a device:
// .../host3/session1/target3:0:0/3:0:0:0/block/sda.
func scsiTransport(dir string) string {
	place, err := os.Readlink(dir)
	switch {
	case err != nil:
	case strings.Contains(place, "/session"):
		return "iscsi"
	case strings.Contains(place, "/rport-"):
		return "fc"
	}
	return ""
}
