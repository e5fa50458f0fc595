package ddn

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"storage_exporter/internal/outside"
	"storage_exporter/volume/mount"
)

// target is a part of a file system, a server's disk: an OST has data, an MDT
// names. The client holds a connection ("import") to each.
type target struct {
	name  string // exa1-OST0002
	state string // as the kernel says it; "" when it cannot be read
	// since is when the connection was lost, if it is and the kernel says so.
	since time.Time
	// dirs are the target's directories in the roots, of each mount.
	dirs []string
}

// metadata is whether it is an MDT.
func (t target) metadata() bool {
	_, short := cutLast(t.name, "-") // the file system's name may have anything in it
	return strings.HasPrefix(short, "MDT")
}

// known is whether the state could be read.
func (t target) known() bool { return t.state != "" }

// connected is whether the target serves this client. IDLE was given up for lack
// of use, and comes back with it.
func (t target) connected() bool { return t.state == "FULL" || t.state == "IDLE" }

// lost are the states of a connection that does not serve.
var lost = []string{"CLOSED", "NEW", "DISCONN", "CONNECTING", "REPLAY", "REPLAY_LOCKS", "REPLAY_WAIT", "RECOVER", "EVICTED"}

// down is whether the target surely does not serve this client; a state that
// nobody knows is neither that nor connected.
func (t target) down() bool { return slices.Contains(lost, t.state) }

// targets are those of a file system, by name. A target that several mounts have
// is as bad as with the worst of them.
func (c client) targets(fsname string) []target {
	found := map[string]target{}
	for _, kind := range []string{"osc", "mdc"} {
		for _, root := range c.roots {
			dirs, err := outside.Names(filepath.Join(root, kind), maxNames)
			if err != nil {
				continue
			}
			for _, dir := range dirs {
				name, ok := targetOf(dir, fsname, kind)
				if !ok {
					continue
				}
				t, known := found[name]
				t.name = name
				t.dirs = append(t.dirs, filepath.Join(root, kind, dir))
				if state, since, ok := importOf(filepath.Join(root, kind, dir)); ok {
					if now := (target{state: state, since: since}); !known || t.state == "" || t.connected() && !now.connected() {
						t.state, t.since = now.state, now.since
					}
				}
				found[name] = t
			}
		}
	}
	list := make([]target, 0, len(found))
	for _, t := range found {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b target) int { return strings.Compare(a.name, b.name) })
	return list
}

var targetName = regexp.MustCompile(`^(OST|MDT)[0-9a-fA-F]{4}$`)

// targetOf takes the target's name from a directory such as
// exa1-OST0002-osc-ffff8f35a3d3a800. A metadata server has its own connections
// to the OSTs, in directories with another end: they are not a client's.
func targetOf(dir, fsname, kind string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, fsname+"-")
	if !ok {
		return "", false
	}
	name, mountID, ok := strings.Cut(rest, "-"+kind+"-")
	return fsname + "-" + name, ok && targetName.MatchString(name) && isID(mountID)
}

// importOf reads the state of one connection: from `state`, which is short and
// knows since when, or from `import`.
func importOf(dir string) (state string, since time.Time, ok bool) {
	for _, name := range []string{"state", "import"} {
		content, err := mount.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrPermission) {
			return "", time.Time{}, false
		}
		if err != nil {
			continue
		}
		if state, since = parseImport(content); state != "" {
			return state, since, true
		}
	}
	return "", time.Time{}, false
}

// maxState bounds a word that the kernel says, in bytes.
const maxState = 40

// parseImport reads the lines of `state` and of `import` that have the state,
// and the history of states that `state` has: ` - [ 1767000001, FULL ]`.
func parseImport(content []byte) (state string, since time.Time) {
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case (key == "current_state" || key == "state") && state == "":
			state = word(value)
		case strings.HasPrefix(key, "- ["):
			moment, was, ok := strings.Cut(strings.Trim(key, "-[] "), ",")
			seconds := mount.Count(strings.TrimSpace(moment))
			if !ok || seconds == nil || *seconds > 1<<40 {
				continue
			}
			if (target{state: strings.TrimSpace(was)}).connected() {
				since = time.Time{}
			} else if since.IsZero() {
				since = time.Unix(int64(*seconds), 0)
			}
		}
	}
	if (target{state: state}).connected() {
		since = time.Time{}
	}
	return state, since
}

// word makes what the kernel says fit to be shown.
func word(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "�")
	return strings.ToValidUTF8(s[:min(len(s), maxState)], "")
}
