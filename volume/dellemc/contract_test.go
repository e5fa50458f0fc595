package dellemc

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// missing is a path that the contract takes for one that is not there.
const missing = "/ifs/nowhere"

// knowing is the backend of a cluster that tells whether a path is there, which
// OneFS does not: the Platform API has no call for it. So the contract's check of
// such a volume looks only at the volumes beside it.
type knowing struct {
	volume.Backend
	lost []string
}

func kindThatKnows(dial rest.Dialer) volume.Kind {
	kind := Kind(dial)
	return volume.Kind{Identify: kind.Identify, New: func(volumes []volume.Config, logger *slog.Logger) (volume.Backend, error) {
		b, err := kind.New(volumes, logger)
		k := knowing{Backend: b}
		for _, cfg := range volumes {
			if cfg.Options["dell_ifs_path"] == missing {
				k.lost = append(k.lost, cfg.Name)
			}
		}
		return k, err
	}}
}

func lose[T any](k knowing, results map[string]volume.Result[T], err error) (map[string]volume.Result[T], error) {
	for _, name := range k.lost {
		if err == nil {
			results[name] = volume.Result[T]{Err: rest.Absent("path")}
		}
	}
	return results, err
}

func (k knowing) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	results, err := k.Backend.Performance(ctx)
	return lose(k, results, err)
}

func (k knowing) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	results, err := k.Backend.Health(ctx)
	return lose(k, results, err)
}

func (k knowing) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	results, err := k.Backend.Usage(ctx)
	return lose(k, results, err)
}

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind:  kindThatKnows,
		Start: startPAPI,
		Want: func(i int) volumetest.Want {
			w := volumetest.Want{
				Performance: volume.Performance{
					IOPSRead: new(6000.0), IOPSWrite: new(1200.0), BytesRead: new(5305794560.0), BytesWrite: new(314572800.0),
					LatencyReadUsec: new(500.0), LatencyWriteUsec: new(900.0),
				},
				Usage: volume.Usage{CapacityBytes: new(uint64(300000)), UsedBytes: new(uint64(120000)), AvailableBytes: new(uint64(171000))},
			}
			if i%2 == 0 {
				w.Usage = volume.Usage{
					CapacityBytes: new(uint64(5000 + i)), UsedBytes: new(uint64(1000)), AvailableBytes: new(uint64(4000 + i)), InodesUsed: new(uint64(42 + i)),
				}
			}
			return w
		},
		Calls: func(volumes int) volumetest.Calls {
			quotas := volumes
			if volumes > maxSingleQuotas {
				quotas = (volumes + emulatedPage - 1) / emulatedPage
			}
			return volumetest.Calls{Performance: 1, Health: 4, Usage: 1 + quotas}
		},
		Required:  []string{"dell_endpoint", "dell_username", "dell_password", "dell_ifs_path"},
		VerifyKey: "dell_verify_ssl",
		States:    []string{"information"},
		Lose:      func(options map[string]any) { options["dell_ifs_path"] = missing },
		Login:     func(r *http.Request) bool { return r.URL.Path == sessionPath && r.Method == http.MethodPost },
		Logout:    func(r *http.Request) bool { return r.URL.Path == sessionPath && r.Method == http.MethodDelete },
	})
}
