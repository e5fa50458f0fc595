package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"storage_exporter/cache"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// labels are the drives that the table shows, in order.
func labels(page document) (list []string) {
	for _, table := range page.all("table", "") {
		for _, th := range table.all("tbody", "")[0].all("th", "") {
			list = append(list, th.text())
		}
	}
	return list
}

func TestSearch(t *testing.T) {
	r := newRig(t, host(78))
	for query, want := range map[string][]string{
		"EX00016": {"sdaq"}, "ex00016": {"sdaq"}, "0x5000c50000000010": {"sdaq"}, " sdaq ": {"sdaq"}, "A, slot 16": {"sdaq"}, "slot 16 A,": {"sdaq"}, "A16": {"sdaq"},
		"slot 16": {"sdaq", "sdbq", "sdcq"}, "slot 1": {"sdab", "sdbb", "sdcb"}, "slot 99": nil, "/dev/sdaq": {"sdaq"}, "slot 16,": {"sdaq", "sdbq", "sdcq"}, "nvme": {"nvme0"}, "tank nvme": nil, "raidz2-0 sdaq": {"sdaq"}, "0x5003048000000002 slot 3": {"sdcd"},
		"\x00\u202e": nil, "no such thing": nil,
	} {
		got := labels(r.page("/drives?q=" + url.QueryEscape(query)))
		if query == "\x00\u202e" { // nothing is left of it
			got = got[:0:0]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	page := r.page("/drives?q=sdaq&sort=-hours")
	if input := page.byID(t, "q"); input.get("value") != "sdaq" || page.all("h1", "")[0].text() != "1 of 79 drives for “sdaq”" {
		t.Errorf("%q %q", input.get("value"), page.all("h1", "")[0].text())
	}
	form := page.all("form", "")[0]
	if form.get("action") != "drives" || form.get("method") != "get" || form.get("role") != "search" {
		t.Error("the search does not work without a script")
	}
	if n := len(labels(r.page("/drives?q=" + strings.Repeat("x", 5000)))); n != 0 {
		t.Errorf("%d drives", n)
	}
}

func TestSort(t *testing.T) {
	o := host(0)
	for n, change := range []func(*overview.Drive){
		func(d *overview.Drive) { d.Device, d.TemperatureCelsius, d.WearPercent = "sdb", new(40.0), new(3.0) },
		func(d *overview.Drive) {
			d.Device, d.TemperatureCelsius = "sdaa", nil
			d.Assessment.Verdict = assess.Failing
		},
		func(d *overview.Drive) { d.Device, d.TemperatureCelsius, d.Pools = "sdc", new(35.0), nil },
		func(d *overview.Drive) {
			d.Device, d.TemperatureCelsius, d.WearPercent = "nvme0", new(50.0), new(90.0)
			d.Assessment.Verdict = assess.Warning
		},
	} {
		o.Outside = append(o.Outside, *drive(n, change))
	}
	o.Outside = o.Outside[1:]
	o.Enclosures = []overview.Enclosure{{ID: "e", Slots: []overview.Slot{slotOf(7, &o.Outside[2])}}}
	o.Outside = append(o.Outside[:2:2], o.Outside[3])
	o.Counts = o.Count()
	r := newRig(t, o)
	for sort, want := range map[string]string{
		"": "sdaa nvme0 sdc sdb", "assessment": "sdaa nvme0 sdc sdb", "-assessment": "sdc sdb nvme0 sdaa", "nonsense": "sdaa nvme0 sdc sdb",
		"device": "nvme0 sdb sdc sdaa", "-device": "sdaa sdc sdb nvme0", "temperature": "sdc sdb nvme0 sdaa", "-temperature": "nvme0 sdb sdc sdaa",
		"-wear": "nvme0 sdb sdc sdaa", "wear": "sdb nvme0 sdc sdaa", "place": "sdc sdb sdaa nvme0", "-place": "sdc nvme0 sdaa sdb", "pool": "sdb sdaa nvme0 sdc",
	} {
		if got := strings.Join(labels(r.page("/drives?sort="+sort)), " "); got != want {
			t.Errorf("%s: %s, want %s", sort, got, want)
		}
	}
	page := r.page("/drives?sort=-temperature&state=ok")
	if got := strings.Join(labels(page), " "); got != "sdb sdc" {
		t.Errorf("those that are ok: %s", got)
	}
	for _, th := range page.all("th", "") {
		if title := th.text(); strings.HasPrefix(title, "Temperature") {
			if th.get("aria-sort") != "descending" || th.all("a", "")[0].get("href") != "drives?sort=temperature&state=ok" {
				t.Errorf("%s: %q, leads to %s", title, th.get("aria-sort"), th.all("a", "")[0].get("href"))
			}
		} else if th.get("aria-sort") != "" {
			t.Errorf("%s is sorted too", title)
		}
	}
}

// What stands below a head is of that column.
func TestCellsAreBelowTheirHeads(t *testing.T) {
	page := newRig(t, host(78)).page("/drives?q=sdaq")
	var heads, cells []string
	for _, th := range page.all("thead", "")[0].all("th", "") {
		heads = append(heads, th.all("a", "")[0].text())
	}
	for td := range page.all("tbody", "")[0].all("tr", "")[0].ChildNodes() {
		cells = append(cells, document{Node: td}.text())
	}
	got := map[string]string{}
	for i, head := range heads {
		got[head] = cells[i]
	}
	for head, want := range map[string]string{"State": "failing", "Drive": "sdaq", "Serial": "EX00016", "Model": "EXAMPLE 18TB", "Place": "A, slot 16", "Pool": "tank raidz2-0",
		"Size": "18 TB", "Temperature": "37 °C", "Power-on": "3.2 y", "Wear": "–", "Errors": "0"} {
		if got[head] != want {
			t.Errorf("%s: %q, want %q", head, got[head], want)
		}
	}
	if len(heads) != len(cells) || len(heads) != len(driveColumns) {
		t.Errorf("%d heads, %d cells", len(heads), len(cells))
	}
}

// A drive is found by its other names; which leads to its own address.
func TestNamesOfADrive(t *testing.T) {
	o := host(78)
	o.Enclosures[0].Slots[3].Drive.Paths = []string{"sdad", "sdzz"}
	r := newRig(t, o)
	for name, want := range map[string]string{"EX00003": "../drives/sdad", "0X5000C50000000003": "../drives/sdad", "sdzz": "../drives/sdad"} {
		if w := r.ask("/drives/" + name); w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("Location"))
		}
	}
	w := r.ask("/drives/nope")
	if page := parsed(t, w.Body.String()); w.Code != 404 || page.all("a", "skip")[0].text() == "" || page.all("link", "")[1].get("href") != "../"+styleAsset.name || !strings.Contains(page.text(), "There is no drive \"nope\" now.") {
		t.Errorf("%d %s", w.Code, page.text())
	}
	o.Outside = append(o.Outside, *drive(3, func(d *overview.Drive) { d.Device = "sdxy" })) // the same serial number
	r.show(o)
	if w := r.ask("/drives/EX00003"); w.Code != 404 {
		t.Errorf("a name of two drives: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := r.ask("/drives/%2Fdev%2Fsdzz"); w.Code != 303 || w.Header().Get("Location") != "../drives/sdad" {
		t.Errorf("a path: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// Until the drives are known, nothing is said of how many there are.
func TestDrivesAreNotKnown(t *testing.T) {
	o := host(0)
	o.Errors = map[string]string{"drives": "the first scan is under way"}
	o.Outside = nil
	r := newRig(t, o)
	page := r.page("/drives")
	if got := page.all("h1", "")[0].text(); got != "The drives are not known" || !strings.Contains(page.text(), "the first scan is under way") || strings.Contains(page.text(), "No drive is like that") {
		t.Errorf("%s: %s", got, page.text())
	}
	if w := r.ask("/drives/sda"); w.Code != 503 {
		t.Errorf("a drive: %d", w.Code)
	}
}

// A drive that cannot be read is not well because of an older report.
func TestOlderReport(t *testing.T) {
	o := host(1)
	o.Outside = []overview.Drive{*drive(1, func(d *overview.Drive) { d.Trouble = smart.TroubleTimeout })}
	o.Counts = o.Count()
	r := newRig(t, o)
	if got := labels(r.page("/drives?state=unknown")); !slices.Equal(got, []string{"sdab"}) {
		t.Errorf("unknown are %q", got)
	}
	if got := r.page("/overview").all("ul", "counts")[0].text(); !strings.Contains(got, "1 unknown") {
		t.Error(got)
	}
}

func TestDrivePage(t *testing.T) {
	r := newRig(t, host(78))
	page := r.page("/drives/sdaq")
	if title := page.byID(t, "drive-title").text(); title != "sdaq failing A, slot 16" {
		t.Error(title)
	}
	if href := page.byID(t, "drive-title").all("a", "")[0].get("href"); href != "../overview#enclosure-A" {
		t.Error(href)
	}
	main := page.byID(t, "main").text()
	for _, want := range []string{"24 sectors could not be read and wait to be replaced. Replace the drive.", "Serial EX00016", "WWN 0x5000c50000000010", "Temperature 37 °C, its limit is 60 °C", "Power-on time 3.2 y, 28,051 h", "Size 18 TB", "tank raidz2-0 data ONLINE"} {
		if !strings.Contains(main, want) {
			t.Errorf("does not say %q: %s", want, main)
		}
	}
	if main := r.page("/drives/nvme0").byID(t, "main").text(); !strings.Contains(main, "in no known slot") || !strings.Contains(main, "In no pool that is known.") {
		t.Error(main)
	}
}

// Of a drive that is read, the page has every rule, and what people judge it by.
func TestReportOfADrive(t *testing.T) {
	at := func(n float64) *float64 { return &n }
	rep := &report.Report{
		Device: report.Answer{Protocol: report.ProtocolATA}, RotationRate: at(7200), Passed: new(true), ModelFamily: "Example", FirmwareVersion: "EX04", PowerCycles: at(20), Temperatures: map[string]float64{"current": 37},
		ATA: &report.ATA{Attributes: []report.Attribute{
			{ID: 5, Name: "Reallocated_Sector_Ct", Raw: at(2), RawString: "2", Value: at(100), Worst: at(100), Thresh: at(10)}, {ID: 3, Name: "Spin_Up_Time", Raw: at(1)},
			{ID: 3, Name: "Spin_Up_Time", WhenFailed: "past"}, {ID: 197, Name: "Current_Pending_Sector", Raw: at(49), RawString: "49"},
		}},
		SelfTests: []report.SelfTest{{Type: "Short offline", Result: "Completed", Passed: new(true), PowerOnHours: at(4000)}, {Type: "Extended", Result: "Aborted"}},
	}
	l := listOf(host(78))[16]
	v := driveOf(&l, readings{report: cache.Result[report.Report]{Snapshot: cache.Snapshot[report.Report]{Value: rep}}, document: cache.Result[json.RawMessage]{Snapshot: cache.Snapshot[json.RawMessage]{Value: new(json.RawMessage(`{"smartctl":{"version":[7,4]}}`))}}})
	var ids []string
	for _, a := range v.Attributes {
		ids = append(ids, a.ID+" "+a.Raw+" "+a.Failed)
	}
	if !slices.Equal(ids, []string{"5 2 –", "3 – past", "197 49 –"}) {
		t.Errorf("attributes %q", ids)
	}
	if v.Tests[0].State.Word != "passed" || v.Tests[0].At != "4,000 h" || v.Tests[1].State.Word != "no result" {
		t.Errorf("%+v", v.Tests)
	}
	if !strings.Contains(v.Document, "\"version\": [") || v.Whole != "" {
		t.Errorf("%q", v.Document)
	}
	list, rest := rulesOf(assess.Examine(rep, assess.Thresholds{"spin_retries": assess.Off, "reallocated_sectors": 3}))
	if n := len(assess.DefaultLimits()) - 1; len(list)+len(rest) != n {
		t.Errorf("%d and %d rules of %d", len(list), len(rest), n)
	}
	says := map[string]string{}
	for _, r := range slices.Concat(list, rest) {
		says[r.Rule] = strings.Join([]string{r.State.Word, r.Value, r.Limit}, "|")
	}
	for rule, want := range map[string]string{
		"pending_sectors": "failing|49|1", "reallocated_sectors": "ok|2|3", "smart_status": "ok|–|–", "attribute_failed_past": "warning|–|–", "spin_retries": "off|–|off",
		"media_errors": "not judged|–|1", "available_spare": "not judged|–|–",
	} {
		if says[rule] != want {
			t.Errorf("%s: %q, want %q", rule, says[rule], want)
		}
	}
	if list[0].Rule != "pending_sectors" || list[1].Rule != "attribute_failed_past" {
		t.Errorf("not the worst first: %+v", list[:2])
	}
}
