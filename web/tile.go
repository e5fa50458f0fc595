package web

import (
	"net/url"
	"strconv"
	"strings"

	"storage_exporter/overview"
	"storage_exporter/zpool"
)

// maxTiles bounds the slots and drives that a page shows as pictures.
const maxTiles = 5000

// tile is a slot of an enclosure, or a drive in none.
type tile struct {
	Href   string // of the drive's page; empty where there is none
	Name   string // all that it says, in words
	Number string
	Letter string
	Class  string
	Value  string
	Fault  bool
	Locate bool
	Blank  bool // no slot: it fills the row
}

// scene is what the tiles of a page have in common.
type scene struct {
	show   overlay
	pools  map[string]poolMark
	places places
	drive  driveLinks
	// tiles and vdevs are how many may still be shown.
	tiles, vdevs int
}

// slot is the tile of a slot.
func (c *scene) slot(s *overview.Slot) tile {
	t := tile{Number: text(s.Slot), Fault: is(s.Fault), Locate: is(s.Locate)}
	words := []string{"slot " + text(s.Slot)}
	switch {
	case s.Drive != nil:
		words = append(words, c.drawn(&t, s.Drive)...)
		for i := range s.More {
			if worse := stateOfDrive(&s.More[i]); worse.wrong() && !stateOfDrive(s.Drive).wrong() {
				t.Letter, t.Class = worse.Letter, worse.Class
			}
			words = append(words, "and "+text(s.More[i].Device)+", "+stateOfDrive(&s.More[i]).Word)
		}
	case s.Populated != nil && !*s.Populated:
		t.Class, t.Value = "empty", "empty"
		words = append(words, "empty")
	default:
		t.Class, t.Letter, t.Value = "unknown", "?", dash
		if is(s.Populated) {
			words = append(words, "a drive that the system does not see")
		} else {
			words = append(words, "not known whether there is a drive")
		}
	}
	if t.Fault {
		words = append(words, "fault light on")
	}
	if t.Locate {
		words = append(words, "locate light on")
	}
	t.Name = strings.Join(words, ", ")
	return t
}

// loose is the tile of a drive in no enclosure.
func (c *scene) loose(d *overview.Drive) tile {
	t := tile{Number: text(d.Device)}
	t.Name = strings.Join(c.drawn(&t, d), ", ")
	return t
}

// drawn makes the tile show a drive, and returns what there is to say of it.
func (c *scene) drawn(t *tile, d *overview.Drive) []string {
	s := stateOfDrive(d)
	shown, step := c.show.value(d)
	t.Class, t.Letter, t.Value = s.Class, s.Letter, shown
	words := []string{text(d.Device), text(d.Serial), s.Word}
	if d.NotMonitored {
		words[2] = "not monitored"
	}
	switch {
	case c.show == showPool:
		t.Class, t.Value = "none", dash
		if len(d.Pools) > 0 {
			m := d.Pools[0]
			mark := c.pools[m.Pool]
			t.Class, t.Value = mark.Class, mark.Letter+" "+short(&m)
			words = append(words, "pool "+text(m.Pool)+" "+text(m.Vdev))
		}
	case c.show == showAssessment && s == asleep:
		t.Value = s.Word
	case step >= 0:
		t.Class = "heat" + strconv.Itoa(step)
		if c.show == showTemperature && step == 4 && t.Letter == "" {
			t.Letter = "H"
		}
	case c.show != showAssessment:
		t.Class = "none"
	}
	if (s == failing || s == warning) && t.Class != s.Class {
		t.Class += " edge"
	}
	if c.show != showPool && t.Value != s.Word {
		words = append(words, t.Value)
	}
	t.Href = c.drive.to(d.Device)
	said := words[:0]
	for _, w := range words {
		if w != "" && w != dash {
			said = append(said, w)
		}
	}
	return said
}

// short is a drive's place in a pool in a few letters.
func short(m *overview.Membership) string {
	if m.Role != zpool.Data {
		return text(string(m.Role))
	}
	return strings.Replace(text(m.Vdev), "raidz", "z", 1)
}

func is(b *bool) bool { return b != nil && *b }

// enclosureView is an enclosure as a picture.
type enclosureView struct {
	ID, Letter, About string
	Rows              [][]tile
	LeftOut           int
}

func (c *scene) enclosure(e *overview.Enclosure, columns int) enclosureView {
	v := enclosureView{ID: "enclosure-" + c.places[e.ID], Letter: c.places[e.ID]}
	drives := 0
	for i := range e.Slots {
		if e.Slots[i].Drive != nil {
			drives++
		}
	}
	v.About = joined(" · ", text(e.Vendor+" "+e.Model), plural(len(e.Slots), "slot", "slots")+", "+plural(drives, "drive", "drives"), text(e.ID))
	shown := min(len(e.Slots), c.tiles)
	c.tiles -= shown
	v.LeftOut = len(e.Slots) - shown
	for from := 0; from < shown; from += columns {
		row := make([]tile, columns)
		for i := range row {
			if row[i].Blank = from+i >= shown; !row[i].Blank {
				row[i] = c.slot(&e.Slots[from+i])
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// places are the letters of the enclosures, by their ids.
type places map[string]string

func placesOf(o *overview.Overview) places {
	p := make(places, len(o.Enclosures))
	for i := range o.Enclosures {
		p[o.Enclosures[i].ID] = letters(i)
	}
	return p
}

// letters counts A to Z, AA, AB and so on.
func letters(n int) string {
	s := ""
	for n++; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}

// of is where a drive sits, in words; empty where that is not known.
func (p places) of(enclosure, slot string) string {
	if letter := p[enclosure]; letter != "" {
		return letter + ", slot " + text(slot)
	}
	return ""
}

// poolsOf are the places of a drive in pools, in words.
func poolsOf(d *overview.Drive) string {
	if len(d.Pools) == 0 {
		return "no pool"
	}
	m := d.Pools[0]
	words := text(m.Pool) + " " + text(m.Vdev)
	if len(d.Pools) > 1 {
		words += " and " + plural(len(d.Pools)-1, "more", "more")
	}
	return words
}

// joined joins what is not empty.
func joined(by string, parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, by)
}

// driveLinks are the addresses of drives' pages; nil: there are none.
type driveLinks func(label string) string

// to is the address of a drive's page; empty where there is none. A label that is no
// honest one leads nowhere.
func (l driveLinks) to(label string) string {
	if l == nil || label == "" || len(label) > maxText {
		return ""
	}
	return l(label)
}

// drivePage is the address of a drive's page, from the root.
func drivePage(label string) string { return "drives/" + url.PathEscape(label) }
