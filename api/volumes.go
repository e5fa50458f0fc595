package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// MaxBody bounds the body of a request that names a volume, in bytes. It is kept by
// who serves the API: a body is here whole.
const MaxBody = 64 << 10

// volumeOf finds the volume that a request names, in the query or, as the
// manager sends it, in a JSON body of a GET request.
func (a *API) volumeOf(r *http.Request) (*observed.Volume, error) {
	name := r.URL.Query().Get("volume")
	if name == "" {
		var err error
		if name, err = volumeInBody(r.Body); err != nil {
			return nil, err
		}
	}
	if name == "" {
		return nil, fmt.Errorf("%w: name a volume with ?volume=NAME or a JSON body {\"volume\": \"NAME\"}", errBadArgument)
	}
	v := a.cfg.Volumes.Volume(name)
	if v == nil {
		return nil, fmt.Errorf("%w: no volume %q: GET /volumes lists them", errNoVolume, name)
	}
	return v, nil
}

func volumeInBody(body io.Reader) (string, error) {
	if body == nil {
		return "", nil
	}
	raw, err := io.ReadAll(body)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: read the body: %w", errBadArgument, err)
	case len(raw) == 0:
		return "", nil
	}
	var request struct {
		Volume string `json:"volume"`
	}
	if err := json.Unmarshal(raw, &request); err != nil {
		return "", fmt.Errorf("%w: the body is not JSON such as {\"volume\": \"NAME\"}", errBadArgument)
	}
	return request.Volume, nil
}

type volumeInfo struct {
	Name         string   `json:"name"`
	Backend      string   `json:"backend"`
	Path         string   `json:"path"`
	FSPrefix     string   `json:"fsprefix"`
	Capabilities []string `json:"capabilities"`
}

// listVolumes answers as the storage proxy does; metric is among the capabilities
// wherever the performance is known.
func (a *API) listVolumes(context.Context, *http.Request) (answer, error) {
	infos := []volumeInfo{}
	for _, v := range a.cfg.Volumes.Volumes() {
		can := slices.Clone(capabilities[v.Backend])
		if can == nil {
			can = []string{"vfolder"}
		}
		if !slices.Contains(can, "metric") && !errors.Is(v.Performance.Err(), volume.ErrUnsupported) {
			can = append(can, "metric")
		}
		infos = append(infos, volumeInfo{v.Name, v.Backend, v.Path, v.FSPrefix, can})
	}
	return answer{body: map[string]any{"volumes": infos}}, nil
}

// proxyMetric is the storage proxy's form of the six figures: whole numbers but
// for the latencies.
type proxyMetric struct {
	IOPSRead         *int64 `json:"iops_read"`
	IOPSWrite        *int64 `json:"iops_write"`
	BytesRead        *int64 `json:"io_bytes_read"`
	BytesWrite       *int64 `json:"io_bytes_write"`
	LatencyReadUsec  *usec  `json:"io_usec_read"`
	LatencyWriteUsec *usec  `json:"io_usec_write"`
}

// usec is written as a float even where it is whole, for clients to which the two
// differ.
type usec float64

// MarshalJSON writes at least one decimal.
func (u usec) MarshalJSON() ([]byte, error) {
	f := float64(u)
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendFloat(nil, f, 'f', 1, 64), nil
	}
	return json.Marshal(f)
}

func (a *API) performanceMetric(ctx context.Context, r *http.Request) (answer, error) {
	v, err := a.volumeOf(r)
	if err != nil {
		return answer{}, err
	}
	return show(ctx, v.Performance, func(snap cache.Snapshot[observed.PerfMetric]) any {
		p := snap.Value.Metric
		return struct {
			Metric     proxyMetric `json:"metric"`
			ObservedAt time.Time   `json:"observed_at"`
		}{proxyMetric{
			whole(p.IOPSRead), whole(p.IOPSWrite), whole(p.BytesRead), whole(p.BytesWrite),
			latency(p.IOPSRead, p.LatencyReadUsec), latency(p.IOPSWrite, p.LatencyWriteUsec),
		}, snap.ObservedAt.UTC()}
	})
}

func whole(f *float64) *int64 {
	if f == nil {
		return nil
	}
	return new(int64(math.Round(*f)))
}

// latency is 0.0 where there was no operation, as the storage proxy's clients
// expect it; here only. Unknown stays null.
func latency(operations, mean *float64) *usec {
	if mean == nil && operations != nil && *operations == 0 {
		return new(usec)
	}
	return (*usec)(mean)
}

func (a *API) hardwareInfo(ctx context.Context, r *http.Request) (answer, error) {
	v, err := a.volumeOf(r)
	if err != nil {
		return answer{}, err
	}
	return show(ctx, v.Health, func(snap cache.Snapshot[volume.Health]) any {
		metadata := snap.Value.Metadata
		if metadata == nil {
			metadata = map[string]string{}
		}
		return struct {
			Status   volume.Status     `json:"status"`
			Info     *string           `json:"status_info"`
			Metadata map[string]string `json:"metadata"`
		}{snap.Value.Status, orNull(snap.Value.Info), metadata}
	})
}

// maxUsageAge is how old numbers may be that are shown of a volume that cannot be
// asked now.
const maxUsageAge = 24 * time.Hour

// fileSystemUsage counts what is reserved for root as used, as the storage
// proxy does, so that capacity less used is what users can still write. Of a volume
// that cannot be asked now the last known numbers are shown, with their age: a
// manager asks this of every volume, and one error fails its whole list.
func (a *API) fileSystemUsage(ctx context.Context, r *http.Request) (answer, error) {
	v, err := a.volumeOf(r)
	if err != nil {
		return answer{}, err
	}
	snap, err := v.Usage.Get(ctx)
	if err != nil {
		last, known := v.Usage.Last()
		if !known || last.Age > maxUsageAge || errors.Is(err, volume.ErrUnsupported) {
			return answer{}, err
		}
		snap = last
		snap.Lookup = cache.Stale
	}
	ans := answer{}
	include(&ans, snap)
	ans.body = usageOf(snap.Value)
	return ans, nil
}

func usageOf(u *volume.Usage) any {
	used := u.UsedBytes
	if u.CapacityBytes != nil && u.AvailableBytes != nil && *u.CapacityBytes >= *u.AvailableBytes {
		used = new(*u.CapacityBytes - *u.AvailableBytes)
	}
	return struct {
		Capacity *uint64 `json:"capacity_bytes"`
		Used     *uint64 `json:"used_bytes"`
	}{u.CapacityBytes, used}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
