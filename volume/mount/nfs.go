package mount

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"storage_exporter/volume/rates"
)

// IsNFS is whether a file system type is one of NFS.
func IsNFS(fstype string) bool { return fstype == "nfs" || fstype == "nfs4" }

// nfsSample reads the counters of one mount.
func (h *Host) nfsSample(m Mount, table Table) (rates.Sample, error) {
	samples, err := h.nfsSamples(Table{m}, table)
	s, listed := samples[m.Device]
	switch {
	case err != nil:
		return rates.Sample{}, err
	case !listed:
		return rates.Sample{}, fmt.Errorf("mountstats has no counters for %s", m.Point)
	case uncounted(s):
		return rates.Sample{}, Unsupported("mountstats counts no reads and writes for %s", m.Point)
	}
	return s, nil
}

// NFSSamples reads the counters of NFS mounts of the table in one go, by their
// Device. A mount of which nothing is counted is left out.
func (h *Host) NFSSamples(mounts, table Table) (map[string]rates.Sample, error) {
	samples, err := h.nfsSamples(mounts, table)
	maps.DeleteFunc(samples, func(_ string, s rates.Sample) bool { return uncounted(s) })
	return samples, err
}

func uncounted(s rates.Sample) bool { return s.Read.Ops == nil && s.Write.Ops == nil }

// nfsSamples reads mountstats, which never asks the server. Mounts of one export
// share their counters, so a bind mount that is not listed has those of another
// mount of the same device.
func (h *Host) nfsSamples(mounts, table Table) (map[string]rates.Sample, error) {
	content, err := h.readProcess("mountstats")
	if err != nil {
		return nil, fmt.Errorf("read the counters of the NFS mounts: %w", err)
	}
	sources := make(map[string]string, len(mounts)) // by device
	for _, m := range mounts {
		sources[m.Device] = m.Source
	}
	points := make(map[string]string, len(mounts)) // devices by mount point
	for _, m := range table {
		if _, ok := sources[m.Device]; ok {
			points[m.listed] = m.Device
		}
	}
	samples := make(map[string]rates.Sample, len(mounts))
	for point, s := range parseNFSBlocks(content, func(point string) bool { return points[point] != "" }) {
		device := points[point]
		if _, known := samples[device]; !known || !uncounted(s) {
			s.Identity = device + " " + sources[device]
			samples[device] = s
		}
	}
	return samples, nil
}

// parseNFSBlocks reads the blocks of the wanted mount points, of several of one
// point the last: that one is on top. prometheus/procfs refuses the whole file
// for an odd line in any block (a transport that it does not know), hence an own
// reading of the few lines that matter.
func parseNFSBlocks(content []byte, wanted func(point string) bool) map[string]rates.Sample {
	blocks := map[string]nfsLines{}
	var block nfsLines // that we are in; nil for others'
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0:
			block = nil
		case fields[0] == "device" || fields[0] == "no": // "no device mounted on …"
			block = nil
			if point := nfsPoint(fields); point != "" && wanted(point) {
				block = nfsLines{}
				blocks[point] = block
			}
		case block != nil:
			block[fields[0]] = fields
		}
	}
	samples := make(map[string]rates.Sample, len(blocks))
	for point, block := range blocks {
		samples[point] = block.sample()
	}
	return samples
}

// nfsPoint is the mount point of the block that this line begins, if it is one of NFS:
// `device S mounted on P with fstype T statvers=V`.
func nfsPoint(fields []string) string {
	if len(fields) < 8 || fields[2] != "mounted" || !IsNFS(fields[7]) {
		return ""
	}
	return unescape(fields[4])
}

// nfsLines are the lines of a block, as fields, by the first of them.
type nfsLines map[string][]string

func (b nfsLines) sample() rates.Sample {
	s := rates.Sample{ByteUnit: 1, TimeUnit: usecPerMilli}
	if age := nfsCount(b["age:"], 1); age != nil {
		s.Age = *age
	}
	s.Read = b.operations("READ", "READ_PLUS") // NFS 4.2 may read by either
	s.Write = b.operations("WRITE")
	s.Read.Bytes, s.Write.Bytes = nfsCount(b["bytes:"], 5), nfsCount(b["bytes:"], 6) // what went over the wire, without headers
	return s
}

// operations adds up those of several names. What one of them does not tell is not
// known of all.
func (b nfsLines) operations(names ...string) rates.Counters {
	var ops, spent []*uint64
	for _, name := range names {
		if fields, ok := b[name+":"]; ok {
			ops, spent = append(ops, nfsCount(fields, 1)), append(spent, nfsCount(fields, 8))
		}
	}
	return rates.Counters{Ops: total(ops), Time: total(spent)}
}

// total is nil for no counts, and where one is not known.
func total(counts []*uint64) *uint64 {
	if len(counts) == 0 || slices.Contains(counts, nil) {
		return nil
	}
	sum := uint64(0)
	for _, n := range counts {
		sum += *n
	}
	return &sum
}

// nfsCount reads one number. The kernel has let counters run below zero: what is
// beyond half of the range is no count.
func nfsCount(fields []string, i int) *uint64 {
	if i >= len(fields) {
		return nil
	}
	n := Count(fields[i])
	if n != nil && *n > math.MaxInt64 {
		return nil
	}
	return n
}
