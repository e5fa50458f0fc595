package mount

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"

	"storage_exporter/volume"
)

// The types of file systems by which clients mount what appliances serve.
var network = []string{"nfs", "nfs4", "cifs", "smb3"}

// Beside is the kind of an appliance whose volumes may also be mounted on this
// host. While its API answers, only that counts. When the API does not answer but
// the mount at a volume's path does, data is still served: the volume is degraded
// instead of offline. own is the vendor's own type of file system, if it has one. A
// path on any type but that, NFS or SMB says nothing about the volume.
func Beside(host *Host, kind volume.Kind, own ...string) volume.Kind {
	inner := kind.New
	kind.New = func(volumes []volume.Config, logger *slog.Logger) (volume.Backend, error) {
		backend, err := inner(volumes, logger)
		if err != nil {
			return nil, err
		}
		b := &beside{Backend: backend, types: append(own, network...), volumes: volumes, points: map[string]*Point{}}
		for _, cfg := range volumes {
			if path.IsAbs(cfg.Path) && b.points[cfg.Path] == nil {
				b.points[cfg.Path] = host.NewPoint(cfg.Path, cfg.PerformanceInterval)
			}
		}
		return b, nil
	}
	return kind
}

// beside is an appliance with what this host sees of its volumes.
type beside struct {
	volume.Backend
	types   []string
	volumes []volume.Config
	points  map[string]*Point // by the volumes' paths
}

// Health asks the appliance, and the mounts of the volumes for which it did not
// answer.
func (b *beside) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	within, cancel := WithMargin(ctx)
	defer cancel()
	results, err := b.Backend.Health(within)
	if ctx.Err() != nil {
		return results, err
	}
	if err != nil {
		results = make(map[string]volume.Result[volume.Health], len(b.volumes))
		for _, v := range b.volumes {
			results[v.Name] = volume.Result[volume.Health]{Err: err}
		}
	}
	silent := map[string]*Point{} // by path
	for _, v := range b.volumes {
		if point := b.points[v.Path]; point != nil && unanswered(results[v.Name].Err) {
			silent[v.Path] = point
		}
	}
	if len(silent) == 0 {
		return results, err
	}
	seen := AtOnce(silent, func(p *Point) State { return p.Look(ctx) })
	all := make(map[string]volume.Result[volume.Health], len(results))
	maps.Copy(all, results)
	for _, v := range b.volumes {
		state, looked := seen[v.Path]
		served := looked && state.Err == nil && slices.Contains(b.types, state.Mount.FSType)
		if why := results[v.Name].Err; served && unanswered(why) {
			all[v.Name] = volume.Result[volume.Health]{Value: blind(why, state)}
		}
	}
	return all, nil
}

func unanswered(err error) bool {
	if err == nil {
		return false
	}
	status, _ := volume.Diagnose(err)
	return status == volume.Offline
}

// blind is the health of a volume whose mount answers while its API does not.
func blind(err error, state State) volume.Health {
	_, info := volume.Diagnose(err)
	name, nameErr := os.Hostname()
	if nameErr != nil {
		name = "this host"
	}
	return volume.Health{
		Status: volume.Degraded,
		Info: fmt.Sprintf("the management API does not answer (%s), but the mount at %s (%s) on %s does",
			info, state.Mount.Point, cmp.Or(state.Mount.FSType, "unknown"), name),
		Metadata: state.metadata(),
	}
}
