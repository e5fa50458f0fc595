package observed

import (
	"context"

	"storage_exporter/volume"
)

// wrong takes the place of a Backend whose name is not in the table, or whose options
// are wrong.
type wrong struct {
	why     error
	volumes []volume.Config
}

func (w wrong) Performance(context.Context) (map[string]volume.Result[volume.Performance], error) {
	return nil, volume.ErrUnsupported
}

func (w wrong) Health(context.Context) (map[string]volume.Result[volume.Health], error) {
	results := map[string]volume.Result[volume.Health]{}
	for _, cfg := range w.volumes {
		results[cfg.Name] = volume.Result[volume.Health]{Value: volume.Health{Status: volume.Unavailable, Info: w.why.Error(), Backend: cfg.Backend}}
	}
	return results, nil
}

func (w wrong) Usage(context.Context) (map[string]volume.Result[volume.Usage], error) {
	return nil, volume.ErrUnsupported
}

func (w wrong) Intervals() volume.Intervals { return volume.Intervals{} }
func (w wrong) Close() error                { return nil }
