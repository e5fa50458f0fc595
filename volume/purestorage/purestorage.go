// Package purestorage has the backend for file systems of a Pure Storage
// FlashBlade, by its REST API 1.x and 2.x. It only ever reads.
package purestorage

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	// The array samples every 30 s, and its vendor asks for no more than that.
	sampling = 30 * time.Second
	// A sample that is older says nothing about now.
	oldest = 3 * sampling
	// What health and usage both need is asked for once.
	moment = 25 * time.Second
	// What breaks seldom is asked for seldom; when it cannot be asked, the last
	// answer serves for a while.
	seldom, atLongest = 3 * time.Minute, 10 * time.Minute
)

// Kind is the backend; dial is nil for the network.
func Kind(dial rest.Dialer) volume.Kind {
	kind := rest.Kind(dial, readOptions, options.identity, newBackend)
	kind.TellsReadOnly = true
	return kind
}

// backend observes the file systems of one array.
type backend struct {
	volumes  map[string]options // by the volume's name
	names    []string           // of the file systems, each once
	objects  []object           // whose performance is asked for, those of one protocol together
	begin    atomic.Int64       // which of them the next round asks for first
	endpoint string
	client   *client

	files    *rest.Memo[map[string]fileSystem]
	space    *rest.Memo[arraySpace]
	array    *rest.Memo[array]
	blades   *rest.Memo[[]component]
	hardware *rest.Memo[[]component]
	alerts   *rest.Memo[[]alert]

	missing    *refusals // file systems that are not there
	unmeasured *refusals // objects of which there is no performance
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	b := &backend{volumes: volumes, endpoint: shared.access.Endpoint(), missing: newRefusals(), unmeasured: newRefusals()}
	names, objects := map[string]bool{}, map[object]bool{}
	for _, o := range volumes {
		names[o.fs], objects[object{o.fs, o.protocol}] = true, true
	}
	b.names = slices.Sorted(maps.Keys(names))
	b.objects = slices.SortedFunc(maps.Keys(objects), func(x, y object) int {
		return cmp.Or(strings.Compare(x.protocol, y.protocol), strings.Compare(x.fs, y.fs))
	})
	var err error
	if b.client, err = newClient(shared, dial, logger); err != nil {
		return nil, err
	}
	b.files = rest.NewMemo(moment, 0, b.fetchFiles)
	b.space = rest.NewMemo(moment, 0, b.client.arraySpace)
	b.array = rest.NewMemo(seldom, atLongest, b.client.array)
	b.blades = rest.NewMemo(seldom, atLongest, b.client.blades)
	b.hardware = rest.NewMemo(seldom, atLongest, b.client.hardware)
	b.alerts = rest.NewMemo(seldom, atLongest, b.client.alerts)
	return b, nil
}

// Intervals are those of the array's own samples.
func (b *backend) Intervals() volume.Intervals {
	return volume.Intervals{Performance: sampling, Health: sampling, Usage: sampling}
}

// Close logs out: an array has few places for sessions.
func (b *backend) Close() error { return b.client.Close() }
