package browser_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The fleet shows each host with its counts, leads to its overview here and to its own
// page there.
func TestFleet(t *testing.T) {
	d := demoOf(t)
	x := fast(t)
	x.visit(d.URL() + "/fleet")
	x.await("both hosts", `document.querySelectorAll("#nodes tbody tr").length === 2`)
	rows := eval[map[string][]string](x, `Object.fromEntries([...document.querySelectorAll("#nodes tbody tr")].map((r) => [r.cells[0].innerText, [...r.cells].map((c) => c.innerText)]))`)
	first, second := rows["storage-01"], rows["storage-02"]
	if first == nil || second == nil || first[1] != "live" || second[1] != "live" {
		t.Fatalf("the hosts are %v", rows)
	}
	heads := eval[[]string](x, `[...document.querySelectorAll("#nodes thead th")].map((e) => e.innerText)`)
	if n := slices.Index(heads, "Drives"); first[n] != strconv.Itoa(overviewOf(t, d).Counts.Drives.Total) || second[n] != "13" {
		t.Errorf("drives: %s and %s", first[n], second[n])
	}
	if wrong := x.textOf("#wrong"); !strings.Contains(wrong, "storage-01") || !strings.Contains(wrong, "on 2 hosts") {
		t.Errorf("what is wrong: %.300s", wrong)
	}
	x.click(`#nodes a[href$="/storage-02"]`)
	if said := x.textOf("main"); !strings.Contains(said, "storage-02") || !strings.Contains(said, "JBOD-E") {
		t.Errorf("the host's page: %.300s", said)
	}
	if tiles := eval[int](x, `document.querySelectorAll(".rack .tile").length`); tiles != 12 {
		t.Errorf("%d slots", tiles)
	}
	// Its drives are its own to show.
	from := eval[string](x, "location.origin")
	x.click(".rack a.tile")
	if to := eval[string](x, "location.origin"); to == from || !strings.Contains(x.textOf("header"), "storage-02") {
		t.Errorf("a drive of the host leads to %s: %q", to, x.textOf("header"))
	}
}
