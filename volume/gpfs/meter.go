package gpfs

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	meterEvery = 10 * time.Minute // how often to look while it is not known
	meterTime  = 3 * time.Second  // for a look: the figures wait for it
	meterAgree = 2                // so many looks must agree on what is not expected
	meterWide  = 6                // so many buckets make a wide one
	meterOps   = 100              // fewer operations in a wide bucket prove nothing
	meterError = 0.1              // by how much what is equal may differ
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
	ctx, cancel := context.WithTimeout(ctx, meterTime)
	defer cancel()
	_, wide, err := b.ask(ctx, meterWide*b.bucket, 3)
	if err != nil {
		return m.rates // it is a look, no more: the figures are there
	}
	_, narrow, err := b.ask(ctx, b.bucket, 4*meterWide)
	if err != nil {
		return m.rates
	}
	switch sum, mean := compare(wide, narrow); {
	case sum && !mean:
		m.known, m.hints = true, 0
	case mean && !sum:
		if m.hints++; m.hints == meterAgree {
			m.known, m.rates = true, true
			b.log.Warn("the performance collector's values are rates: they are not divided by the length of a bucket")
		}
	default:
		m.hints = 0
	}
	return m.rates
}

// compare is whether a wide bucket has the sum of the operations of the narrow
// ones within, or their mean; both are false when that is not clear. The newest
// wide bucket is not complete and would look like a narrow one. A bucket's time may
// be its begin or its end: both are tried, and a load that changes can make the
// wrong one look like the other answer.
func compare(wide, narrow table) (sum, mean bool) {
	newest := true
	for i := len(wide.rows) - 1; i >= 0; i-- {
		total, _ := wide.ops(i)
		if total < meterOps {
			continue
		}
		if newest {
			newest = false
			continue
		}
		for _, side := range []float64{-1, 1} { // the narrow ones before its time, or from then on
			var ops float64
			n := 0
			for j, r := range narrow.rows {
				apart := side * r.at.Sub(wide.rows[i].at).Seconds()
				if v, counted := narrow.ops(j); counted && apart >= 0 && apart < wide.seconds {
					ops, n = ops+v, n+1
				}
			}
			if n == meterWide {
				sum, mean = sum || equal(total, ops), mean || equal(total, ops/meterWide)
			}
		}
		return sum, mean
	}
	return false, false
}

func equal(a, b float64) bool { return math.Abs(a-b) <= meterError*b }

// ops are all operations in a row, and whether it has any samples.
func (t table) ops(row int) (n float64, counted bool) {
	for _, columns := range t.columns {
		for _, metric := range []string{readOps, writeOps} {
			if column, ok := columns[metric]; ok {
				if v, _ := t.rows[row].cell(column); v != nil {
					n, counted = n+*v, true
				}
			}
		}
	}
	return n, counted
}
