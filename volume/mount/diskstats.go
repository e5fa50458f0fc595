package mount

import (
	"fmt"

	"storage_exporter/block"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

const (
	usecPerMilli = 1000
	wrap32       = 1 << 32
)

// diskSample is what a block device counted.
func diskSample(s block.Stat) rates.Sample {
	counters := func(c block.Counts) rates.Counters {
		if !s.Timed {
			return rates.Counters{Ops: &c.Ops, Bytes: &c.Sectors}
		}
		return rates.Counters{Ops: &c.Ops, Bytes: &c.Sectors, Time: &c.Millis}
	}
	return rates.Sample{
		Identity: s.Number + " " + s.Name, Read: counters(s.Read), Write: counters(s.Write),
		ByteUnit: block.SectorSize, TimeUnit: usecPerMilli, TimeWrap: block.MillisWrap, Untimed: s.Untimed,
	}
}

// Unsupported is ErrUnsupported with the reason why there are no counters.
func Unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), volume.ErrUnsupported)
}
