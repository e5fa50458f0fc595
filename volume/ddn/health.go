package ddn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"storage_exporter/internal/few"
	"storage_exporter/volume"
)

// grace is how long the names, or all of the data, may be out of reach before the
// volume is offline: connections that were lost for a moment come back by
// themselves, and callers only wait.
const grace = 30 * time.Second

// From here on an OST is full: files that have a part on it cannot grow.
const leastRoom = 0.02

// maxNamed bounds the targets that are named.
const maxNamed = 5

// watch judges what the client says. It remembers since when each target is out of
// reach, for kernels that do not say.
type watch struct {
	ignored []string
	now     func() time.Time

	mu    sync.Mutex // guards since
	since map[string]time.Time
}

func newWatch(ignored []string) *watch {
	return &watch{ignored: ignored, now: time.Now, since: map[string]time.Time{}}
}

// judge adds to the mount's health what the client says. It says nothing where it
// is not known which file system is mounted; what was lost stays remembered.
func (w *watch) judge(found *volume.Verdict, facts map[string]string, c connections) {
	if c.fsname == "" {
		facts["imports"] = "unknown"
		return
	}
	facts["filesystem"] = c.fsname
	facts["performance_scope"] = "all mounts of " + c.fsname + " on this host"
	if c.version != "" {
		facts["lustre_version"] = c.version
	}
	if c.err != nil {
		facts["imports"] = "unknown"
		found.Worsen(volume.Degraded, "the state of the connections to the servers cannot be read: %v", c.err)
		return
	}
	c.devices.judge(found, facts)
	osts, mdts := w.split(c.targets)
	facts["imports"] = describe(facts, osts, mdts)
	lost := w.lost(slices.Concat(osts, mdts))
	judgeMDTs(found, mdts, lost)
	judgeOSTs(found, osts, lost)
	if !slices.ContainsFunc(osts, target.known) {
		w.judgeCount(found, facts, c)
	}
	judgeRoom(found, facts, c.rooms)
}

// split leaves out the targets that are meant to be away.
func (w *watch) split(targets []target) (osts, mdts []target) {
	for _, t := range targets {
		switch {
		case w.ignores(t.name):
		case t.metadata():
			mdts = append(mdts, t)
		default:
			osts = append(osts, t)
		}
	}
	return osts, mdts
}

// ignores is whether the target is listed, with or without the file system's name.
func (w *watch) ignores(name string) bool {
	_, short := cutLast(name, "-")
	return slices.Contains(w.ignored, name) || slices.Contains(w.ignored, short)
}

// describe counts the targets, and returns how much is known of them: a file
// system has both kinds.
func describe(facts map[string]string, osts, mdts []target) string {
	known := 0
	for kind, targets := range map[string][]target{"osts": osts, "mdts": mdts} {
		if len(targets) == 0 {
			continue
		}
		facts[kind] = strconv.Itoa(len(targets))
		if n := count(targets, target.known); n > 0 {
			known += n
			facts[kind+"_connected"] = strconv.Itoa(count(targets, target.connected))
		}
	}
	switch {
	case known == 0:
		return "unknown"
	case known < len(osts)+len(mdts), len(osts) == 0, len(mdts) == 0:
		return "incomplete"
	default:
		return "known"
	}
}

func count(targets []target, is func(target) bool) int {
	n := 0
	for _, t := range targets {
		if is(t) {
			n++
		}
	}
	return n
}

// judgeMDTs: MDT0000 has the root directory, without it nothing can be opened.
func judgeMDTs(found *volume.Verdict, mdts []target, lost map[string]time.Duration) {
	for _, t := range mdts {
		if lost := lost[t.name]; strings.HasSuffix(t.name, "-MDT0000") && lost >= grace {
			found.Worsen(volume.Offline, "%s %s for %v: the metadata server is not reached, check it and the network",
				t.name, t.state, lost.Round(time.Second))
			return
		}
	}
	found.Add(volume.Degraded, notConnected(mdts, "MDTs"))
}

func judgeOSTs(found *volume.Verdict, osts []target, lost map[string]time.Duration) {
	status := volume.Offline
	for _, t := range osts {
		if lost[t.name] < grace {
			status = volume.Degraded
		}
	}
	found.Add(status, notConnected(osts, "OSTs"))
}

// judgeCount goes by how many OSTs the file system uses, where their states
// cannot be read: with lazystatfs one that is away only makes it look smaller.
func (w *watch) judgeCount(found *volume.Verdict, facts map[string]string, c connections) {
	if c.osts == nil || c.active == nil {
		return
	}
	facts["osts"], facts["osts_active"] = strconv.FormatUint(*c.osts, 10), strconv.FormatUint(*c.active, 10)
	if *c.active < *c.osts && *c.osts-*c.active > uint64(len(w.ignored)) {
		found.Worsen(volume.Degraded, "%d of %d OSTs not active", *c.osts-*c.active, *c.osts)
	}
}

// judgeRoom reports full OSTs, which the sum over all of them hides. The one with
// the least room is known only where all were asked.
func judgeRoom(found *volume.Verdict, facts map[string]string, rooms rooms) {
	if len(rooms.each) == 0 {
		return
	}
	var full []string
	least := rooms.each[0]
	for _, r := range rooms.each {
		if r.free < least.free {
			least = r
		}
		if float64(r.free) < leastRoom*float64(r.total) {
			full = append(full, r.name)
		}
	}
	if rooms.all {
		facts["ost_least_available"] = least.name
		facts["ost_least_available_bytes"] = strconv.FormatUint(least.free, 10)
	}
	if len(full) > 0 {
		found.Worsen(volume.Degraded, "%d of %d OSTs full: %s", len(full), len(rooms.each), some(full))
	}
}

// notConnected names the targets that are not, and their states; empty when all are.
func notConnected(targets []target, kind string) string {
	var words []string
	for _, t := range targets {
		switch {
		case !t.known() || t.connected():
		case t.down():
			words = append(words, t.name+" "+t.state)
		default:
			words = append(words, fmt.Sprintf("%s in the unknown state %q", t.name, t.state))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d %s not connected: %s", len(words), len(targets), kind, some(words))
}

// some of the words, so that the text stays readable.
func some(words []string) string { return few.Of(words, maxNamed, " and ") }

// lost is for how long the connection of each target has surely been lost.
func (w *watch) lost(targets []target) map[string]time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, since, lost := w.now(), map[string]time.Time{}, map[string]time.Duration{}
	for _, t := range targets {
		if !t.down() {
			continue
		}
		first, seen := w.since[t.name]
		if !seen {
			first = now
		}
		since[t.name], lost[t.name] = first, now.Sub(first)
		if !t.since.IsZero() {
			lost[t.name] = max(lost[t.name], now.Sub(t.since))
		}
	}
	w.since = since
	return lost
}
