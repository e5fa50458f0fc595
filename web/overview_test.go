package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/event"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/volume"
)

// What is wrong comes first, the worst first, each with its place, its reason and what
// to do.
func TestWhatIsWrong(t *testing.T) {
	page := newRig(t, host(78)).page("/overview")
	section := page.byID(t, "wrong")
	var got []string
	for _, li := range section.all("li", "") {
		got = append(got, li.text())
	}
	want := []string{
		"O offline archive volume, netapp The SVM is stopped.",
		"F failing sdaq · EX00016 A, slot 16 · tank raidz2-0 24 sectors could not be read and wait to be replaced. Its fault light is on. Replace the drive.",
		"D down p2 proxy Connection refused.",
		"W DEGRADED tank ZFS pool DEGRADED: sdaq (A, slot 16) of raidz2-0 is faulted; resilvering, 25 %, about 3 h left.",
		"W warning sdau · EX00020 A, slot 20 · tank raidz2-0 The drive's own words. Check the fans and the airflow.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h := section.all("h2", "")[0].text(); h != "5 things are wrong" {
		t.Error(h)
	}
	var bold []string
	for _, s := range section.all("strong", "") {
		bold = append(bold, s.text())
	}
	if !slices.Equal(bold, []string{"Replace the drive.", "Check the fans and the airflow."}) {
		t.Errorf("bold: %q", bold)
	}
	if href := section.all("a", "")[1].get("href"); href != "drives/sdaq" {
		t.Errorf("the drive leads to %s", href)
	}
}

// Of many things ten are shown, and all where all are asked for.
func TestManyThingsAreWrong(t *testing.T) {
	o := host(0)
	o.Pools, o.Volumes, o.Proxies = nil, nil, nil
	for n := range 44 {
		o.Outside = append(o.Outside, *drive(n, judged(assess.Warning, "grown_defects", 3)))
	}
	o.Counts = o.Count()
	r := newRig(t, o)
	page := r.page("/overview?show=hours")
	section := page.byID(t, "wrong")
	if n := len(section.all("li", "")); n != fewProblems || !strings.Contains(section.text(), "44 things are wrong") {
		t.Errorf("%d rows: %s", n, section.text())
	}
	more := section.all("p", "more")[0].all("a", "")[0]
	if more.text() != "and 34 more" || more.get("href") != "overview?show=hours&wrong=all" {
		t.Errorf("%s %s", more.text(), more.get("href"))
	}
	if n := len(r.page("/"+more.get("href")).byID(t, "wrong").all("li", "")); n != 44 {
		t.Errorf("%d of all", n)
	}
}

func TestNothingIsWrong(t *testing.T) {
	o := host(0)
	o.Pools, o.Proxies, o.Volumes = nil, nil, o.Volumes[:1]
	o.Errors = map[string]string{"pools": overview.ErrNotObserved.Error()} // by the configuration
	o.Outside = append(o.Outside, *drive(1, sleeping))
	o.Counts = o.Count()
	section := newRig(t, o).page("/overview").byID(t, "wrong")
	if got := section.text(); got != "Nothing is wrong All is well: 2 drives, 1 volume." {
		t.Error(got)
	}
}

// Each of these is one row, of the state and with the words.
func TestProblems(t *testing.T) {
	one := func(d *overview.Drive) func(*overview.Overview) {
		return func(o *overview.Overview) { o.Outside = append(o.Outside, *d) }
	}
	inSlot := func(s overview.Slot) func(*overview.Overview) {
		return func(o *overview.Overview) {
			o.Enclosures = append(o.Enclosures, overview.Enclosure{ID: "e", Slots: []overview.Slot{s}})
		}
	}
	lit := slotOf(4, drive(1))
	lit.Fault = new(true)
	bare := slotOf(5, nil)
	bare.Fault = new(true)
	critical := slotOf(6, nil)
	critical.Status, critical.Populated = "critical", new(true)
	dark := slotOf(7, nil)
	dark.Fault, dark.Populated = new(true), nil
	pool := func(p overview.Pool) func(*overview.Overview) {
		return func(o *overview.Overview) { o.Pools = append(o.Pools, p) }
	}
	for name, tt := range map[string]struct {
		change func(*overview.Overview)
		want   string // letter, name, place, reason, what to do; empty: nothing is wrong
	}{
		"asleep":                 {one(drive(1, sleeping)), ""},
		"only its enclosure's":   {inSlot(slotOf(1, drive(1, func(d *overview.Drive) { d.NotMonitored = true; d.Assessment.Verdict = assess.Unknown }))), ""},
		"asleep and failing":     {one(drive(1, sleeping, judged(assess.Failing, "smart_status", 1))), "F|sdab · EX00001|in no enclosure · tank raidz2-0|The drive's own words.|Replace the drive."},
		"unreadable":             {one(drive(1, func(d *overview.Drive) { d.Assessment.Verdict, d.Trouble = assess.Unknown, smart.TroublePermission })), "?|sdab · EX00001|in no enclosure · tank raidz2-0|The exporter may not open the drive.|Give its user the rights that docs/permissions.md names."},
		"an older report":        {one(drive(1, func(d *overview.Drive) { d.Trouble = smart.TroubleTimeout })), "?|sdab · EX00001|in no enclosure · tank raidz2-0|The drive does not answer in time. What is shown is its last report.|Check its cable, its power and the backplane."},
		"not read yet":           {one(drive(1, func(d *overview.Drive) { d.Assessment.Verdict, d.Error = assess.Unknown, "nothing observed yet" })), "?|sdab · EX00001|in no enclosure · tank raidz2-0|Nothing observed yet.|"},
		"light of a good drive":  {inSlot(lit), "W|slot 4|A, slot 4|The fault light is on, though sdab is ok.|"},
		"light of an empty one":  {inSlot(bare), "W|slot 5|A, slot 5|The fault light is on, and the slot is empty.|"},
		"pool is suspended":      {pool(overview.Pool{Name: "p", State: "SUSPENDED", Status: "I/O has failed.", Action: "Run zpool clear."}), "F|p|ZFS pool|SUSPENDED: I/O has failed.|Run zpool clear."},
		"pool with data errors":  {pool(overview.Pool{Name: "p", State: "ONLINE", DataErrors: new(uint64(3))}), "W|p|ZFS pool|3 errors in its data: files are damaged.|Restore the files that `zpool status -v p` names."},
		"pool with a bad spare":  {pool(overview.Pool{Name: "p", State: "ONLINE", Vdevs: []overview.Vdev{{Name: "/dev/x", Type: "disk", State: "UNAVAIL"}}}), "W|p|ZFS pool|It is online, but x is unavail.|"},
		"pool that counts":       {pool(overview.Pool{Name: "p", State: "ONLINE", Vdevs: []overview.Vdev{{Name: "x", Type: "disk", Parent: "mirror-0", State: "ONLINE", ChecksumErrors: new(uint64(3))}}}), "W|p|ZFS pool|It is online, but x of mirror-0 has 3 errors.|"},
		"pool with old features": {pool(overview.Pool{Name: "p", State: "ONLINE", Status: "Some features are not enabled.", Action: "Run zpool upgrade."}), ""},
		"volume": {func(o *overview.Overview) {
			o.Volumes = append(o.Volumes, overview.Volume{Name: "v", Backend: "nfs", Status: volume.Unavailable, Info: "credentials refused"})
		}, "U|v|volume, nfs|Credentials refused.|"},
		"drives not known": {func(o *overview.Overview) { o.Errors = map[string]string{"drives": "smartctl: not found"} }, "?|the drives|all of them|smartctl: not found.|"},
		"drives of enclosures, where none is observed": {func(o *overview.Overview) {
			inSlot(slotOf(1, drive(1, func(d *overview.Drive) { d.Assessment.Verdict = assess.Unknown })))(o)
			o.Errors = map[string]string{"drives": overview.ErrNotObserved.Error()}
		}, ""},
		"asleep with an older report":         {one(drive(1, sleeping, func(d *overview.Drive) { d.Trouble = smart.TroubleTimeout })), "?|sdab · EX00001|in no enclosure · tank raidz2-0|The drive does not answer in time. What is shown is its last report.|Check its cable, its power and the backplane."},
		"critical, and the drive is not seen": {inSlot(critical), "W|slot 6|A, slot 6|The enclosure calls the slot critical, and the system does not see the drive in it.|Pull it and put it back; if it stays so, replace it."},
		"light of what is not known":          {inSlot(dark), "W|slot 7|A, slot 7|The fault light is on. Whether there is a drive in it is not known.|"},
		"one data error":                      {pool(overview.Pool{Name: "p", State: "ONLINE", DataErrors: new(uint64(1))}), "W|p|ZFS pool|1 error in its data: files are damaged.|Restore the files that `zpool status -v p` names."},
	} {
		t.Run(name, func(t *testing.T) {
			o := &overview.Overview{BuiltAt: builtAt}
			tt.change(o)
			var got []string
			for _, p := range problemsOf(o, placesOf(o), drivePage) {
				got = append(got, strings.Join([]string{p.State.Letter, p.Name, p.Place, p.Reason, p.Do}, "|"))
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The picture of an enclosure has its slots in order, each with its letter, its value
// and a name that says all.
func TestSlots(t *testing.T) {
	r := newRig(t, host(78))
	card := r.page("/overview").byID(t, "enclosure-A")
	rows := card.all("ul", "row")
	if len(rows) != 2 || len(rows[0].all("li", "")) != 13 {
		t.Fatalf("%d rows", len(rows))
	}
	tiles := card.all("a", "tile")
	for n, tile := range tiles {
		if number := tile.all("span", "n")[0].text(); number != fmt.Sprint(n) {
			t.Errorf("place %d has slot %s", n, number)
		}
	}
	for n, want := range map[int]struct{ class, letter, name string }{
		0:  {"tile ok", "", "slot 0, sdaa, EX00000, ok, 30 °C"},
		16: {"tile failing", "F", "slot 16, sdaq, EX00016, failing, 37 °C, fault light on"},
		20: {"tile warning", "W", "slot 20, sdau, EX00020, warning, 32 °C"},
		21: {"tile asleep", "S", "slot 21, sdav, EX00021, asleep"},
	} {
		tile := tiles[n]
		letter := ""
		if b := tile.all("b", ""); len(b) > 0 {
			letter = b[0].text()
		}
		if tile.get("class") != want.class || letter != want.letter || tile.get("aria-label") != want.name || (len(tile.all("i", "dot")) > 0) != (n == 16) {
			t.Errorf("slot %d: class %q, letter %q, name %q", n, tile.get("class"), letter, tile.get("aria-label"))
		}
	}
	empties := r.page("/overview").byID(t, "enclosure-B").all("span", "tile")
	if len(empties) != 2 || empties[0].get("class") != "tile empty locate" || empties[0].get("aria-label") != "slot 26, empty, locate light on" ||
		empties[1].get("class") != "tile unknown" || empties[1].get("aria-label") != "slot 27, not known whether there is a drive" {
		t.Errorf("%v", empties)
	}
	blanks := newRig(t, host(78+20)).page("/overview").byID(t, "enclosure-D").all("li", "blank")
	if len(blanks) != 0 {
		t.Errorf("20 slots are full rows of 10, and have %d gaps", len(blanks))
	}
}

func TestOverlays(t *testing.T) {
	o := host(26)
	e := o.Enclosures[0].Slots
	e[1].Drive.TemperatureCelsius = new(58.0)
	e[2].Drive.PowerOnSeconds = new(8.0 * 365.25 * 86400)
	e[3].Drive.WearPercent, e[3].Drive.Errors = new(93.0), nil
	e[4].Drive.Errors = new(9.0)
	r := newRig(t, o)
	for show, want := range map[string][]string{
		"assessment":  {"tile ok||30 °C", "tile ok||58 °C"},
		"nonsense":    {"tile ok||30 °C", "tile ok||58 °C"},
		"temperature": {"tile heat0||30 °C", "tile heat4|H|58 °C"},
		"hours":       {"tile heat0||3.2 y", "tile heat0||3.2 y", "tile heat4||8.0 y"},
		"wear":        {"tile none||–", "tile none||–", "tile none||–", "tile heat4||93 %"},
		"errors":      {"tile heat0||0", "tile heat0||0", "tile heat0||0", "tile none||–", "tile heat2||9"},
		"pool":        {"tile hue0||T z2-0"},
	} {
		page := r.page("/overview?show=" + show)
		tiles := page.byID(t, "enclosure-A").all("a", "tile")
		for n, want := range want {
			letter := ""
			if b := tiles[n].all("b", ""); len(b) > 0 {
				letter = b[0].text()
			}
			if got := tiles[n].get("class") + "|" + letter + "|" + tiles[n].all("span", "v")[0].text(); got != want {
				t.Errorf("%s, slot %d: %q, want %q", show, n, got, want)
			}
		}
		// The verdict is seen in all of them.
		if failing := tiles[16]; failing.all("b", "")[0].text() != "F" || !strings.Contains(failing.get("class"), "failing") && !strings.Contains(failing.get("class"), "edge") {
			t.Errorf("%s: the failing drive is %q", show, failing.get("class"))
		}
		current := page.byID(t, "enclosures").all("nav", "overlays")[0]
		for _, a := range current.all("a", "") {
			if chosen := strings.EqualFold(a.text(), show) || show == "nonsense" && a.text() == "Assessment"; (a.get("aria-current") == "true") != chosen {
				t.Errorf("%s: %s is current %q", show, a.text(), a.get("aria-current"))
			}
		}
	}
}

// The second actuator of a drive is seen.
func TestMoreDrivesInASlot(t *testing.T) {
	s := slotOf(1, drive(1))
	s.More = []overview.Drive{*drive(2, judged(assess.Failing, "smart_status", 1))}
	c := &scene{show: showAssessment}
	if tile := c.slot(&s); tile.Letter != "F" || tile.Class != "failing" || !strings.Contains(tile.Name, "and sdac, failing") {
		t.Errorf("%+v", tile)
	}
}

// The tables say what the data says, and a dash where nothing is known.
func TestTables(t *testing.T) {
	r := newRig(t, host(78))
	r.events = func() (event.Page, error) {
		return event.Page{Events: []event.Event{{ID: "1", Time: builtAt, Subject: event.Subject{Kind: event.Drive, Name: "sdaq"}, State: "failing", Previous: "ok", Reason: "worn", Host: "storage-01"}}}, nil
	}
	page := r.page("/overview")
	for id, want := range map[string][]string{
		"volumes-table":   {"home healthy xfs 1,240 – 5.2 GB/s – 2 ms – 63 % of 120 TB", "archive offline netapp – – – – – – unknown"},
		"proxies-table":   {"p1 healthy 2 healthy 2026-11-20 12:00:00 UTC", "p2 down – – Connection refused."},
		"events-table":    {"2026-11-20 12:00:00 UTC drive sdaq failing ok storage-01 Worn."},
		"pool-tank-wrong": {"raidz2-0 DEGRADED data – – –", "sdaq1 FAULTED data sdaq A, slot 16 213 – –"},
		"pool-tank-all":   {"raidz2-0 DEGRADED data – – –", "sdaq1 FAULTED data sdaq A, slot 16 213 – –", "sdaa1 ONLINE data sdaa A, slot 0 – – –"},
	} {
		var got []string
		for _, tr := range page.byID(t, id).all("tbody", "")[0].all("tr", "") {
			got = append(got, tr.text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	bar := page.byID(t, "volumes-table").all("rect", "fill")
	if len(bar) != 1 || bar[0].get("width") != "63" {
		t.Errorf("the bar: %v", bar)
	}
	if p := page.byID(t, "pool-tank").all("progress", ""); len(p) != 1 || p[0].get("value") != "25" {
		t.Error("the resilver has no progress")
	}
	var counts []string
	for _, a := range page.all("ul", "counts")[0].all("a", "") {
		counts = append(counts, a.text()+" > "+a.get("href"))
	}
	if want := []string{
		"79 drives 76 ok · 1 asleep · 1 warning · 1 failing > drives", "3 enclosures 80 slots · 1 empty · 1 fault > #enclosures", "1 pool 1 degraded > #pools",
		"2 volumes 1 healthy · 1 offline > #volumes", "2 proxies 1 healthy · 1 down > #proxies",
	}; !slices.Equal(counts, want) {
		t.Errorf("%q", counts)
	}
}

// The events are asked for once in five seconds, by one request at a time, and a store
// that does not answer costs the page its events alone.
func TestEventsOfAPage(t *testing.T) {
	r := newRig(t, host(1))
	asked := 0
	r.events = func() (event.Page, error) { asked++; return event.Page{}, errors.New("the store is down") }
	for range 3 {
		if got := r.page("/overview").byID(t, "events").text(); got != "Newest events The store is down." {
			t.Error(got)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	r.pages.recent.at = time.Now().Add(-time.Minute)
	before := r.ask("/overview").Header().Get("ETag")
	r.events = func() (event.Page, error) {
		return event.Page{Events: []event.Event{{ID: "1", Time: builtAt, Subject: event.Subject{Kind: event.Volume, Name: "v"}, State: "offline", Previous: "healthy"}}}, nil
	}
	r.pages.recent.at = time.Now().Add(-time.Minute)
	gone, leave := context.WithCancel(t.Context())
	leave() // what is read for all does not end with the one who asked
	r.mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/overview", nil))
	if after := r.ask("/overview"); after.Header().Get("ETag") == before || !strings.Contains(after.Body.String(), "volume v") {
		t.Error("a new event is not shown before the next generation")
	}
}

func TestMarksOfPools(t *testing.T) {
	o := &overview.Overview{}
	for _, name := range []string{"tank", "tub", "t", "TANK", "b", "9", "8", ""} {
		o.Pools = append(o.Pools, overview.Pool{Name: name})
	}
	marks, seen := marksOf(o), map[string]bool{}
	for name, m := range marks {
		if m.Letter == "" || seen[m.Letter] {
			t.Errorf("%q has the letter %q", name, m.Letter)
		}
		seen[m.Letter] = true
	}
	if marks["tank"].Letter != "T" || marks["tub"].Letter != "U" {
		t.Errorf("%v", marks)
	}
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA"} {
		if got := letters(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}
