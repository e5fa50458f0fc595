package netapp

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte(`{"records": [{"name": "v", "uuid": 1e400, "state": ["x"], "status": [null, 7], "space": {"size": -1}, "metric": 3}]}`))
	f.Add([]byte(`{"records": [{"status": "full", "statistics": {"status": "ok", "iops_raw": {"read": 18446744073709551615}}}], "_links": {"next": {"href": "x"}}}`))
}

// Whatever the list of volumes holds, nothing that is made of it is impossible.
func FuzzVolumes(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decode[record](&rest.Answer{Body: slices.Clone(body)})
		if err != nil {
			if !errors.Is(err, rest.ErrBadAnswer) {
				t.Errorf("%v", err)
			}
			return
		}
		b := backend{rates: rest.NewRates(time.Hour)}
		for _, v := range p.Records {
			v.answer = &rest.Answer{ReceivedAt: time.Now()}
			if rates, _, ok := v.mean(); ok {
				possible(t, rates)
			}
			if _, _, err := b.compare("v", []record{v}, true); err == nil {
				t.Error("rates of one reading")
			}
			later := v
			later.Statistics.Timestamp.Time = v.counters().At.Add(time.Minute)
			if rates, _, err := b.compare("v", []record{later}, true); err == nil {
				possible(t, rates)
			}
			b.rates.Drop("v")
			var c cluster
			h := c.health(v, p.Records)
			bounded(t, h)
			if !slices.Contains(volume.Statuses, h.Status) || h.Status != volume.Healthy && h.Info == "" || h.Status == volume.Healthy && v.state() != stateOnline {
				t.Errorf("%s is %+v", v.State, h)
			}
		}
	})
}

func possible(t *testing.T, p volume.Performance) {
	t.Helper()
	for _, v := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		if v != nil && (*v < 0 || math.IsNaN(*v) || math.IsInf(*v, 0)) {
			t.Errorf("%v", *v)
		}
	}
	if p == (volume.Performance{}) {
		t.Error("a sample without a figure")
	}
}

// Nodes without the word up never make a volume healthy.
func FuzzNodes(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decode[node](&rest.Answer{Body: slices.Clone(body)})
		if err != nil {
			return
		}
		var v record
		v.State, v.NAS.Path = "online", "/v"
		c := cluster{nodes: p.Records}
		h := c.health(v, nil)
		bounded(t, h)
		if (h.Status == volume.Healthy) != (c.nodesUp() == len(p.Records)) {
			t.Errorf("%d of %d are up: %s", c.nodesUp(), len(p.Records), h.Status)
		}
	})
}

func FuzzAbout(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var c cluster
		if (&rest.Answer{Body: body}).Decode(&c.about) == nil {
			bounded(t, c.health(record{}, nil))
		}
	})
}
