package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"storage_exporter/overview"
)

// maxRows bounds the rows of a table.
const maxRows = 5000

// drivesView is the list of drives.
type drivesView struct {
	Headline string
	Query    string
	State    string // the one that is shown; empty: all
	All      string // the address of all drives
	States   []choice
	Columns  []columnView
	Rows     []driveRow
	LeftOut  int
	Why      string // why the drives are not known
}

// columnView is the head of a column: a link that sorts by it.
type columnView struct {
	Title, Href, Sorted string // Sorted is ascending or descending; empty: by another
	Number              bool
}

// driveRow is a row: the state, the name, and the rest by whether it is a number, since
// a template is slow at telling cells apart.
type driveRow struct {
	State         state
	Href, Name    string
	Words, Number []string
}

// drives is the page with the list.
func (p *Pages) drives(_ context.Context, r *http.Request) (page, error) {
	i := inquiryOf(r.URL.Query())
	snap := p.cfg.Overview()
	o := snap.Value
	return page{
		template: "drives", key: i.key(), once: i.query != "", made: fmt.Sprint(snap.Revision), age: time.Since(o.BuiltAt),
		head: head{Title: "Drives", Current: "drives", Query: i.query, At: o.BuiltAt, Stale: o.Stale},
		body: func() any {
			v := drivesOf(i, p.listed.of(snap))
			if why := o.Errors["drives"]; why != overview.ErrNotObserved.Error() {
				v.Why = text(why)
			}
			if v.Why != "" && len(v.Rows) == 0 {
				v.Headline = "The drives are not known"
			}
			return v
		},
	}, nil
}

func drivesOf(i inquiry, list []listed) *drivesView {
	total := len(list)
	list = i.choose(list)
	v := &drivesView{Query: i.query, State: i.state, All: "drives", Headline: plural(len(list), "drive", "drives")}
	if len(list) != total {
		v.Headline = grouped(float64(len(list))) + " of " + plural(total, "drive", "drives")
	}
	all := i
	all.state = ""
	v.States = append(v.States, choice{"All", all.href(), i.state == ""})
	for _, s := range []state{failing, warning, unknown, asleep, ok} {
		one := i
		one.state = s.Word
		v.States = append(v.States, choice{title(s.Word), one.href(), i.state == s.Word})
	}
	for _, c := range driveColumns {
		to := i
		to.sort, to.down = c.name, c.number
		column := columnView{Title: c.title, Number: c.number}
		if c.name == i.sort {
			to.down = !i.down
			column.Sorted = map[bool]string{false: "ascending", true: "descending"}[i.down]
		}
		column.Href = to.href()
		v.Columns = append(v.Columns, column)
	}
	shown := min(len(list), maxRows)
	v.LeftOut = len(list) - shown
	for k := range list[:shown] {
		l := &list[k]
		row := driveRow{State: l.State, Href: driveLinks(drivePage).to(l.Device), Name: orDash(l.Device)}
		for _, c := range driveColumns[2:] {
			if c.number {
				row.Number = append(row.Number, c.cell(l))
			} else {
				row.Words = append(row.Words, c.cell(l))
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
