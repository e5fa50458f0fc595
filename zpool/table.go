package zpool

import (
	"fmt"
	"regexp"
	"strings"

	"storage_exporter/internal/outside"
)

// configTable reads the table of vdevs: a header NAME STATE READ WRITE CKSUM,
// then a row each, two blanks deeper than its parent's, and headings of groups.
type configTable struct {
	header  bool
	state   int // where the column STATE begins, in bytes after the tab
	counts  int // how many columns of counters there are
	started bool
	role    Role
	vdevs   []Vdev
	// open has, for each depth, the vdev whose children may follow.
	open []int
}

var (
	// cells takes a row from the column STATE on.
	cells = regexp.MustCompile(`^([A-Z][A-Z_]+)(?:\s+(.*))?$`)
	// wholeRow takes a row whose columns are not below the header's; of names
	// that look like cells the last one counts.
	wholeRow = regexp.MustCompile(`^(.*\S)\s+([A-Z][A-Z_]+)((?:\s+(?:-|[0-9.]+[KMGTPEZ]?)){3,4}(?:\s.*)?)$`)
	spareRow = regexp.MustCompile(`^(.*\S)\s+(AVAIL|INUSE|UNAVAIL|FAULTED|REMOVED)((?:\s.*)?)$`)
	wasPath  = regexp.MustCompile(`\bwas (/.*)$`)
)

func (t *configTable) row(line string) error {
	line, tabbed := strings.CutPrefix(line, "\t")
	if !tabbed || strings.TrimSpace(line) == "" {
		return nil
	}
	if !t.header {
		t.header = true
		t.state = strings.Index(line, "STATE")
		t.counts = 3
		if strings.Contains(line, " SLOW") {
			t.counts = 4
		}
		t.role = Data
		return nil
	}
	depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
	if role, ok := roleOf[strings.TrimSpace(line)]; ok && depth == 0 {
		t.role, t.open = role, nil
		return nil
	}
	name, state, rest, ok := t.split(line)
	if !ok {
		return nil
	}
	if depth == 0 {
		t.open = nil // the pool itself, or what has no heading of its own
		if !t.started {
			t.started = true
			return nil
		}
	}
	return t.add(depth, name, state, rest)
}

// split finds the row's name, state and what follows it.
func (t *configTable) split(line string) (name, state, rest string, ok bool) {
	if t.state > 0 && len(line) > t.state && line[t.state-1] == ' ' {
		if m := cells.FindStringSubmatch(line[t.state:]); m != nil {
			return strings.TrimSpace(line[:t.state]), m[1], m[2], true
		}
	}
	if m := wholeRow.FindStringSubmatch(line); m != nil {
		return strings.TrimSpace(m[1]), m[2], m[3], true
	}
	if m := spareRow.FindStringSubmatch(line); m != nil && t.role == Spare {
		return strings.TrimSpace(m[1]), m[2], m[3], true
	}
	return "", "", "", false
}

func (t *configTable) add(depth int, name, state, rest string) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: vdevs deeper than %d", ErrBadOutput, maxDepth)
	}
	v := Vdev{Name: outside.Text(name), State: state, Role: t.role}
	v.Top = v.Name
	// Below the pool's row and the headings the depth is one.
	level := max(depth-1, 0)
	t.open = t.open[:min(level, len(t.open))]
	if n := len(t.open); n > 0 {
		parent := &t.vdevs[t.open[n-1]]
		parent.Leaf = false
		parent.Type = groupType(parent.Name)
		v.Parent, v.Top = parent.Name, parent.Top
	}
	var words []string
	if counts, note, ok := t.counters(rest); ok {
		v.ReadErrors, v.WriteErrors, v.ChecksumErrors = counts[0], counts[1], counts[2]
		if t.counts == 4 {
			v.SlowIOs = counts[3]
		}
		words = note
	} else {
		words = strings.Fields(rest)
	}
	v.Note = outside.Text(strings.Join(words, " "))
	switch {
	case strings.HasPrefix(v.Name, "/"):
		v.Path = v.Name
	case guid(v.Name) != "":
		v.ID, v.NotPresent = v.Name, true
		if m := wasPath.FindStringSubmatch(v.Note); m != nil {
			v.Path = outside.Text(m[1])
		}
	}
	v.Leaf = !groupName.MatchString(v.Name)
	if !v.Leaf {
		v.Type = groupType(v.Name)
	}
	t.open = append(t.open, len(t.vdevs))
	t.vdevs = append(t.vdevs, v)
	return nil
}

// counters reads the columns of numbers and returns the words behind them.
func (t *configTable) counters(rest string) (counts [4]*uint64, note []string, ok bool) {
	words := strings.Fields(rest)
	if len(words) < t.counts {
		return counts, nil, false
	}
	for i, w := range words[:t.counts] {
		counts[i] = parseCount(w)
		if counts[i] == nil && w != "-" {
			return counts, nil, false
		}
	}
	return counts, words[t.counts:], true
}

// groupType is the type of a group by its name, empty for one of another kind.
func groupType(name string) string {
	if m := groupName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}
