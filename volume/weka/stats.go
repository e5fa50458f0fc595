package weka

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// A sample is the mean of a minute; the newest of the last two is asked for. One
// that is older than oldest is none.
const (
	resolution = time.Minute
	window     = 2 * time.Minute
	oldest     = 3 * time.Minute
)

// The categories of statistics: by file system, and of the whole cluster.
const (
	byFilesystem = "fs_stats"
	ofCluster    = "ops"
)

// whole is the key of the figures of the whole cluster, which belong to no file
// system.
const whole = -1

// sample is the statistics of a minute.
type sample struct {
	Stats     map[string]rest.Float // READS, or by file system READS[fS: 0]
	Timestamp rest.Time
}

// figures are the newest of each file system.
type figures map[int]figure

type figure struct {
	performance volume.Performance
	stamp       time.Time // of the sample, by the cluster's clock
	at          time.Time // the same by ours
}

// stats asks for a category's statistics. The stats are named one by one, for
// others are histograms; "accumulated" stays unset, for it makes totals of rates.
// listed is whether the category is there, also where it has no figures now.
func (b *backend) stats(ctx context.Context, category string) (by figures, listed bool, err error) {
	query := url.Values{
		"category":        {category},
		"stat":            {"READS", "WRITES", "READ_BYTES", "WRITE_BYTES", "READ_LATENCY", "WRITE_LATENCY"},
		"interval":        {strconv.Itoa(int(window.Seconds()))},
		"resolution_secs": {strconv.Itoa(int(resolution.Seconds()))},
	}
	if category == byFilesystem {
		query.Set("show_internal", "true")
		query.Set("param[fS]", "*")
	}
	by, err = rest.Fetch(ctx, b.client, rest.Request{Path: "/stats", Query: query}, func(a *rest.Answer) (best figures, err error) {
		best, listed, err = figuresOf(a, category)
		return best, err
	})
	return by, listed, err
}

// figuresOf reads the newest sample of each file system that has all four rates,
// or else the most of them: that of the minute that is still open may be empty.
func figuresOf(answer *rest.Answer, category string) (best figures, listed bool, err error) {
	var said struct {
		Data struct{ All map[string][]sample }
	}
	if err := answer.Decode(&said); err != nil {
		return nil, false, err
	}
	if said.Data.All == nil {
		return nil, false, rest.Nonsense("the statistics are missing in the answer")
	}
	best = figures{}
	for _, s := range said.Data.All[category] {
		parts := s.split(category)
		listed = listed || len(parts) > 0
		at := answer.SampledAt(s.Timestamp.Time)
		if at.IsZero() || answer.ReceivedAt.Sub(at) > oldest {
			continue
		}
		for number, p := range parts {
			was, known := best[number]
			if n, m := present(p), present(was.performance); n > 0 && (!known || n > m || n == m && s.Timestamp.After(was.stamp)) {
				best[number] = figure{p, s.Timestamp.Time, at}
			}
		}
	}
	return best, listed, nil
}

// split sorts a sample's statistics by file system. Of those by file system, what
// names none is not of one: it is what a cluster says that ignores the parameter.
func (s sample) split(category string) map[int]volume.Performance {
	found := map[int]volume.Performance{}
	for key, v := range s.Stats {
		stat, number := strings.TrimPrefix(key, category+"."), whole
		if category == byFilesystem {
			var ok bool
			if stat, number, ok = cutNumber(stat); !ok {
				continue
			}
		}
		p := found[number]
		switch stat {
		case "READS":
			p.IOPSRead = v.Amount()
		case "WRITES":
			p.IOPSWrite = v.Amount()
		case "READ_BYTES":
			p.BytesRead = v.Amount()
		case "WRITE_BYTES":
			p.BytesWrite = v.Amount()
		case "READ_LATENCY":
			p.LatencyReadUsec = v.Amount()
		case "WRITE_LATENCY":
			p.LatencyWriteUsec = v.Amount()
		}
		found[number] = p
	}
	for number, p := range found {
		found[number], _ = rates.Reported(p)
	}
	return found
}

// cutNumber takes "READS[fS: 1]" apart.
func cutNumber(key string) (stat string, number int, ok bool) {
	stat, rest, ok := strings.Cut(key, "[")
	if !ok {
		return "", 0, false
	}
	param, value, ok := strings.Cut(strings.TrimSuffix(rest, "]"), ":")
	if !ok || !strings.EqualFold(strings.TrimSpace(param), "fS") {
		return "", 0, false
	}
	number, err := strconv.Atoi(strings.TrimSpace(value))
	return stat, number, err == nil && number >= 0
}

// present counts the rates that are there.
func present(p volume.Performance) int {
	n := 0
	for _, v := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite} {
		if v != nil {
			n++
		}
	}
	return n
}
