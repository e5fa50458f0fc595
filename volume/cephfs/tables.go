package cephfs

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
	"strings"
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
func (r *reading) takeTables(content []byte) {
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
			r.read.takeRow(columns, fields)
		case fields[0] == "write":
			r.write.takeRow(columns, fields)
		}
	}
}

func (d *direction) takeRow(columns, fields []string) {
	number := func(column string) *uint64 {
		i := slices.Index(columns, column)
		if i < 0 {
			return nil
		}
		n, err := strconv.ParseUint(fields[i], 10, 64)
		if err != nil {
			return nil
		}
		return &n
	}
	if slices.Contains(columns, columnAverage) {
		d.ops, d.average = number(columnTotal), number(columnAverage)
	}
	if slices.Contains(columns, columnBytes) {
		d.bytes = number(columnBytes)
	}
}
