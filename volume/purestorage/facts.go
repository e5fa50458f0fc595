package purestorage

import (
	"context"
	"errors"
	"strconv"
	"sync"

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

// about collects the facts, all at once, for one that is slow must not take the
// time of the others. One that cannot be had costs the others nothing; an error is
// about the array as a whole.
func (b *backend) about(ctx context.Context) (facts, error) {
	var f facts
	var errs [5]error
	var asking sync.WaitGroup
	asking.Go(func() { f.space, _, errs[0] = b.space.Get(ctx) })
	asking.Go(func() { f.array, _, errs[1] = b.array.Get(ctx) })
	asking.Go(func() { f.blades, _, errs[2] = b.blades.Get(ctx) })
	asking.Go(func() { f.hardware, _, errs[3] = b.hardware.Get(ctx) })
	asking.Go(func() { f.alerts, _, errs[4] = b.alerts.Get(ctx) })
	asking.Wait()
	for i, what := range []string{"redundancy", "array", "blades", "hardware", "alerts"} {
		switch err := errs[i]; {
		case err == nil:
		case errors.Is(err, context.Canceled), errors.Is(err, rest.ErrClosed),
			errors.Is(err, rest.ErrUnauthorized), errors.Is(err, rest.ErrThrottled):
			return f, err
		case rest.Refused(err):
			f.hidden = append(f.hidden, what)
		default:
			f.unknown = append(f.unknown, "the state of the "+what+" is not known: "+err.Error())
		}
	}
	return f, nil
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
		m["parity"] = strconv.FormatFloat(*p, 'g', -1, 64)
	}
	for _, what := range f.hidden {
		m[what] = "not shown to this account, or not known to this version of the API"
	}
	return m
}
