package mount

import (
	"fmt"
	"path/filepath"
	"strings"

	"storage_exporter/block"
	"storage_exporter/volume/rates"
)

// xfsSample reads what XFS itself counts: calls, not requests to the device, and
// no times. It serves where the device counts nothing.
func (h *Host) xfsSample(d block.Device) (rates.Sample, error) {
	content, err := ReadFile(filepath.Join(h.paths.Sys, "fs", "xfs", d.Name, "stats", "stats"))
	if err != nil {
		return rates.Sample{}, fmt.Errorf("read the counters of the file system on %s: %w", d.Name, err)
	}
	s := parseXFS(string(content))
	s.Identity = "xfs " + d.Number + " " + d.Name
	return s, nil
}

// parseXFS takes `rw writes reads` (32 bits) and `xpc allocated written read`
// (bytes, 64 bits). What else a kernel prints is left alone.
func parseXFS(content string) rates.Sample {
	s := rates.Sample{ByteUnit: 1, OpsWrap: wrap32}
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 3 && fields[0] == "rw":
			s.Write.Ops, s.Read.Ops = Count(fields[1]), Count(fields[2])
		case len(fields) >= 4 && fields[0] == "xpc":
			s.Write.Bytes, s.Read.Bytes = Count(fields[2]), Count(fields[3])
		}
	}
	return s
}
