package purestorage

import (
	"context"
	"errors"
	"strconv"

	"storage_exporter/volume/rest"
)

// facts is what is known of the array beside its file systems.
type facts struct {
	space    arraySpace
	array    array
	blades   []component
	hardware []component
	alerts   []alert

	unknown []string // what could not be asked now, and why
	hidden  []string // what the account or the API's version does not show
}

// about collects the facts. One that cannot be had costs the others nothing.
func (b *backend) about(ctx context.Context) (facts, error) {
	var f facts
	var err error
	f.space = known(ctx, &f, &err, "redundancy", b.space)
	f.array = known(ctx, &f, &err, "array", b.array)
	f.blades = known(ctx, &f, &err, "blades", b.blades)
	f.hardware = known(ctx, &f, &err, "hardware", b.hardware)
	f.alerts = known(ctx, &f, &err, "alerts", b.alerts)
	return f, err
}

// known gets one fact. An error that is about the array as a whole ends it all.
func known[T any](ctx context.Context, f *facts, whole *error, what string, m *rest.Memo[T]) T {
	var none T
	if *whole != nil {
		return none
	}
	v, _, err := m.Get(ctx)
	switch {
	case err == nil:
		return v
	case ctx.Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, rest.ErrClosed),
		errors.Is(err, rest.ErrUnauthorized), errors.Is(err, rest.ErrThrottled):
		*whole = err
	case refused(err):
		f.hidden = append(f.hidden, what)
	default:
		f.unknown = append(f.unknown, "the state of the "+what+" is not known: "+err.Error())
	}
	return none
}

// metadata is what the array is.
func (f facts) metadata(endpoint string) map[string]string {
	m := map[string]string{"performance_scope": "volume", "console_url": endpoint}
	for key, v := range map[string]rest.Text{
		"id": f.array.ID, "name": f.array.Name, "os": f.array.OS, "revision": f.array.Revision, "version": f.array.Version,
	} {
		if v != "" {
			m[key] = rest.Clean(v.String(), 100)
		}
	}
	if len(f.blades) > 0 {
		m["blade_count"] = strconv.Itoa(len(f.blades))
	}
	if p := f.space.Parity.Amount(); p != nil {
		m["parity"] = strconv.FormatFloat(*p, 'g', 6, 64)
	}
	for _, what := range f.hidden {
		m[what] = "not shown to this account, or not known to this version of the API"
	}
	return m
}
