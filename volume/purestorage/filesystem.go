package purestorage

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"storage_exporter/volume/rest"
)

// mostNames is how many file systems one call asks for: their names are in its URL.
const mostNames = 100

// fileSystem is one of /file-systems. Sizes are in bytes.
type fileSystem struct {
	Name          rest.Text
	Provisioned   rest.Int // 0 and absent are unlimited
	Destroyed     rest.Flag
	TimeRemaining rest.Int  `json:"time_remaining"` // milliseconds until it is eradicated
	Promotion     rest.Text `json:"promotion_status"`
	Writable      rest.Flag
	Space         space
}

// space is how much of something is used.
type space struct {
	Virtual  rest.Int // as written by the clients
	Physical rest.Int `json:"total_physical"` // after reduction, with snapshots
	Total    rest.Int `json:"total_used"`     // the newer name of the same
}

// replaces is whether a file system counts instead of another of its name: one that
// is destroyed does not, and of two that stay the one with less room.
func (f fileSystem) replaces(other fileSystem) bool {
	if f.Destroyed.Value != other.Destroyed.Value {
		return other.Destroyed.Value
	}
	return f.usage(false).Tighter(other.usage(false))
}

// fetchFiles asks for the file systems that are configured, by name.
func (b *backend) fetchFiles(ctx context.Context) (map[string]fileSystem, error) {
	var asked []string
	for _, name := range b.names {
		if b.missing.of(object{fs: name}) == nil {
			asked = append(asked, name)
		}
	}
	files := map[string]fileSystem{}
	take := func(f fileSystem, _ *rest.Answer) {
		if other, known := files[f.Name.String()]; slices.Contains(asked, f.Name.String()) && (!known || f.replaces(other)) {
			files[f.Name.String()] = f
		}
	}
	for names := range slices.Chunk(asked, mostNames) {
		err := each(ctx, b.client, "file-systems", url.Values{"names": {strings.Join(names, ",")}}, take)
		if errors.Is(err, rest.ErrRejected) {
			return files, b.listFiles(ctx, asked, files, take)
		}
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// listFiles finds out, from the list of all, which of the names are not there.
func (b *backend) listFiles(ctx context.Context, asked []string, files map[string]fileSystem, take func(fileSystem, *rest.Answer)) error {
	if err := each(ctx, b.client, "file-systems", nil, take); err != nil {
		return err
	}
	for _, name := range asked {
		if _, ok := files[name]; !ok {
			b.missing.add(object{fs: name}, rest.Absent("file system %q", name))
		}
	}
	return nil
}

// find returns a volume's file system.
func find(files map[string]fileSystem, o options) (fileSystem, error) {
	f, ok := files[o.fs]
	if !ok {
		return f, rest.Absent("file system %q", o.fs)
	}
	return f, nil
}
