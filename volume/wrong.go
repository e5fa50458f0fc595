package volume

import "context"

// wrong stands in for a Backend that cannot be: its name is not in the table, or
// its options make no sense.
type wrong struct {
	why     error
	volumes []Config
}

func (w wrong) Performance(context.Context) (map[string]Result[Performance], error) {
	return nil, ErrUnsupported
}

func (w wrong) Health(context.Context) (map[string]Result[Health], error) {
	results := map[string]Result[Health]{}
	for _, cfg := range w.volumes {
		results[cfg.Name] = Result[Health]{Value: Health{Status: Unavailable, Info: w.why.Error(), Backend: cfg.Backend}}
	}
	return results, nil
}

func (w wrong) Usage(context.Context) (map[string]Result[Usage], error) {
	return nil, ErrUnsupported
}

func (w wrong) Intervals() Intervals { return Intervals{} }
func (w wrong) Close() error         { return nil }
