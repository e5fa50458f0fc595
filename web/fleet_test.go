package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/cache"
	"storage_exporter/fleet"
	"storage_exporter/internal/fleettest"
	"storage_exporter/overview"
)

var someNodes = map[string]string{
	"a": `{"node":"a","url":"https://a:9777","version":"1","counts":{"drives":{"total":2,"ok":1,"failing":1},"slots":{"total":2,"populated":2,"fault":1}},"worst":[` +
		`{"kind":"drive","name":"sdb","verdict":"failing","reason":"worn out","place":"e/1"},{"kind":"slot","name":"1","verdict":"warning","reason":"the fault light is on","place":"e/1"}]}`,
	"b": `{"node":"b","url":"http://b:9777","counts":{"volumes":{"total":2,"healthy":1,"degraded":1}},"worst":[{"kind":"volume","name":"v","verdict":"warning","reason":"slow","place":"nfs"}]}`,
	"c": "",
	"d": "{",
}

// fleetRig is a fleet with these digests; an empty one is of a silent node. The overview
// of a is in the store, too.
func fleetRig(t testing.TB, digests map[string]string) *fleet.Reader {
	t.Helper()
	r, _, c := fleettest.Reader(t, digests, 80*time.Second)
	put(t, c, "a", host(30))
	return r
}

// put has a node put something into the store as its overview.
func put(t testing.TB, c *cache.Cache, node string, value any) {
	t.Helper()
	key, origin := overview.Published("jbod:"+node+":", "node:"+node)
	if err := cache.Publish(t.Context(), c, cache.Publication{Key: key, Origin: origin, ObservedAt: builtAt, TTL: time.Minute}, &value); err != nil {
		t.Fatal(err)
	}
}

// What is wrong anywhere comes first, and the hosts that do not report.
func TestFleetPage(t *testing.T) {
	page := newRig(t, host(0), func(c *Config) { c.Fleet = fleetRig(t, someNodes) }).page("/fleet")
	var got []string
	for _, li := range page.byID(t, "wrong").all("li", "") {
		got = append(got, li.all("a", "")[0].get("href")+" "+li.text())
	}
	want := []string{
		"fleet/a F failing sdb a · drive · slot 1 of e Worn out.",
		"fleet/c ! silent c host It has not reported for 0 s.",
		"fleet/b W warning v b · volume · nfs Slow.",
		"fleet/d ? unknown d host Digest is invalid: unexpected end of JSON input.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h := page.byID(t, "wrong-title").text(); h != "4 things are wrong on 4 hosts" {
		t.Error(h)
	}
	var rows []string
	for _, tr := range page.byID(t, "nodes-table").all("tbody", "")[0].all("tr", "") {
		rows = append(rows, tr.text())
	}
	for i, want := range []string{"c silent", "d unknown", "a live", "b live"} {
		if !strings.HasPrefix(rows[i], want) {
			t.Errorf("row %d: %s", i, rows[i])
		}
	}
	if !strings.Contains(rows[2], " 2 1 0 – – – 1 open") || !strings.Contains(rows[3], "– – – – 1 of 2 healthy – – open") {
		t.Errorf("%q", rows)
	}
	if counts := page.all("ul", "counts")[0].text(); !strings.HasPrefix(counts, "4 hosts 2 live · 1 silent · 1 unknown 2 drives 1 ok · 1 failing") {
		t.Error(counts)
	}
}

// A node's overview is marked with the node, and its drives lead to the node's own
// pages. Where the node puts none, its digest is shown.
func TestNodePage(t *testing.T) {
	r := newRig(t, host(0), func(c *Config) { c.Fleet = fleetRig(t, someNodes) })
	page := r.page("/fleet/a")
	if head := page.byID(t, "node-title").text(); head != "a live as this host put it into the store" {
		t.Error(head)
	}
	if href := page.byID(t, "enclosure-A").all("a", "tile")[16].get("href"); href != "https://a:9777/drives/sdaq" {
		t.Error(href)
	}
	if own := page.byID(t, "main").all("p", "quiet")[0].all("a", "")[0].get("href"); own != "https://a:9777/overview" {
		t.Error(own)
	}
	if strings.Contains(page.source, "Newest events") {
		t.Error("this host's events are shown as the node's")
	}
	if digest := r.page("/fleet/b").byID(t, "wrong").text(); digest != "1 thing is wrong W warning v b · volume · nfs Slow." {
		t.Error(digest)
	}
	for node, want := range map[string]string{"c": "c silent as this host put it into the store It has not reported for 0 s. its own address is not known", "d": "Digest is invalid: unexpected end of JSON input."} {
		if text := r.page("/fleet/"+node).byID(t, "main").text(); !strings.Contains(text, want) {
			t.Errorf("%s: %s", node, text)
		}
	}
	tag := r.ask("/fleet/a").Header().Get("ETag")
	if w := r.ask("/fleet/a", "If-None-Match", tag); w.Code != 304 {
		t.Errorf("unchanged: %d", w.Code)
	}
}

// What another host has put into the store costs no more than an honest overview.
func TestHostileOverviews(t *testing.T) {
	for name, raw := range map[string]string{
		"too many":    `{"built_at":"2026-11-20T12:00:00Z","enclosures":[` + strings.Repeat(`{},`, maxParts) + `{}]}`,
		"no overview": `{"enclosures":"x"}`,
		"no state":    `{"volumes":[{"name":"v","status":"<script>"}]}`,
		"empty":       ``,
	} {
		if o, err := decodeOverview(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: %d enclosures", name, len(o.Enclosures))
		}
	}
	many := `{"built_at":"2026-11-20T12:00:00Z","drives_outside":[` + strings.Repeat(`{"device":"sda"},`, 100_000) + `{}],"counts":{"drives":{"total":-5}}}`
	o, err := decodeOverview(json.RawMessage(many))
	if err != nil {
		t.Fatal(err)
	}
	v := viewOf(o, "fleet/x", asked{show: showAssessment}, nil, nil)
	if len(v.Outside) != maxTiles || len(v.Problems) != fewProblems || v.Counts[0].N != "100,001" {
		t.Errorf("%d tiles, %d problems, %+v", len(v.Outside), len(v.Problems), v.Counts)
	}
	o, err = decodeOverview(json.RawMessage(`{"enclosures":[` + strings.Repeat(`{"slots":[{},{"drive":null},null]},`, 2000) + `{}],"pools":[` + strings.Repeat(`{"vdevs":[null,{}]},`, 2000) + `{}],"proxies":[{}],"volumes":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	v = viewOf(o, "fleet/x", asked{show: showPool, all: true}, nil, nil)
	if len(v.Enclosure) != maxEnclosures || len(v.Pools) != maxPools {
		t.Errorf("%d enclosures, %d pools", len(v.Enclosure), len(v.Pools))
	}
}
