package gpfs

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// The metrics of the sensor GPFSFilesystem, which counts for each node and file
// system.
const (
	readOps    = "gpfs_fs_read_ops"
	writeOps   = "gpfs_fs_write_ops"
	readBytes  = "gpfs_fs_bytes_read"
	writeBytes = "gpfs_fs_bytes_written"
	readWait   = "gpfs_fs_tot_disk_wait_rd" // seconds, summed over the operations
	writeWait  = "gpfs_fs_tot_disk_wait_wr"
)

var metrics = []string{readOps, writeOps, readBytes, writeBytes, readWait, writeWait}

// table is what the collector answers to a query: a row for each bucket of time,
// a column for each metric of each file system.
type table struct {
	seconds float64                   // of a bucket; 0 when there is none
	rows    []row                     // the oldest first
	columns map[string]map[string]int // by file system, by metric
}

// ambiguous stands for the columns of a metric that a table has twice for one file
// system, as for one of each of two clusters: neither is known to be the volume's.
const ambiguous = -1

type row struct {
	at      time.Time // zero where it is not known
	values  []rest.Float
	samples []rest.Float // of how many values each is made
}

// decodeTable reads the answer of /perfmon/data. Columns are known by their keys,
// never by their order. A table without rows or columns is a sensor that is off.
func decodeTable(a *rest.Answer) (table, error) {
	var whole struct {
		Status      json.RawMessage
		Performance struct {
			Header struct {
				Seconds rest.Float `json:"bsize"`
			}
			Legend []struct {
				Caption rest.Text
				Keys    []rest.Text
			}
			Rows []struct {
				At      rest.Time `json:"tstamp"`
				Values  []rest.Float
				Samples []rest.Float `json:"nsamples"`
			}
		} `json:"performanceData"`
	}
	if err := a.Decode(&whole); err != nil {
		return table{}, err
	}
	if err := checkStatus(whole.Status); err != nil {
		return table{}, err
	}
	t := table{columns: map[string]map[string]int{}}
	if seconds := whole.Performance.Header.Seconds.Amount(); seconds != nil {
		t.seconds = *seconds
	}
	for i, column := range whole.Performance.Legend {
		fs, metric := columnOf(column.Caption.String(), column.Keys)
		if fs == "" {
			continue
		}
		if t.columns[fs] == nil {
			t.columns[fs] = map[string]int{}
		}
		if _, twice := t.columns[fs][metric]; twice {
			i = ambiguous
		}
		t.columns[fs][metric] = i
	}
	for _, r := range whole.Performance.Rows {
		t.rows = append(t.rows, row{r.At.Time, r.Values, r.Samples})
	}
	return t, nil
}

// columnOf is the file system and the metric of a column: its caption is
// sum(METRIC), its keys are NODE|GPFSFilesystem|CLUSTER|FILESYSTEM|METRIC, one for
// each node that is in the sum. Both are empty for a column that is something else.
func columnOf(caption string, keys []rest.Text) (fs, metric string) {
	metric, ok := strings.CutPrefix(strings.TrimSuffix(caption, ")"), "sum(")
	if !ok || len(keys) == 0 {
		return "", ""
	}
	for _, key := range keys {
		parts := strings.Split(key.String(), "|")
		if len(parts) != 5 || parts[1] != "GPFSFilesystem" || parts[4] != metric || fs != "" && parts[3] != fs {
			return "", ""
		}
		fs = parts[3]
	}
	return fs, metric
}

// cell is a value of a row, nil where no sample was made in its time, and of how
// many samples it is made.
func (r row) cell(column int) (*float64, float64) {
	if column < 0 || column >= len(r.values) || column >= len(r.samples) {
		return nil, 0
	}
	samples := r.samples[column]
	if !samples.Valid || samples.Value <= 0 {
		return nil, 0
	}
	return r.values[column].Amount(), samples.Value
}

// newest is the row to take a file system's figures from: the newest with samples,
// but one before for as long as more samples are in that one, because the newest
// are not complete yet where some nodes report later than others.
func (t table) newest(columns map[string]int) (row, bool) {
	samples := func(i int) (n float64) {
		for _, column := range columns {
			if v, s := t.rows[i].cell(column); v != nil {
				n += s
			}
		}
		return n
	}
	for i := len(t.rows) - 1; i >= 0; i-- {
		n := samples(i)
		if n == 0 {
			continue
		}
		for ; i > 0 && samples(i-1) > n; i-- {
			n = samples(i - 1)
		}
		return t.rows[i], true
	}
	return row{}, false
}

// performance is a file system's, over the newest bucket, and when that ended by
// the collector's clock. A value is what was counted within the bucket, or a rate
// where perSecond says so.
func (t table) performance(fs string, perSecond bool) (volume.Performance, time.Time, error) {
	columns := t.columns[fs]
	seconds := t.seconds
	if perSecond {
		seconds = 1
	}
	r, ok := t.newest(columns)
	if !ok || t.seconds < 1 {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	of := func(metric string) *float64 {
		column, ok := columns[metric]
		if !ok {
			return nil
		}
		v, _ := r.cell(column)
		return v
	}
	rate := func(metric string) *float64 {
		v := of(metric)
		if v == nil {
			return nil
		}
		return new(*v / seconds)
	}
	p := volume.Performance{
		IOPSRead: rate(readOps), IOPSWrite: rate(writeOps), BytesRead: rate(readBytes), BytesWrite: rate(writeBytes),
		LatencyReadUsec: mean(of(readWait), of(readOps)), LatencyWriteUsec: mean(of(writeWait), of(writeOps)),
	}
	if p == (volume.Performance{}) {
		return p, time.Time{}, volume.ErrNoSample
	}
	return p, r.at, nil
}

// mean is the wait for the disks of an operation in microseconds, from sums in
// seconds: the vendor's own FsLatency_diskWait. Operations that the page pool
// served count with no wait.
func mean(wait, ops *float64) *float64 {
	seconds := rates.Mean(wait, ops)
	if seconds == nil || math.IsInf(*seconds*1e6, 0) {
		return nil
	}
	return new(*seconds * 1e6)
}
