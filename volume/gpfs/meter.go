package gpfs

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	meterEvery = 10 * time.Minute // how often to look while it is not known
	meterAgree = 2                // so many looks must agree on what is not expected
	meterWide  = 6                // so many buckets make a wide one
	meterOps   = 100              // fewer operations in a wide bucket prove nothing
)

// meter finds out what the collector's values are: what was counted within a
// bucket, as the vendor's dashboards take them, or rates. Nobody documents it, and
// a wrong guess would be wrong by the length of a bucket. So a wide bucket is
// compared with the narrow ones within: it holds their sum, or their mean.
type meter struct {
	mu    sync.Mutex // guards the fields below
	known bool
	rates bool
	hints int       // looks that said rates, in a row
	next  time.Time // no look before
}

// perSecond is whether values are rates. Until it is known they are taken for what
// was counted.
func (m *meter) perSecond(ctx context.Context, b *backend) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known || time.Now().Before(m.next) {
		return m.rates
	}
	m.next = time.Now().Add(meterEvery)
	_, wide, err := b.ask(ctx, meterWide*b.bucket, 3)
	if err != nil {
		return m.rates // it is a look, no more: the figures are there
	}
	_, narrow, err := b.ask(ctx, b.bucket, 3*meterWide)
	if err != nil {
		return m.rates
	}
	switch ratio := compare(wide, narrow); {
	case ratio > meterWide*0.75 && ratio < meterWide*1.25:
		m.known, m.hints = true, 0
	case ratio > 0.75 && ratio < 1.25:
		if m.hints++; m.hints == meterAgree {
			m.known, m.rates = true, true
			b.log.Warn("the performance collector's values are rates: they are not divided by the length of a bucket")
		}
	default:
		m.hints = 0
	}
	return m.rates
}

// compare is a wide bucket's operations by those of a narrow one around the same
// time; 0 when that cannot be told. The newest wide bucket is not complete and
// would look like a narrow one. Whether a bucket's time is its begin or its end
// does not matter: the narrow ones on both sides count.
func compare(wide, narrow table) float64 {
	newest := true
	for i := len(wide.rows) - 1; i >= 0; i-- {
		total := wide.ops(i)
		if total < meterOps {
			continue
		}
		if newest {
			newest = false
			continue
		}
		var sum float64
		var n int
		for j, r := range narrow.rows {
			if ops := narrow.ops(j); ops > 0 && math.Abs(wide.rows[i].at.Sub(r.at).Seconds()) < wide.seconds {
				sum += ops
				n++
			}
		}
		if n < meterWide {
			return 0
		}
		return total / (sum / float64(n))
	}
	return 0
}

// ops are all operations in a row.
func (t table) ops(row int) (n float64) {
	for _, columns := range t.columns {
		for _, metric := range []string{readOps, writeOps} {
			if column, ok := columns[metric]; ok {
				if v, _ := t.rows[row].cell(column); v != nil {
					n += *v
				}
			}
		}
	}
	return n
}
