package mount

import (
	"math"
	"math/bits"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
)

// Usage is how full the file system is.
func (s State) Usage(want Want) (volume.Usage, error) {
	if err := want.Check(s.Path, s.Mount); s.Real != "" && err != nil {
		return volume.Usage{}, err
	}
	if s.Err != nil {
		return volume.Usage{}, s.inWords()
	}
	u := usage(s.FS)
	if u.CapacityBytes == nil {
		return u, Unsupported("%s at %s does not report its size", s.Mount.FSType, s.Mount.Point)
	}
	return u, nil
}

// usage reads statfs. Used is what is not free, root's reserve included, as df
// shows it. Figures that contradict each other are left out.
func usage(fs unix.Statfs_t) volume.Usage {
	var u volume.Usage
	unit := fs.Frsize // Linux counts blocks in fragments; zero on old file systems
	if unit <= 0 {
		unit = fs.Bsize
	}
	if unit <= 0 || fs.Blocks == 0 {
		return u
	}
	u.CapacityBytes = bytesOf(fs.Blocks, unit)
	if fs.Bfree <= fs.Blocks && u.CapacityBytes != nil {
		u.UsedBytes = bytesOf(fs.Blocks-fs.Bfree, unit)
	}
	if fs.Bavail <= fs.Blocks && u.CapacityBytes != nil {
		u.AvailableBytes = bytesOf(fs.Bavail, unit)
	}
	// Without a fixed number of inodes file systems say 0, or all ones.
	if fs.Files > 0 && fs.Files != math.MaxUint64 && fs.Ffree <= fs.Files {
		u.Inodes, u.InodesUsed = new(fs.Files), new(fs.Files-fs.Ffree)
	}
	return u
}

// bytesOf is nil where the product does not fit.
func bytesOf(blocks uint64, unit int64) *uint64 {
	high, low := bits.Mul64(blocks, uint64(unit))
	if high != 0 {
		return nil
	}
	return &low
}
