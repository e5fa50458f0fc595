package browser_test

import (
	"encoding/json"
	"testing"
	"time"

	"storage_exporter/overview"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// still opens an address until the API says the same before and after that, and calls
// see with what it says. Temperatures change now and then, ages always.
func still(t *testing.T, x *tab, url string, see func(o *overview.Overview)) {
	t.Helper()
	d := demoOf(t)
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		before := overviewOf(t, d)
		x.visit(url)
		if after := overviewOf(t, d); moving(t, before) == moving(t, after) {
			see(after)
			return
		}
	}
	t.Fatal("the API never says the same for the time of a page")
}

// moving is what of an overview is on the page.
func moving(t *testing.T, o *overview.Overview) string {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "built_at")
	delete(all, "volumes")
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range []string{"observed_at", "age_seconds", "checked_at", "stale", "scan", "power_on_seconds"} {
				delete(v, k)
			}
			for _, x := range v {
				strip(x)
			}
		case []any:
			for _, x := range v {
				strip(x)
			}
		}
	}
	strip(all)
	raw, _ = json.Marshal(all)
	return string(raw)
}

// stateOf is how a drive is, in a word.
func stateOf(d *overview.Drive) string {
	verdict := string(d.Assessment.Verdict)
	if (d.PowerMode == report.Standby || d.PowerMode == report.Sleep) && d.Assessment.Verdict == assess.OK {
		return "asleep"
	}
	return verdict
}

// letters are those of the states.
var letters = map[string]string{"ok": "", "asleep": "S", "warning": "W", "failing": "F", "unknown": "?"}

// drivesOf are the drives of all slots in order, nil for an empty one, then those in
// none.
func drivesOf(o *overview.Overview) (list []*overview.Drive) {
	for i := range o.Enclosures {
		for j := range o.Enclosures[i].Slots {
			list = append(list, o.Enclosures[i].Slots[j].Drive)
		}
	}
	for i := range o.Outside {
		list = append(list, &o.Outside[i])
	}
	return list
}
