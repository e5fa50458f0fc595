package fake

import (
	"fmt"
	"strings"
	"time"
)

// Form is a variant of the text form.
type Form struct {
	GUIDs bool // -g
	Exact bool // -p
	Slow  bool // -s
}

// Text is what `zpool status -P` prints.
func Text(pools []Pool, form Form) string {
	var b strings.Builder
	for i, p := range pools {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.text(&b, form)
	}
	return b.String()
}

func (p Pool) text(b *strings.Builder, form Form) {
	fmt.Fprintf(b, "  pool: %s\n state: %s\n", p.Name, p.State)
	if p.Status != "" {
		fmt.Fprintf(b, "status: %s\naction: %s\n", wrap(p.Status), wrap(p.Action))
	}
	p.scanLines(b)
	t := table{form: form}
	root := Vdev{Name: p.Name, GUID: p.GUID, State: p.State, Children: p.Vdevs}
	t.measure(0, root, true)
	sections := []struct {
		heading string
		vdevs   []Vdev
	}{{"dedup", p.Dedup}, {"special", p.Special}, {"logs", p.Logs}, {"cache", p.Cache}, {"spares", p.Spares}}
	for _, s := range sections {
		for _, v := range s.vdevs {
			t.measure(1, v, false)
		}
	}
	fmt.Fprintf(b, "config:\n\n\t%-*s  %-8s %5s %5s %5s", t.width, "NAME", "STATE", "READ", "WRITE", "CKSUM")
	if form.Slow {
		fmt.Fprintf(b, " %5s", "SLOW")
	}
	b.WriteByte('\n')
	t.row(b, 0, root, true)
	for _, s := range sections {
		if len(s.vdevs) > 0 {
			fmt.Fprintf(b, "\t%s\n", s.heading)
		}
		for _, v := range s.vdevs {
			t.row(b, 1, v, false)
		}
	}
	if p.Errors == 0 {
		b.WriteString("\nerrors: No known data errors\n")
	} else {
		fmt.Fprintf(b, "\nerrors: %d data errors, use '-v' for a list\n", p.Errors)
	}
}

// wrap breaks a sentence as zpool does: what goes on begins with a tab.
func wrap(s string) string { return strings.ReplaceAll(s, ". ", ".\n\t") }

type table struct {
	form  Form
	width int
}

func (t *table) name(v Vdev, root bool) string {
	if t.form.GUIDs && !root {
		return v.GUID
	}
	return v.printed()
}

func (t *table) measure(depth int, v Vdev, root bool) {
	t.width = max(t.width, 2*depth+len(t.name(v, root)), 10)
	for _, c := range v.Children {
		t.measure(depth+1, c, false)
	}
}

func (t *table) row(b *strings.Builder, depth int, v Vdev, root bool) {
	fmt.Fprintf(b, "\t%*s%-*s  %-8s", 2*depth, "", t.width-2*depth, t.name(v, root), v.State)
	note := v.Note
	if v.Was != "" {
		note = strings.TrimSpace("was " + v.Was + " " + note)
	}
	if v.State == "AVAIL" || v.State == "INUSE" {
		if v.State == "INUSE" {
			note = "  currently in use"
		}
	} else {
		fmt.Fprintf(b, " %5s %5s %5s", t.number(v.Read), t.number(v.Write), t.number(v.Cksum))
		if t.form.Slow {
			slow := "-"
			if len(v.Children) == 0 {
				slow = t.number(v.Slow)
			}
			fmt.Fprintf(b, " %5s", slow)
		}
	}
	if note != "" {
		b.WriteString("  " + note)
	}
	b.WriteByte('\n')
	for _, c := range v.Children {
		t.row(b, depth+1, c, false)
	}
}

func (t *table) number(n uint64) string {
	if t.form.Exact || n < 1024 {
		return fmt.Sprint(n)
	}
	return nice(n)
}

// nice makes 1.20K of 1229.
func nice(n uint64) string {
	v, unit := float64(n), 0
	for v >= 1024 && unit < 6 {
		v, unit = v/1024, unit+1
	}
	switch {
	case unit == 0:
		return fmt.Sprint(n)
	case v < 10:
		return fmt.Sprintf("%.2f%c", v, "KMGTPE"[unit-1])
	case v < 100:
		return fmt.Sprintf("%.1f%c", v, "KMGTPE"[unit-1])
	}
	return fmt.Sprintf("%.0f%c", v, "KMGTPE"[unit-1])
}

func niceBytes(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	return nice(n)
}

// scanLines are those of print_scan_status: the later of scrub and error scrub, and a
// resilver or the rebuilds, those that run or else that which ended last.
func (p Pool) scanLines(b *strings.Builder) {
	s, errors, active := p.Scan, p.ErrorScrub, false
	var rebuilt int64
	for _, r := range p.Rebuilds {
		active, rebuilt = active || r.State == "ACTIVE", max(rebuilt, r.End)
	}
	switch {
	case s != nil && s.Function == "SCRUB" && (errors == nil || s.Start > errors.Start):
		fmt.Fprintf(b, "  scan: %s\n", s.text())
	case errors != nil && (s == nil || errors.Start >= s.Start):
		fmt.Fprintf(b, " scan: %s\n", errors.errorText())
	}
	resilver := s != nil && s.Function == "RESILVER"
	if resilver && (s.State == "SCANNING" || !active && s.End > rebuilt) {
		fmt.Fprintf(b, "  scan: %s\n", s.text())
		return
	}
	for _, r := range p.Rebuilds {
		fmt.Fprintf(b, "  scan: %s\n", r.text())
	}
}

func at(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("Mon Jan _2 15:04:05 2006")
}

func (s *Scan) errorText() string {
	switch s.State {
	case "CANCELED":
		return "error scrub canceled on " + at(s.End)
	case "FINISHED":
		took := s.End - s.Start
		return fmt.Sprintf("scrubbed %d error blocks in %d days %02d:%02d:%02d on %s", s.Examined, took/86400, took/3600%24, took/60%60, took%60, at(s.End))
	}
	begin := "error scrub in progress since " + at(s.Start)
	if s.Pause != 0 {
		begin = "error scrub paused since " + at(s.Pause) + "\n\terror scrub started on " + at(s.Start)
	}
	return fmt.Sprintf("%s\n\t%.2f%% done, issued I/O for %d error blocks", begin, 100*float64(s.Examined)/float64(s.Examined+s.ToExamine), s.Examined)
}

func (r *Rebuild) text() string {
	switch r.State {
	case "CANCELED":
		return fmt.Sprintf("resilver (%s) canceled on %s", r.Vdev, at(r.End))
	case "COMPLETE":
		return fmt.Sprintf("resilvered (%s) %s in %s with %d errors on %s", r.Vdev, niceBytes(r.Repaired), span(r.End-r.Start), r.Errors, at(r.End))
	}
	return fmt.Sprintf("resilver (%s) in progress since %s\n\t%s / %s scanned at 1.50G/s, %s / %s issued at 900M/s\n\t%s resilvered, %.2f%% done, 00:48:21 to go",
		r.Vdev, at(r.Start), niceBytes(r.Examined), niceBytes(r.ToExamine), niceBytes(r.Issued), niceBytes(r.ToExamine-r.Skipped),
		niceBytes(r.Repaired), 100*float64(r.Examined)/float64(r.ToExamine+1))
}

func (s *Scan) text() string {
	function := strings.ToLower(s.Function)
	switch s.State {
	case "CANCELED":
		return fmt.Sprintf("%s canceled on %s", function, at(s.End))
	case "FINISHED":
		verb := "scrub repaired"
		if function == "resilver" {
			verb = "resilvered"
		}
		return fmt.Sprintf("%s %s in %s with %d errors on %s", verb, niceBytes(s.Repaired), span(s.End-s.Start), s.Errors, at(s.End))
	}
	verb := "repaired"
	if function == "resilver" {
		verb = "resilvered"
	}
	total := s.ToExamine - s.Skipped
	percent := 100 * float64(s.Issued) / float64(total)
	if s.Pause != 0 {
		return fmt.Sprintf("%s paused since %s\n\t%s started on %s\n\t%s / %s scanned, %s / %s issued\n\t%s %s, %.2f%% done",
			function, at(s.Pause), function, at(s.Start), niceBytes(s.Examined), niceBytes(s.ToExamine), niceBytes(s.Issued), niceBytes(total),
			niceBytes(s.Repaired), verb, percent)
	}
	return fmt.Sprintf("%s in progress since %s\n\t%s / %s scanned at 1.50G/s, %s / %s issued at 900M/s\n\t%s %s, %.2f%% done, 1 days 02:48:21 to go",
		function, at(s.Start), niceBytes(s.Examined), niceBytes(s.ToExamine), niceBytes(s.Issued), niceBytes(total),
		niceBytes(s.Repaired), verb, percent)
}

func span(seconds int64) string {
	clock := fmt.Sprintf("%02d:%02d:%02d", seconds/3600%24, seconds/60%60, seconds%60)
	if days := seconds / 86400; days > 0 {
		return fmt.Sprintf("%d days %s", days, clock)
	}
	return clock
}
