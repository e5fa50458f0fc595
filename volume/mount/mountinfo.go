package mount

import (
	"bufio"
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"storage_exporter/block"
)

// Mount is one line of mountinfo, its escapes undone.
type Mount struct {
	Device  string   // major:minor; 0:N where no single block device is below
	Root    string   // what of the file system is mounted: "/" or a bind mount's directory
	Point   string   // where, as the host sees it
	Options []string // of this mount
	FSType  string
	Source  string
	Super   []string // options of the file system

	id, parent int
	// through is whether we reach it by a mount of our own, such as the host's root
	// mounted in our container: what statfs says of that is not true of the host's.
	through bool
	// listed is the mount point as the kernel printed it for the process whose
	// table this is; mountstats uses the same name.
	listed string
}

// ReadOnly is whether the mount or its file system is read-only.
func (m Mount) ReadOnly() bool {
	return slices.Contains(m.Options, "ro") || slices.Contains(m.Super, "ro") ||
		slices.Contains(m.Super, "emergency_ro")
}

// HasOption is whether the file system has one of these options.
func (m Mount) HasOption(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(m.Super, name) })
}

// option returns the value of key=value among the file system's options.
func (m Mount) option(key string) string {
	for _, option := range m.Super {
		if name, value, ok := strings.Cut(option, "="); ok && name == key {
			return value
		}
	}
	return ""
}

// Table is the mounts in the order of the kernel: a later one hides an earlier
// one of the same mount point.
type Table []Mount

// Covering returns the mount that the clean absolute path lies on, by its name
// alone: symbolic links are not looked at. It is the longest mount point that is
// not hidden below another mount, and of equal ones the one on top.
func (t Table) Covering(name string) (Mount, bool) {
	var over Table
	for _, m := range t {
		if within(name, m.Point) {
			over = append(over, m)
		}
	}
	if len(over) == 0 {
		return Mount{}, false
	}
	// The longest first, and of equal ones the last.
	slices.Reverse(over)
	slices.SortStableFunc(over, func(a, b Mount) int { return len(b.Point) - len(a.Point) })
	for _, m := range over {
		if over.onTop(m) && over.attached(m) {
			return m, true
		}
	}
	return over[0], true // a table that contradicts itself
}

// onTop is whether nothing is mounted over m's whole mount point.
func (t Table) onTop(m Mount) bool {
	return !slices.ContainsFunc(t, func(n Mount) bool {
		return n.id != m.id && n.parent == m.id && n.Point == m.Point
	})
}

// attached is whether m can be reached: a mount of the same parent at a directory
// above hides it, and so does what hides its parent. The way up is bounded, for
// the parents of a damaged table may go round in a circle.
func (t Table) attached(m Mount) bool {
	for range 128 {
		hidden := slices.ContainsFunc(t, func(n Mount) bool {
			return n.id != m.id && n.parent == m.parent && n.Point != m.Point && within(m.Point, n.Point)
		})
		if hidden {
			return false
		}
		up := slices.IndexFunc(t, func(n Mount) bool { return n.id == m.parent && n.id != m.id })
		if up < 0 {
			return true
		}
		m = t[up]
	}
	return true
}

// within is whether name is dir or lies below it.
func within(name, dir string) bool {
	if dir == "/" {
		return strings.HasPrefix(name, "/")
	}
	rest, ok := strings.CutPrefix(name, dir)
	return ok && (rest == "" || rest[0] == '/')
}

// parseMountinfo reads what it understands: prometheus/procfs refuses the whole
// file for one odd line, which would blind us to every mount. root is where the
// host's root is mounted when we run in a container, else "/".
func parseMountinfo(content []byte, root string) Table {
	var table Table
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if m, ok := parseMountinfoLine(lines.Text()); ok {
			table = append(table, m)
		}
	}
	return table.seenFrom(path.Clean("/" + root))
}

// seenFrom turns a container's table into the host's: what is mounted below
// root. A table that does not know root as a mount point is the host's already.
func (t Table) seenFrom(root string) Table {
	if root == "/" {
		return t
	}
	for i := range t {
		t[i].through = true
	}
	if !slices.ContainsFunc(t, func(m Mount) bool { return m.Point == root }) {
		return t
	}
	var host Table
	for _, m := range t {
		if within(m.Point, root) {
			m.Point = path.Clean("/" + strings.TrimPrefix(m.Point, root))
			// The host's root is often given to a container read-only: that is
			// no property of the host's mount. Its file system's options are.
			m.Options = slices.DeleteFunc(m.Options, func(o string) bool { return o == "ro" || o == "rw" })
			host = append(host, m)
		}
	}
	return host
}

// outside is the table as it is outside of the namespace that a service manager has
// given to us, where the host's is that of process 1. Such a namespace has the same
// root; what is mounted there once more, to make it read-only, is not mounted on the
// host. What only we have stays: it is what our calls reach.
func (t Table) outside(host Table) Table {
	ours, _ := t.Covering("/")
	if root, ok := host.Covering("/"); !ok || !ours.same(root) {
		return t
	}
	type place struct{ device, root, point string }
	known := make(map[place]Mount, len(host))
	for _, m := range host {
		known[place{m.Device, m.Root, m.Point}] = m
	}
	var seen Table
	for _, m := range t {
		if n, ok := known[place{m.Device, m.Root, m.Point}]; ok {
			m.Options, m.through = n.Options, true
		} else if n, ok := host.Covering(m.Point); ok && m.same(n) {
			continue
		}
		seen = append(seen, m)
	}
	return seen
}

// parseMountinfoLine splits `id parent maj:min root point options [tag]… - fstype source super`.
func parseMountinfoLine(line string) (Mount, bool) {
	front, back, ok := strings.Cut(line, " - ")
	if !ok {
		return Mount{}, false
	}
	fields, file := strings.Split(front, " "), strings.SplitN(back, " ", 3)
	if len(fields) < 6 || len(file) < 2 {
		return Mount{}, false
	}
	point := unescape(fields[4])
	id, err := strconv.Atoi(fields[0])
	parent, err2 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil || !block.IsNumber(fields[2]) || !strings.HasPrefix(point, "/") {
		return Mount{}, false
	}
	m := Mount{
		Device: fields[2], Root: unescape(fields[3]), Point: path.Clean(point), Options: strings.Split(fields[5], ","),
		FSType: file[0], Source: unescape(file[1]), id: id, parent: parent, listed: point,
	}
	if len(file) == 3 {
		m.Super = strings.Split(unescape(file[2]), ",")
	}
	return m, true
}

// unescape undoes the kernel's \ooo for space, tab, newline, backslash and hash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if code, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
