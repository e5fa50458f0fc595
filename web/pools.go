package web

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"storage_exporter/fleet"
	"storage_exporter/overview"
	"storage_exporter/zpool"
)

// maxVdevs bounds the vdevs that a page shows, and fewVdevs those of a pool that are not
// well.
const maxVdevs, fewVdevs = 5000, 50

// poolMark is how a pool is distinguished in pictures.
type poolMark struct{ Name, Letter, Class string }

// hues is how many the style sheet has.
const hues = 8

// marksOf gives each pool a letter, of its name where that is free, and a hue.
func marksOf(o *overview.Overview) map[string]poolMark {
	marks, taken := make(map[string]poolMark, len(o.Pools)), make(map[string]bool)
	for i := range o.Pools[:min(len(o.Pools), maxPools)] {
		name := o.Pools[i].Name
		if _, known := marks[name]; known {
			continue
		}
		letter := letterOf(name, taken)
		taken[letter] = true
		marks[name] = poolMark{text(name), letter, "hue" + strconv.Itoa(i%hues)}
	}
	return marks
}

// letterOf is the first letter of a name that is free, or else the first free one.
func letterOf(name string, taken map[string]bool) string {
	for _, r := range strings.ToUpper(text(name)) {
		if unicode.IsLetter(r) && !taken[string(r)] {
			return string(r)
		}
	}
	n := 0
	for taken[letters(n)] {
		n++
	}
	return letters(n)
}

// poolView is a pool with its vdevs.
type poolView struct {
	ID, Name string
	State    state
	Scan     string
	Done     int // percent; below 0: nothing runs
	Errors   string
	Status   string
	Action   string
	Wrong    []vdevView // those that are not well
	Vdevs    []vdevView // all
	LeftOut  int
}

// vdevView is a row of a pool's table.
type vdevView struct {
	Name, Depth         string // Depth is a class
	State               state
	Role, Note          string
	Device, Href, Place string
	Read, Write, Sum    string
}

func (c *scene) pool(p *overview.Pool, now time.Time) poolView {
	v := poolView{
		ID: "pool-" + url.PathEscape(text(p.Name)), Name: text(p.Name), State: stateOfPool(p.State), Scan: scanOf(p.Scan, now), Done: -1,
		Status: sentence(p.Status), Action: sentence(p.Action),
	}
	if p.Scan != nil && p.Scan.Done != nil {
		v.Done = int(100 * min(max(*p.Scan.Done, 0), 1))
	}
	if p.DataErrors != nil && *p.DataErrors > 0 {
		v.Errors = plural(*p.DataErrors, "data error", "data errors")
	}
	depth := make(map[string]int, len(p.Vdevs))
	shown := min(len(p.Vdevs), c.vdevs)
	c.vdevs -= shown
	v.LeftOut = len(p.Vdevs) - shown
	for i := range p.Vdevs[:shown] {
		d := &p.Vdevs[i]
		level := 0
		if above, ok := depth[d.Parent]; ok && d.Parent != "" {
			level = above + 1
		}
		depth[d.Name] = level
		row := vdevView{
			Name: vdevName(d), Depth: "depth" + strconv.Itoa(min(level, 3)), State: stateOfPool(d.State), Role: text(string(d.Role)), Note: text(d.Note),
			Device: text(d.Device), Place: c.places.of(d.Enclosure, d.Slot),
			Read: known(d.ReadErrors, grouped), Write: known(d.WriteErrors, grouped), Sum: known(d.ChecksumErrors, grouped),
		}
		row.Href = c.drive.to(d.Device)
		v.Vdevs = append(v.Vdevs, row)
		if (row.State.wrong() || vdevErrors(d) > 0) && len(v.Wrong) < fewVdevs {
			v.Wrong = append(v.Wrong, row)
		}
	}
	return v
}

// vdevName is the vdev's, without the folder of a path.
func vdevName(v *overview.Vdev) string {
	name := v.Name
	if i := strings.LastIndexByte(name, '/'); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return text(name)
}

func vdevErrors(v *overview.Vdev) (n float64) {
	for _, e := range []*uint64{v.ReadErrors, v.WriteErrors, v.ChecksumErrors} {
		if e != nil {
			n += float64(*e)
		}
	}
	return n
}

// scanOf says in words what a scrub or resilver does; empty where there was none.
func scanOf(s *zpool.Scan, now time.Time) string {
	if s == nil {
		return ""
	}
	what := map[zpool.ScanFunction]string{zpool.Scrub: "scrub", zpool.Resilver: "resilver", zpool.ErrorScrub: "scrub of errors"}[s.Function]
	switch s.State {
	case zpool.Scanning:
		words := map[zpool.ScanFunction]string{zpool.Scrub: "scrubbing", zpool.Resilver: "resilvering", zpool.ErrorScrub: "scrubbing errors"}[s.Function]
		if s.Done != nil {
			words += ", " + percent(float64(int(100*min(max(*s.Done, 0), 1))))
		}
		return words + leftOf(s, now)
	case zpool.Paused:
		return what + " paused"
	case zpool.Canceled:
		return "the last " + what + " was cancelled"
	case zpool.Finished:
		words := "the last " + what + " ended"
		if !s.EndTime.IsZero() {
			words += " " + duration(now.Sub(s.EndTime)) + " ago"
		}
		if s.Errors != nil {
			words += " with " + plural(*s.Errors, "error", "errors")
		}
		return words
	}
	return ""
}

// leftOf is how long a scan will take if it goes on as it went.
func leftOf(s *zpool.Scan, now time.Time) string {
	gone := now.Sub(s.StartTime)
	if s.Done == nil || *s.Done < 0.01 || *s.Done > 1 || s.StartTime.IsZero() || gone <= 0 {
		return ""
	}
	left := gone.Seconds() * (1 - *s.Done) / *s.Done
	return ", about " + seconds(left) + " left"
}

func problemOfPool(p *overview.Pool, o *overview.Overview, at places) problem {
	x := problem{State: stateOfPool(p.State), Kind: fleet.Pool, Name: text(p.Name), Href: "#pool-" + url.PathEscape(text(p.Name)), Place: "ZFS pool"}
	scan := scanOf(p.Scan, o.BuiltAt)
	running := p.Scan != nil && p.Scan.State == zpool.Scanning
	bad, more := "", 0
	for i := range p.Vdevs {
		v := &p.Vdevs[i]
		if v.Type == "disk" || v.Type == "file" || v.Type == "missing" {
			words := badVdev(v, at)
			switch {
			case words == "":
			case bad == "":
				bad = words
			default:
				more++
			}
		}
	}
	if more > 0 {
		bad += " and " + plural(more, "more member is not well", "more members are not well")
	}
	switch {
	case x.State.wrong():
		x.Reason = text(p.State) + ": " + cmp.Or(bad, strings.TrimSuffix(text(p.Status), "."), "zpool gives no reason")
		if running {
			x.Reason += "; " + scan
		} else {
			x.Do = sentence(p.Action)
		}
		x.Reason += "."
	case p.DataErrors != nil && *p.DataErrors > 0:
		x.State = warning.as("data errors", "W")
		x.Reason = plural(*p.DataErrors, "error", "errors") + " in its data: files are damaged."
		x.Do = fmt.Sprintf("Restore the files that `zpool status -v %s` names.", text(p.Name))
	case bad != "":
		x.State = warning.as("errors", "W")
		x.Reason = "It is online, but " + bad + "."
	}
	return x
}

// badVdev says what is wrong with a disk of a pool; empty where nothing is.
func badVdev(v *overview.Vdev, at places) string {
	name := cmp.Or(text(v.Device), vdevName(v))
	if place := at.of(v.Enclosure, v.Slot); place != "" {
		name += " (" + place + ")"
	}
	if v.Parent != "" {
		name += " of " + text(v.Parent)
	}
	if stateOfPool(v.State).wrong() {
		return name + " is " + strings.ToLower(text(v.State))
	}
	if n := vdevErrors(v); n > 0 {
		return name + " has " + plural(n, "error", "errors")
	}
	return ""
}
