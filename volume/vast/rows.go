package vast

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// The histograms of a view's reads; those of its writes are alike.
const readLatency = "ViewMetrics,read_latency"

// counters are what is asked for of each view: what its histograms have counted
// and summed up so far. Their meaning does not depend on the units in which VMS
// shows its rates.
var counters = [...]string{
	readOps: "ViewMetrics,read_iops__num_samples", writeOps: "ViewMetrics,write_iops__num_samples",
	readBytes: "ViewMetrics,read_bw__sum", writeBytes: "ViewMetrics,write_bw__sum",
	readTime: readLatency + "__sum", readTimed: readLatency + "__num_samples",
	writeTime: "ViewMetrics,write_latency__sum", writeTimed: "ViewMetrics,write_latency__num_samples",
}

const (
	readOps = iota
	writeOps
	readBytes
	writeBytes
	readTime
	readTimed
	writeTime
	writeTimed
)

// row is a view's counters at a time by the cluster's clock. Null cells are
// normal: nil.
type row struct {
	at     time.Time
	counts [len(counters)]*uint64
}

func (r row) filled() int {
	n := 0
	for _, c := range r.counts {
		if c != nil {
			n++
		}
	}
	return n
}

// covers is whether r has all that the other row has.
func (r row) covers(other row) bool {
	for i, c := range other.counts {
		if c != nil && r.counts[i] == nil {
			return false
		}
	}
	return true
}

// rowsOf reads a table of counters by the view's id. The table names its columns;
// their order may be any.
func rowsOf(answer *rest.Answer) (map[uint64][]row, error) {
	var said struct {
		Properties []rest.Text `json:"prop_list"`
		Data       [][]json.RawMessage
	}
	if err := answer.Decode(&said); err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, p := range said.Properties {
		column[strings.TrimSpace(p.String())] = i
	}
	timeColumn, timed := column["timestamp"]
	idColumn, named := column["object_id"]
	if !timed || !named || said.Data == nil {
		return nil, rest.Nonsense("the answer is not the table of statistics that was asked for")
	}
	all := map[uint64][]row{}
	for _, cells := range said.Data {
		if len(cells) != len(said.Properties) {
			continue // it is not known which cell is which
		}
		var at rest.Time
		var id rest.Int
		_ = at.UnmarshalJSON(cells[timeColumn]) // these never fail
		_ = id.UnmarshalJSON(cells[idColumn])
		if at.IsZero() || id.Amount() == nil {
			continue
		}
		r := row{at: at.Time}
		for i, name := range counters {
			if c, ok := column[name]; ok {
				var n rest.Int
				_ = n.UnmarshalJSON(cells[c])
				r.counts[i] = n.Amount()
			}
		}
		if r.filled() > 0 {
			all[uint64(id.Value)] = append(all[uint64(id.Value)], r)
		}
	}
	return all, nil
}

// sample is what a view did in a window that ended at a time, by the cluster's
// clock.
type sample struct {
	performance volume.Performance
	at          time.Time
	window      time.Duration
}

const (
	// shortest is the least time between two rows that makes a rate.
	shortest = time.Second
	// candidates are how many of the newest rows may be the end of a window.
	candidates = 3
)

// sampleOf compares the fullest of the newest rows (that of the minute that is
// still open may have holes) with the one before it, or with an older one where
// that has holes. It is false where there is nothing to compare, or a counter went
// backwards: then they all begin anew. Latencies are absent where per is zero.
func sampleOf(rows []row, per unit) (sample, bool) {
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b row) int { return b.at.Compare(a.at) })
	if len(rows) == 0 {
		return sample{}, false
	}
	newest := slices.MaxFunc(rows[:min(len(rows), candidates)], func(a, b row) int {
		return cmp.Or(cmp.Compare(a.filled(), b.filled()), a.at.Compare(b.at))
	})
	older := slices.DeleteFunc(rows, func(r row) bool { return newest.at.Sub(r.at) < shortest })
	if len(older) == 0 {
		return sample{}, false
	}
	base := older[0]
	if i := slices.IndexFunc(older, func(r row) bool { return r.covers(newest) }); i > 0 {
		base = older[i]
	}
	did, _ := rates.Between(base.sample(per), newest.sample(per))
	p, err := rates.Reported(did)
	if err != nil {
		return sample{}, false
	}
	return sample{performance: p, at: newest.at, window: newest.at.Sub(base.at)}, true
}

// sample is the row as rates has it.
func (r row) sample(per unit) rates.Sample {
	counters := func(ops, bytes, spent, timed int) rates.Counters {
		c := rates.Counters{Ops: r.counts[ops], Bytes: r.counts[bytes]}
		if per > 0 && r.counts[timed] != nil {
			c.Time, c.Timed = r.counts[spent], r.counts[timed]
		}
		return c
	}
	s := rates.Sample{
		At: r.at, Read: counters(readOps, readBytes, readTime, readTimed), Write: counters(writeOps, writeBytes, writeTime, writeTimed),
	}
	if per > 0 {
		s.TimeUnit = 1 / float64(per)
	}
	return s
}
