package browser_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"storage_exporter/internal/demo"
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// found is a drive where it sits.
type found struct {
	*overview.Drive
	enclosure string // its letter
	slot      string
}

// driveThat is the first in a slot that is as wanted.
func driveThat(t *testing.T, d *demo.Demo, wanted func(d *overview.Drive) bool) found {
	t.Helper()
	for i, e := range overviewOf(t, d).Enclosures {
		for _, s := range e.Slots {
			if s.Drive != nil && wanted(s.Drive) {
				return found{s.Drive, string(rune('A' + i)), s.Slot}
			}
		}
	}
	t.Fatal("no drive is as wanted")
	return found{}
}

func failing(d *overview.Drive) bool { return d.Assessment.Verdict == assess.Failing }

// A click on a slot leads to the drive, with its verdict rule by rule.
func TestClickASlot(t *testing.T) {
	d := demoOf(t)
	want := driveThat(t, d, failing)
	x := open(t, d.URL()+"/overview")
	x.click(`#enclosures a.tile[href$="/` + want.Device + `"]`)
	if title := x.textOf("h1"); !strings.Contains(title, want.Device) || !strings.Contains(title, "failing") || !strings.Contains(title, want.enclosure+", slot "+want.slot) {
		t.Errorf("the drive's page is headed %q", title)
	}
	facts := x.textOf(".facts")
	for _, f := range []string{want.Serial, want.WWN, want.Model} {
		if f == "" || !strings.Contains(facts, f) {
			t.Errorf("the drive's page does not say %q:\n%s", f, facts)
		}
	}
	// The rules are open to read, without a click.
	rules := eval[[][]string](x, `[...document.querySelectorAll("#rules-table tbody tr")].map((r) => [...r.cells].map((c) => c.innerText))`)
	for _, reason := range want.Assessment.Reasons {
		if !slices.ContainsFunc(rules, func(r []string) bool { return r[0] == reason.Rule && r[1] == string(reason.Severity) }) {
			t.Errorf("rule %s (%s) is not shown: %v", reason.Rule, reason.Severity, rules)
		}
	}
	if pools := x.textOf("#pools-table"); !strings.Contains(pools, want.Pools[0].Pool) {
		t.Errorf("the drive's pools are %q", pools)
	}
	if document := eval[string](x, `document.querySelector("#document-text").textContent`); !strings.Contains(document, want.Serial) {
		t.Errorf("smartctl's document is %.200s", document)
	}
	x.click("h1 a")
	if at := eval[string](x, "location.pathname + location.hash"); at != "/overview#enclosure-"+want.enclosure {
		t.Errorf("its place leads to %s", at)
	}
}

// The search finds a drive by whatever is written on it, and by where it is.
func TestSearch(t *testing.T) {
	d := demoOf(t)
	want := driveThat(t, d, failing)
	all := drivesOf(overviewOf(t, d))
	pool := want.Pools[0].Pool
	inPool := 0
	for _, d := range all {
		if d != nil && slices.ContainsFunc(d.Pools, func(m overview.Membership) bool { return m.Pool == pool }) {
			inPool++
		}
	}
	x := open(t, d.URL()+"/overview")
	for _, tt := range []struct {
		query string
		rows  int // 0: any number
	}{
		{want.Serial, 1},
		{strings.ToLower(want.Serial[2:]), 1},
		{want.WWN, 1},
		{want.Device + " " + want.Serial, 1},
		{want.enclosure + ", slot " + want.slot, 1},
		{pool, inPool},
		{pool + " " + want.Serial, 1},
	} {
		from := eval[string](x, "location.href")
		eval[bool](x, `(document.querySelector("#q").value = "", document.querySelector("#q").focus(), true)`)
		x.press(tt.query + kb.Enter)
		x.leaves(from)
		if q := eval[string](x, `new URL(location).searchParams.get("q")`); q != tt.query {
			t.Errorf("asked for %q instead of %q", q, tt.query)
		}
		rows := eval[[]string](x, `[...document.querySelectorAll("#drives-table tbody tr")].map((r) => r.innerText)`)
		if tt.rows != 0 && len(rows) != tt.rows || !slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, want.Serial) }) {
			t.Errorf("%q finds %d drives, not %d: %.300q", tt.query, len(rows), tt.rows, rows)
		}
		if kept := eval[string](x, `document.querySelector("#q").value`); kept != tt.query {
			t.Errorf("the field says %q after a search for %q", kept, tt.query)
		}
	}
	x.visit(d.URL() + "/drives?q=" + url.QueryEscape(`"><img src=x onerror=alert(1)>`))
	if said := x.textOf("main"); !strings.Contains(said, "<img src=x") || !strings.Contains(said, "No drive is like that") {
		t.Errorf("a search for nothing: %s", said)
	}
}

// The table sorts by links, both ways, and filters.
func TestTableOfDrives(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	x.visit(d.URL() + "/drives")
	total := overviewOf(t, d).Counts.Drives.Total
	column := func(n int) (cells []string) {
		t.Helper()
		return eval[[]string](x, `[...document.querySelectorAll("#drives-table tbody tr")].map((r) => r.cells[`+strconv.Itoa(n)+`].innerText)`)
	}
	heads := eval[[]string](x, `[...document.querySelectorAll("#drives-table thead th a")].map((a) => a.textContent)`)
	for _, head := range []string{"Serial", "Temperature", "Errors", "Size"} {
		n := slices.Index(heads, head)
		if n < 0 {
			t.Fatalf("no column %s: %v", head, heads)
		}
		ways := map[string]bool{}
		for range 2 {
			x.click(`#drives-table thead th:nth-child(` + strconv.Itoa(n+1) + `) a`)
			sorted := eval[string](x, `document.querySelectorAll("#drives-table thead th")[`+strconv.Itoa(n)+`].getAttribute("aria-sort") || ""`)
			ways[sorted] = true
			cells := column(n)
			if len(cells) != total {
				t.Fatalf("%d rows of %d drives", len(cells), total)
			}
			if !inOrder(cells, sorted == "descending") {
				t.Errorf("%s is not %s: %v", head, sorted, cells)
			}
			if others := eval[int](x, `document.querySelectorAll("[aria-sort]").length`); others != 1 {
				t.Errorf("%d columns are said to be sorted", others)
			}
		}
		if !ways["ascending"] || !ways["descending"] {
			t.Errorf("%s sorts in these directions: %v", head, ways)
		}
	}
	x.click(`.filters a[href*="state=failing"]`)
	if states := column(0); len(states) == 0 || slices.ContainsFunc(states, func(s string) bool { return s != "failing" }) {
		t.Errorf("of those failing are shown: %v", states)
	}
}

// inOrder says whether cells are: those not known last, numbers by value.
func inOrder(cells []string, down bool) bool {
	for len(cells) > 0 && cells[len(cells)-1] == "–" {
		cells = cells[:len(cells)-1]
	}
	return slices.IsSortedFunc(cells, func(a, b string) int {
		order := strings.Compare(a, b)
		if x, y := size(a), size(b); x != y {
			order = 1
			if x < y {
				order = -1
			}
		}
		if down {
			return -order
		}
		return order
	})
}

// units are those of sizes.
var units = map[string]float64{"GB": 1e9, "TB": 1e12, "PB": 1e15, "GiB": 1 << 30, "TiB": 1 << 40}

// size is the number that a cell begins with, in the cell's unit; else 0.
func size(cell string) float64 {
	number, unit, _ := strings.Cut(strings.ReplaceAll(cell, "\u00a0", " "), " ")
	v, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
	if err != nil {
		return 0
	}
	return v * max(units[unit], 1)
}
