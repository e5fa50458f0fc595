package netapp

import (
	"errors"
	"slices"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// seed adds the samples, and what none of them shows.
func seed(f *testing.F) {
	f.Helper()
	volumetest.Seed(f, "*.json",
		`{"records": [{"name": "v", "uuid": 1e400, "state": ["x"], "status": [null, 7], "space": {"size": -1}, "metric": 3}]}`,
		`{"records": [{"status": "full", "statistics": {"status": "ok", "iops_raw": {"read": 18446744073709551615}}}], "_links": {"next": {"href": "x"}}}`)
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
		b := backend{rates: rates.NewMeters(6*time.Minute, rates.CostsFigure)}
		for _, v := range p.Records {
			v.answer = &rest.Answer{ReceivedAt: time.Now()}
			if rates, _, ok := v.mean(); ok {
				volumetest.Possible(t, rates)
			}
			if _, _, err := b.compare("v", []record{v}, true); err == nil {
				t.Error("rates of one reading")
			}
			later := v
			later.Statistics.Timestamp.Time = v.sample().At.Add(time.Minute)
			if rates, _, err := b.compare("v", []record{later}, true); err == nil {
				volumetest.Possible(t, rates)
			}
			b.rates.Drop("v")
			var c cluster
			h := c.health(v, p.Records)
			volumetest.Explained(t, h, longestInfo, longestFact)
			if h.Status == volume.Healthy && v.state() != stateOnline {
				t.Errorf("%s is %+v", v.State, h)
			}
		}
	})
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
		volumetest.Explained(t, h, longestInfo, longestFact)
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
			volumetest.Explained(t, c.health(record{}, nil), longestInfo, longestFact)
		}
	})
}
