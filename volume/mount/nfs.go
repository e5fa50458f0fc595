package mount

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// IsNFS is whether a file system type is one of NFS.
func IsNFS(fstype string) bool { return fstype == "nfs" || fstype == "nfs4" }

// nfsSample reads the mount's counters from mountstats, which never asks the
// server. Mounts of one export share them, so a bind mount that is not listed
// has those of another mount of the same device.
func (h *Host) nfsSample(m Mount, table Table) (Sample, error) {
	content, err := h.readProcess("mountstats")
	if err != nil {
		return Sample{}, fmt.Errorf("read the counters of the NFS mounts: %w", err)
	}
	points := []string{m.listed}
	for _, other := range table {
		if other.Device == m.Device {
			points = append(points, other.listed)
		}
	}
	for _, point := range points {
		if s, ok := parseMountstats(content, point); ok {
			if s.Read.Ops == nil && s.Write.Ops == nil {
				return Sample{}, unsupported("mountstats counts no reads and writes for %s", m.Point)
			}
			s.Identity = m.Device + " " + m.Source
			return s, nil
		}
	}
	return Sample{}, fmt.Errorf("mountstats has no counters for %s", m.Point)
}

// parseMountstats reads the block of one mount point, of several the last: that
// one is on top. prometheus/procfs refuses the whole file for an odd line in any
// block (a transport that it does not know), hence an own reading of the few
// lines that matter.
func parseMountstats(content []byte, point string) (Sample, bool) {
	var s Sample
	found, inside := false, false
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0:
			inside = false
		case fields[0] == "device" || fields[0] == "no": // "no device mounted on …"
			if inside = isNFSBlock(fields, point); inside {
				found = true
				s = Sample{ByteUnit: 1, TimeUnit: usecPerMilli}
			}
		case inside:
			s.takeNFS(fields)
		}
	}
	return s, found
}

// isNFSBlock is whether this line begins the block of point:
// `device S mounted on P with fstype T statvers=V`.
func isNFSBlock(fields []string, point string) bool {
	return len(fields) >= 8 && fields[2] == "mounted" && unescape(fields[4]) == point && IsNFS(fields[7])
}

// takeNFS takes what it knows from one line of a block.
func (s *Sample) takeNFS(fields []string) {
	switch fields[0] {
	case "age:":
		if age := nfsCount(fields, 1); age != nil {
			s.Age = *age
		}
	case "bytes:": // what went over the wire, without headers
		s.Read.Bytes, s.Write.Bytes = nfsCount(fields, 5), nfsCount(fields, 6)
	case "READ:":
		s.Read.Ops, s.Read.Time = nfsCount(fields, 1), nfsCount(fields, 8)
	case "WRITE:":
		s.Write.Ops, s.Write.Time = nfsCount(fields, 1), nfsCount(fields, 8)
	}
}

// nfsCount reads one number. The kernel has let counters run below zero: what is
// beyond half of the range is no count.
func nfsCount(fields []string, i int) *uint64 {
	if i >= len(fields) {
		return nil
	}
	n, err := strconv.ParseUint(fields[i], 10, 64)
	if err != nil || n > math.MaxInt64 {
		return nil
	}
	return &n
}
