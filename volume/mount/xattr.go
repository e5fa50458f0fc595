package mount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/hang"
)

// maxXattr bounds the value of an extended attribute, in bytes.
const maxXattr = 4 << 10

// Xattrs reads extended attributes of the path, each by its name, within the
// guard, and returns how long the slowest of them took. One that is not set, or
// that the file system does not know, is left out.
func (p *Point) Xattrs(ctx context.Context, names ...string) (values map[string]string, slowest time.Duration, err error) {
	ctx, cancel := WithMargin(ctx)
	defer cancel()
	at, _, err := p.locate(ctx)
	if err != nil {
		return nil, 0, err
	}
	local := p.host.Path(at.real)
	answer, err := hang.Do(ctx, p.host.guard, at.mount.Device, func() (xattrs, error) { return readXattrs(local, names) })
	return answer.values, answer.slowest, err
}

type xattrs struct {
	values  map[string]string
	slowest time.Duration
}

func readXattrs(path string, names []string) (xattrs, error) {
	answer := xattrs{values: map[string]string{}}
	buffer := make([]byte, maxXattr)
	for _, name := range names {
		begun := time.Now()
		n := 0
		err := uninterrupted(func() (err error) {
			n, err = unix.Getxattr(path, name, buffer)
			return err
		})
		answer.slowest = max(answer.slowest, time.Since(begun))
		switch {
		case err == nil:
			answer.values[name] = string(buffer[:n])
		case !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EOPNOTSUPP):
			return xattrs{}, fmt.Errorf("getxattr %s: %w", name, err)
		}
	}
	return answer, nil
}
