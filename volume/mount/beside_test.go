package mount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// array is an appliance that says what it is told to.
type array struct {
	volume.Backend
	results map[string]volume.Result[volume.Health]
	err     error
	hangs   bool
}

func (a *array) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	if a.hangs {
		<-ctx.Done()
		return nil, fmt.Errorf("no answer: %w", ctx.Err())
	}
	return a.results, a.err
}

// healthBeside observes the volumes v and y (on an NFS mount), w (on ext4) and x (on
// no path at all) of an array.
func healthBeside(ctx context.Context, t *testing.T, a *array) (map[string]volume.Result[volume.Health], error) {
	t.Helper()
	tr := blocktest.New(t)
	tr.Write("nfs/volume/file", "")
	tr.Write("disk/file", "")
	root := tr.Path("")
	tr.Write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:50 / "+root+"/nfs rw - nfs4 nas:/export rw\n3 1 8:2 / "+root+"/disk rw - ext4 /dev/b rw\n")
	host := NewHost(Paths{Proc: filepath.Join(root, "proc"), Sys: root}, nil)
	kind := Beside(host, volume.Kind{New: func([]volume.Config, *slog.Logger) (volume.Backend, error) { return a, nil }}, "wekafs")
	b, err := kind.New([]volume.Config{
		{Name: "v", Path: root + "/nfs/volume"}, {Name: "w", Path: root + "/disk"}, {Name: "x"}, {Name: "y", Path: root + "/nfs/volume"},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b.Health(ctx)
}

// What nothing answers for is served where its mount answers.
func TestBesideSilent(t *testing.T) {
	silent := fmt.Errorf("array01: %w", context.DeadlineExceeded)
	for name, a := range map[string]*array{
		"the whole array": {err: silent},
		"each volume": {results: map[string]volume.Result[volume.Health]{
			"v": {Err: silent}, "w": {Err: silent}, "x": {Err: silent}, "y": {Value: volume.Health{Status: volume.Healthy}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := healthBeside(t.Context(), t, a)
			if err != nil {
				t.Fatal(err)
			}
			v := results["v"]
			if v.Err != nil || v.Value.Status != volume.Degraded || v.Value.Metadata["source"] != "nas:/export" {
				t.Errorf("%+v", v)
			}
			for _, part := range []string{"the management API does not answer (array01: ", "/nfs (nfs4) on "} {
				if !strings.Contains(v.Value.Info, part) {
					t.Errorf("%q does not say %q", v.Value.Info, part)
				}
			}
			if y := results["y"].Value; a.err == nil && y.Status != volume.Healthy {
				t.Errorf("an answer does not count: %+v", y)
			}
			for _, other := range []string{"w", "x"} {
				if r := results[other]; !errors.Is(r.Err, silent) {
					t.Errorf("%s: %+v", other, r)
				}
			}
		})
	}
}

// An answer counts, whatever the mount does; so does a refusal.
func TestBesideAnswers(t *testing.T) {
	down := volume.Health{Status: volume.Offline, Info: "the volume is restricted"}
	results, err := healthBeside(t.Context(), t, &array{results: map[string]volume.Result[volume.Health]{
		"v": {Value: down}, "w": {Err: rest.Absent("volume w")},
	}})
	if err != nil || results["v"].Value.Info != down.Info || !errors.Is(results["w"].Err, rest.ErrNotFound) {
		t.Errorf("%+v, %v", results, err)
	}
	refused := rest.Absent("cluster 7")
	if results, err := healthBeside(t.Context(), t, &array{err: refused}); !errors.Is(err, refused) {
		t.Errorf("%+v, %v", results, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if results, err := healthBeside(ctx, t, &array{hangs: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", results, err)
	}
}

// An array that uses up its time leaves enough to look at the mounts.
func TestBesideHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		results, err := healthBeside(ctx, t, &array{hangs: true})
		if v := results["v"]; err != nil || v.Value.Status != volume.Degraded || ctx.Err() != nil {
			t.Errorf("%+v, %v", results, err)
		}
	})
}
