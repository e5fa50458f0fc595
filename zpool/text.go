package zpool

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"storage_exporter/internal/outside"
)

// field takes the lines that begin a field, aligned to the right, as in
// "  pool: tank"; what continues one begins with a tab.
var field = regexp.MustCompile(`^ {0,10}([a-z]+):(?: (.*))?$`)

// parseText reads what `zpool status -P -p` prints. guids is the same with -g,
// which has guids in place of names; where it is empty or of other vdevs, the
// IDs are made of names. Both are hostile.
func parseText(b, guids []byte) ([]Pool, error) {
	pools, err := readText(b)
	if err != nil {
		return nil, err
	}
	if len(guids) > 0 {
		if numbered, err := readText(guids); err == nil {
			takeGUIDs(pools, numbered)
		}
	}
	return normalize(pools)
}

// sameVdevs says whether guids is of the same vdevs as b.
func sameVdevs(b, guids []byte) bool {
	pools, err := readText(b)
	if err != nil {
		return false
	}
	numbered, err := readText(guids)
	return err == nil && takeGUIDs(pools, numbered)
}

// takeGUIDs takes the IDs of the pools' vdevs from those of the same pools with
// guids for names, and says whether all had theirs.
func takeGUIDs(pools, numbered []Pool) bool {
	byName := make(map[string]*Pool)
	for i := range numbered {
		byName[numbered[i].Name] = &numbered[i]
	}
	all := true
	for i := range pools {
		p, n := &pools[i], byName[pools[i].Name]
		if n == nil || !sameShape(p.Vdevs, n.Vdevs) {
			all = false
			continue
		}
		for j := range p.Vdevs {
			p.Vdevs[j].ID = guid(n.Vdevs[j].Name)
		}
	}
	return all
}

// sameShape says whether two tables are of the same vdevs, by their places.
func sameShape(named, numbered []Vdev) bool {
	if len(named) != len(numbered) {
		return false
	}
	parents := make(map[string]string, len(named))
	for i := range named {
		a, b := &named[i], &numbered[i]
		if guid(b.Name) == "" || a.Role != b.Role || a.Leaf != b.Leaf || parents[a.Parent] != b.Parent {
			return false
		}
		parents[a.Name] = b.Name
	}
	return true
}

// readText reads the pools as they are printed.
func readText(b []byte) ([]Pool, error) {
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, fmt.Errorf("%w: it breaks off", ErrBadOutput)
	}
	r := textReader{}
	for line := range bytes.Lines(b) {
		if err := r.line(strings.TrimRight(string(line), "\r\n")); err != nil {
			return nil, err
		}
	}
	r.endField()
	if len(r.pools) == 0 {
		return nil, fmt.Errorf("%w: no pool in it", ErrBadOutput)
	}
	return r.pools, nil
}

// textReader reads line by line. What it does not know it passes over.
type textReader struct {
	pools []Pool
	name  string   // the field under way, empty before the first
	lines []string // its text so far
	table configTable
	vdevs int // of the pools before
}

func (r *textReader) line(line string) error {
	m := field.FindStringSubmatch(line)
	if m == nil {
		switch {
		case r.name == "config":
			if err := r.table.row(line); err != nil {
				return err
			}
			if r.vdevs+len(r.table.vdevs) > maxVdevs {
				return fmt.Errorf("%w: more than %d vdevs", ErrBadOutput, maxVdevs)
			}
		case r.name != "" && len(r.lines) < 32:
			r.lines = append(r.lines, line)
		}
		return nil
	}
	r.endField()
	r.name, r.lines = m[1], []string{m[2]}
	if r.name != "pool" {
		return nil
	}
	if len(r.pools) == maxPools {
		return fmt.Errorf("%w: more than %d pools", ErrBadOutput, maxPools)
	}
	r.pools = append(r.pools, Pool{Name: outside.Text(m[2])})
	return nil
}

var dataErrors = regexp.MustCompile(`^(\d+) data errors?\b`)

// endField takes what the field under way said.
func (r *textReader) endField() {
	if len(r.pools) == 0 {
		return
	}
	p := &r.pools[len(r.pools)-1]
	text := oneLine(strings.Join(r.lines, " "))
	switch r.name {
	case "state":
		p.State = outside.Text(text)
	case "status":
		p.Status = outside.Text(text)
	case "action":
		p.Action = outside.Text(text)
	case "scan", "scrub":
		// A rebuild of a vdev has a line of its own beside that of the last scrub.
		p.Scan = current(p.Scan, textScan(text))
	case "config":
		p.Vdevs = r.table.vdevs
		r.vdevs += len(p.Vdevs)
		r.table = configTable{}
	case "errors":
		if m := dataErrors.FindStringSubmatch(text); m != nil {
			if n, err := strconv.ParseUint(m[1], 10, 64); err == nil {
				p.DataErrors = &n
			}
		} else if text == "No known data errors" {
			p.DataErrors = new(uint64)
		}
	}
	r.name, r.lines = "", nil
}
