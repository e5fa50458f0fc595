package mount

import (
	"fmt"

	"storage_exporter/block"
	"storage_exporter/volume"
)

const (
	usecPerMilli = 1000
	wrap32       = 1 << 32
)

// diskSample is what a block device counted.
func diskSample(s block.Stat) Sample {
	counters := func(c block.Counts) Counters {
		if !s.Timed {
			return Counters{Ops: &c.Ops, Bytes: &c.Sectors}
		}
		return Counters{Ops: &c.Ops, Bytes: &c.Sectors, Time: &c.Millis}
	}
	return Sample{
		Identity: s.Number + " " + s.Name, Read: counters(s.Read), Write: counters(s.Write),
		ByteUnit: block.SectorSize, TimeUnit: usecPerMilli, TimeWrap: block.MillisWrap, Untimed: s.Untimed,
	}
}

// unsupported says in words why there are no counters.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), volume.ErrUnsupported)
}
