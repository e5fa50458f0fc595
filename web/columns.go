package web

import (
	"hash/maphash"
	"maps"
	"slices"
)

// maxColumns bounds the columns of an enclosure.
const maxColumns = 100

// CheckColumns says what is wrong with the columns of an enclosure.
func CheckColumns(n int, wrong func(key, format string, args ...any)) {
	if n < 1 || n > maxColumns {
		wrong("columns", "must be 1 to %d, and is %d", maxColumns, n)
	}
}

// Columns are those that the operator gives enclosures, by their ids. It never changes.
type Columns struct {
	by     map[string]int
	digest uint64
}

var seed = maphash.MakeSeed()

// NewColumns takes the columns by the enclosures' ids.
func NewColumns(by map[string]int) *Columns {
	c := &Columns{by: maps.Clone(by)}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		c.digest = maphash.Comparable(seed, [3]any{c.digest, id, by[id]})
	}
	return c
}

// of is how many columns an enclosure of so many slots has; c may be nil.
func (c *Columns) of(id string, slots int) int {
	if c != nil {
		if n, given := c.by[id]; given {
			return n
		}
	}
	return usualColumns(slots)
}

// usualColumns are up to 13, as many as make full rows.
func usualColumns(slots int) int {
	const least, most = 7, 13
	if slots <= most {
		return max(slots, 1)
	}
	best, left := most, most
	for n := most; n >= least; n-- {
		if empty := (n - slots%n) % n; empty < left {
			best, left = n, empty
		}
	}
	return best
}

// mark distinguishes the columns from others.
func (c *Columns) mark() uint64 {
	if c == nil {
		return 0
	}
	return c.digest
}
