package gpfs

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/gpfs/gpfstest"
)

// wideAndNarrow are what a collector answers of a load, in reads for each ten
// seconds, the newest last: the newest wide bucket has only begun.
func wideAndNarrow(load []float64, rates, begin bool) (wide, narrow table) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ones := slices.Repeat([]float64{1}, len(load))
	if rates {
		load = slices.Clone(load)
		for i := range load {
			load[i] /= 10
		}
	}
	narrow = tableOf(10, noon.Add(20*time.Second), load, ones)
	var sums []float64
	for part := range slices.Chunk(load, meterWide) {
		sum := 0.0
		for _, v := range part {
			sum += v
		}
		if rates {
			sum /= float64(len(part))
		}
		sums = append(sums, sum)
	}
	wide = tableOf(60, noon.Add(time.Minute), sums, ones)
	if begin {
		for _, t := range []table{wide, narrow} {
			for i := range t.rows {
				t.rows[i].at = t.rows[i].at.Add(-time.Duration(t.seconds) * time.Second)
			}
		}
	}
	return wide, narrow
}

// A load that changes does not make counts look like rates, nor the other way.
func TestCompare(t *testing.T) {
	const rows = 2*meterWide + meterWide + 2 // two of the newest wide one
	loads := map[string][]float64{"steady": slices.Repeat([]float64{2000}, rows)}
	rising := slices.Repeat([]float64{190}, rows)
	for i := range meterWide {
		rising[2*meterWide+i] = 20
	}
	loads["from little to much"] = rising
	random := rand.New(rand.NewPCG(1, 2))
	for name := range strings.SplitSeq("a b c d e f g h i j k l", " ") {
		for range rows {
			loads[name] = append(loads[name], 40000*random.Float64()*random.Float64())
		}
	}
	for name, load := range loads {
		for _, begin := range []bool{false, true} {
			if sum, mean := compare(wideAndNarrow(load, false, begin)); !sum {
				t.Errorf("%s (begin: %v): counts are not sums (%v), means: %v", name, begin, sum, mean)
			}
			if sum, mean := compare(wideAndNarrow(load, true, begin)); !mean && name != "from little to much" {
				t.Errorf("%s (begin: %v): rates are not means (%v), sums: %v", name, begin, mean, sum)
			}
		}
	}
	if sum, mean := compare(wideAndNarrow(make([]float64, rows), false, false)); sum || mean {
		t.Error("no operations prove something")
	}
}

// A collector that answers a look late does not cost the figures.
func TestLookHangs(t *testing.T) {
	inLab(t, &gpfstest.GUI{Filesystems: 1}, func(t *testing.T, l lab) {
		l.e.Break(appliancetest.Hangs(), func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("query"), "bucket_size 60") })
		start := time.Now()
		if got := l.reads(t, "v0"); got != 100 {
			t.Errorf("%v reads a second", got)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
