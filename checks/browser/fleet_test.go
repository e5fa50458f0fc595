package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"storage_exporter/fleet"
	"storage_exporter/internal/redistest"
)

// The fleet shows each host with its counts, leads to its overview here and to its own
// page there.
func TestFleet(t *testing.T) {
	d := demoOf(t)
	x := fast(t)
	x.visit(d.URL() + "/fleet")
	x.await("both hosts", `document.querySelectorAll("#nodes tbody tr").length === 2`)
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		before := fleetOf(t, d.URL())
		x.visit(d.URL() + "/fleet")
		shown := hostsOf(x)
		if !slices.Equal(before, fleetOf(t, d.URL())) {
			if time.Now().After(end) {
				t.Fatal("the fleet changes all the time")
			}
			continue
		}
		slices.SortFunc(shown, func(a, b host) int { return strings.Compare(a.Name, b.Name) })
		if !slices.Equal(shown, before) || len(before) != 2 {
			t.Errorf("the hosts are %+v, and the API says %+v", shown, before)
		}
		break
	}
	if wrong := x.textOf("#wrong"); !strings.Contains(wrong, "storage-01") || !strings.Contains(wrong, "on 2 hosts") {
		t.Errorf("what is wrong: %.300s", wrong)
	}
	x.click(`#nodes a[href$="/storage-02"]`)
	x.await("the host's slots", `document.querySelectorAll(".rack .tile").length === 12`)
	if said := x.textOf("main"); !strings.Contains(said, "storage-02") || !strings.Contains(said, "JBOD-E") {
		t.Errorf("the host's page: %.300s", said)
	}
	// Its drives are its own to show.
	from := eval[string](x, "location.origin")
	x.click(".rack a.tile")
	if to := eval[string](x, "location.origin"); to == from || !strings.Contains(x.textOf("header"), "storage-02") {
		t.Errorf("a drive of the host leads to %s: %q", to, x.textOf("header"))
	}
}

// host is one as the table of the fleet has it.
type host struct{ Name, State, Drives, Failing string }

// hostsOf are the rows of the table.
func hostsOf(x *tab) []host {
	x.t.Helper()
	return eval[[]host](x, `((heads) => [...document.querySelectorAll("#nodes tbody tr")].map((r) => {
		const cell = (head) => r.cells[heads.indexOf(head)].innerText;
		return {Name: cell("Host"), State: cell("State"), Drives: cell("Drives"), Failing: cell("Failing")};
	}))([...document.querySelectorAll("#nodes thead th")].map((e) => e.innerText))`)
}

// fleetOf is what the API says of the same, by name.
func fleetOf(t *testing.T, address string) (hosts []host) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/fleet", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var f fleet.Fleet
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil {
		t.Fatal(err)
	}
	for _, n := range f.Nodes {
		h := host{n.Node, string(n.State), "–", "–"}
		if n.Counts != nil && n.Counts.Drives != nil {
			h.Drives, h.Failing = strconv.Itoa(n.Counts.Drives.Total), strconv.Itoa(n.Counts.Drives.Failing)
		}
		hosts = append(hosts, h)
	}
	slices.SortFunc(hosts, func(a, b host) int { return strings.Compare(a.Name, b.Name) })
	return hosts
}

// A host that no longer reports is shown as silent, above those that do, without a
// reload.
func TestAHostFallsSilent(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	now, err := strconv.ParseInt(fmt.Sprint(redis.Do("TIME").([]any)[0]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for node, life := range map[string]int{"awake": 90_000, "falls": 2500} {
		redis.Do("SET", "fleet:node:"+node, fmt.Sprintf(`{"node":%q,"url":"http://%s.example:9777","counts":{"drives":{"total":3,"ok":3}}}`, node, node), "PX", life)
		redis.Do("ZADD", "fleet:nodes", (now-100)*1000, node)
	}
	e := startExporter(t, "--collector.disable-defaults", "--redis.address="+redis.Addr, "--fleet")
	x := fast(t)
	x.visit(e.url + "/fleet")
	state := func(node string) string {
		return fmt.Sprintf(`([...document.querySelectorAll("#nodes tbody tr")].find((r) => r.cells[0].innerText === %q) || {cells: [0, {innerText: ""}]}).cells[1].innerText`, node)
	}
	x.await("both hosts", state("awake")+` === "live" && `+state("falls")+` === "live"`)
	eval[bool](x, `(window.mark = true)`)
	x.await("silence", state("falls")+` === "silent"`)
	if hosts := hostsOf(x); hosts[0] != (host{"falls", "silent", "–", "–"}) || hosts[1].State != "live" {
		t.Errorf("the hosts are %+v", hosts)
	}
	if wrong := x.textOf("#wrong"); !strings.Contains(wrong, "falls") || !strings.Contains(wrong, "has not reported") {
		t.Errorf("what is wrong: %q", wrong)
	}
	if !eval[bool](x, "!!window.mark") {
		t.Error("the page was loaded anew")
	}
}
