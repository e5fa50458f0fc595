package cephfs

import (
	"bufio"
	"bytes"
	"slices"
	"strings"

	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
)

// The columns that matter of the kernel's tables. Each table begins with a line
// of names, `item total avg_lat(us) …`, and a line of dashes.
const (
	columnTotal   = "total"
	columnAverage = "avg_lat(us)"
	columnBytes   = "total_sz(bytes)"
)

// takeTables takes what it knows from a file of metrics: of tables with a latency
// the operations and their mean time, of tables with a size the bytes.
func takeTables(s *rates.Sample, content []byte) {
	var columns []string
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0:
			columns = nil
		case fields[0] == "item":
			columns = fields
		case len(fields) != len(columns):
		case fields[0] == "read":
			takeRow(&s.Read, columns, fields)
		case fields[0] == "write":
			takeRow(&s.Write, columns, fields)
		}
	}
}

func takeRow(c *rates.Counters, columns, fields []string) {
	number := func(column string) *uint64 {
		if i := slices.Index(columns, column); i >= 0 {
			return mount.Count(fields[i])
		}
		return nil
	}
	if slices.Contains(columns, columnAverage) {
		c.Ops, c.Mean = number(columnTotal), number(columnAverage)
	}
	if slices.Contains(columns, columnBytes) {
		c.Bytes = number(columnBytes)
	}
}
