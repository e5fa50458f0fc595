package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
	"storage_exporter/smart/assess"
)

func TestCheckURL(t *testing.T) {
	for s, want := range map[string]string{
		"http://h:9777": "h:9777", "https://h": "h:443", "http://h": "h:80", "http://[::1]:9777": "[::1]:9777", "https://storage-01.example.com:9777": "storage-01.example.com:9777",
		"": "", "h:9777": "", "ftp://h:1": "", "http://": "", "http://h:9777/": "", "http://h:9777/x": "", "http://u:p@h:9777": "", "http://u@h": "", "http://h:9777?x": "", "http://h:9777#x": "",
		"http://h:0": "", "http://h:99999": "", "http://h:x": "", "http://h\n:1": "", "http://h b:1": "", "javascript:alert(1)": "", "HTTP://h:1": "", "http://h:": "h:80", "http://h%41:1": "",
		"http://" + strings.Repeat("h", 300) + ":1": "",
	} {
		if _, address, err := parseURL(s); address != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", s, address, err)
		}
	}
}

// A digest is small however much is wrong, and what does not fit is counted.
func TestDigestIsBounded(t *testing.T) {
	for _, failing := range []int{0, 1, 20, 50, 400} {
		raw := aDigest(t, "n", failing)
		d, err := decode("n", raw)
		if err != nil || len(raw) > maxDigest {
			t.Fatalf("%d failing: %d bytes, %v", failing, len(raw), err)
		}
		if len(d.Worst)+d.LeftOut != failing || len(d.Worst) < min(failing, 25) {
			t.Errorf("%d failing: %d listed, %d left out", failing, len(d.Worst), d.LeftOut)
		}
	}
	if one := aDigest(t, "n", 1); !strings.Contains(string(one), "12 reallocated sectors (id 5): such drives fail") {
		t.Errorf("%s", one)
	}
}

// What is worst comes first, each with its place; what is not known is absent.
func TestCompose(t *testing.T) {
	o := hostOverview()
	d := compose(o)
	want := `[{"kind":"volume","name":"gone","verdict":"failing","reason":"not mounted","place":"nfs"},` +
		`{"kind":"pool","name":"tank","verdict":"failing","reason":"SUSPENDED"},` +
		`{"kind":"drive","name":"sdb","verdict":"failing","reason":"worn out","place":"enc1/3"},` +
		`{"kind":"proxy","name":"p2","verdict":"failing","reason":"refused"},` +
		`{"kind":"volume","name":"slow","verdict":"warning","reason":"degraded","place":"xfs"},` +
		`{"kind":"pool","name":"pond","verdict":"warning","reason":"a device is missing"},` +
		`{"kind":"slot","name":"Bay 3","verdict":"warning","reason":"the fault light is on","place":"enc1/3"},` +
		`{"kind":"drive","name":"sdc","verdict":"unknown","reason":"timeout"},` +
		`{"kind":"proxy","name":"p3","verdict":"unknown"}]`
	if got := shown(t, d.Worst); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	wantCounts := `{"drives":{"total":3,"ok":1,"warning":0,"failing":1,"unknown":1},"slots":{"total":1,"populated":1,"empty":0,"fault":1},` +
		`"pools":{"total":2,"online":0,"degraded":1,"faulted":0,"other":1},"volumes":{"total":3,"healthy":1,"degraded":1,"offline":1,"unavailable":0,"unknown":0},` +
		`"proxies":{"total":3,"healthy":1,"unhealthy":1,"unknown":1}}`
	if got := shown(t, d.Counts); got != wantCounts {
		t.Errorf("%s\nwant %s", got, wantCounts)
	}
	o.Outside[0].Trouble = "stuck" // an older report says that it is well
	if got := shown(t, compose(o).Worst); !strings.Contains(got, `{"kind":"drive","name":"sda","verdict":"unknown","reason":"stuck"}`) {
		t.Errorf("a drive that cannot be read: %s", got)
	}
	o.Counts.Drives, o.Counts.Pools, o.Counts.Proxies = nil, nil, nil
	if got := shown(t, compose(o).Counts); strings.Contains(got, "drives") || strings.Contains(got, "pools") || strings.Contains(got, "proxies") {
		t.Errorf("what is not known: %s", got)
	}
}

// Every verdict of a drive has its count.
func TestCountsHaveAllVerdicts(t *testing.T) {
	for _, v := range assess.Verdicts {
		var c Counts
		if err := json.Unmarshal(fmt.Appendf(nil, `{"drives": {%q: 1}}`, v), &c); err != nil || !c.has(v) {
			t.Errorf("%s is not counted: %v", v, err)
		}
	}
}

// A node is live while its digest is, silent for seven days, and then gone.
func TestNodeFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		defer store.Close()
		a, b := sending(store, "a"), sending(store, "b")
		a.Start()
		b.Start()
		r := reading(t, store)
		defer r.Close()
		defer a.Close()
		states := func(want string) {
			t.Helper()
			time.Sleep(fresh)
			got := ""
			for _, n := range get(t, r).Nodes {
				got += n.Node + " " + string(n.State) + " "
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		states("a live b live ")
		time.Sleep(10 * time.Minute)
		states("a live b live ")
		b.Close()
		time.Sleep(life - interval - 2*fresh)
		states("a live b live ")
		time.Sleep(interval + 2*fresh)
		states("a live b silent ")
		if n := get(t, r).Nodes[1]; n.URL != "" || n.Counts != nil || n.LastSeen < 80 || n.LastSeen > 200 {
			t.Errorf("%+v", n)
		}
		time.Sleep(keep - 10*time.Minute)
		states("a live b silent ")
		time.Sleep(15 * time.Minute)
		states("a live ")
	})
}

// Whoever may write to the store may write anything.
func TestHostileDigests(t *testing.T) {
	store := cachestore.NewMemory()
	t.Cleanup(func() { _ = store.Close() })
	put(t, store, "good", aDigest(t, "good", 1))
	bad := map[string]string{
		"garbage":     `{`,
		"list":        `[]`,
		"null":        `null`,
		"empty":       ``,
		"other":       `{"node":"good"}`,
		"script":      `{"node":"script","url":"javascript:alert(1)"}`,
		"path":        `{"node":"path","url":"http://h:1/probe?target=x"}`,
		"credentials": `{"node":"credentials","url":"http://u:p@h:1"}`,
		"negative":    `{"node":"negative","counts":{"drives":{"total":-1}}}`,
		"overflow":    `{"node":"overflow","counts":{"volumes":{"total":9223372036854775807}}}`,
		"leftout":     `{"node":"leftout","left_out":-5}`,
		"rows":        `{"node":"rows","worst":[` + strings.TrimSuffix(strings.Repeat("{},", 51), ",") + `]}`,
		"large":       `{"node":"large","version":"` + strings.Repeat("x", maxDigest) + `"}`,
		"deep":        strings.Repeat("[", maxDigest),
	}
	for node, raw := range bad {
		put(t, store, node, []byte(raw))
	}
	put(t, store, "odd", []byte(`{"node":"odd","version":"1\u001b[31m\u202e","new":{"key":1},"counts":{"drives":{"total":2,"ok":2,"burnt":7}},
		"worst":[{"kind":"drive","name":"sd\u0007a`+strings.Repeat("x", 200)+`","verdict":"failing","reason":"<b>"},{"kind":"reactor","name":"r","verdict":"failing"},{"kind":"drive","name":"s","verdict":"ok"}]}`))
	for _, name := range []string{"a/b", "a:b", "-x", "a b", "\x1b[31m", strings.Repeat("x", 64), "é"} {
		put(t, store, name, aDigest(t, "good", 0))
	}
	if err := store.Set(t.Context(), cachestore.SetItem{Key: key("eternal"), Value: []byte(`{"node":"eternal"}`), TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	put(t, store, "eternal", nil)

	r := reading(t, store)
	f := get(t, r)
	if f.Totals.Nodes != (NodeCounts{Total: len(bad) + 3, Live: 2, Unknown: len(bad) + 1}) {
		t.Errorf("%+v", f.Totals.Nodes)
	}
	for _, n := range f.Nodes {
		if _, isBad := bad[n.Node]; (isBad || n.Node == "eternal") && (n.State != Unknown || n.Error == "" || n.Counts != nil || n.URL != "") {
			t.Errorf("%+v", n)
		}
	}
	odd, _ := f.Find("odd")
	if odd.Version != "1[31m" || len(odd.digest.Worst) != 1 || len(odd.digest.Worst[0].Name) > maxText || strings.Contains(odd.digest.Worst[0].Name, "\x07") {
		t.Errorf("%s %+v", shown(t, odd), odd.digest.Worst)
	}
	if got, want := testutil.ToFloat64(r.cfg.Metrics.dropped), float64(len(bad)+1+7); got != want {
		t.Errorf("%v dropped, want %v", got, want)
	}
	targets, err := f.Targets()
	if err != nil || len(targets) != 1 || targets[0] != (Target{"good", "http", "good:9777"}) {
		t.Errorf("%v, %v", targets, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(aDigest(f, "n", 3))
	f.Add([]byte(`{"node":"n","url":"http://h:1","counts":{"pools":{"total":1,"other":1}},"worst":[{"kind":"drive","name":"\u202e","verdict":"failing"}]}`))
	f.Add([]byte(`{"node":"n","counts":{"drives":null,"slots":{}},"worst":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := decode("n", raw)
		if err != nil {
			if !errors.Is(err, errDigest) {
				t.Error(err)
			}
			return
		}
		view := assemble([]Node{newNode("n", Live, 0, d)}, nil)
		if len(view.Worst) > maxWorst || view.WorstLeftOut < 0 || shown(t, view) == "" {
			t.Errorf("%+v", view)
		}
		for _, n := range view.Totals.all() {
			if *n < 0 {
				t.Errorf("%s", shown(t, view.Totals))
			}
		}
		if d.URL != "" && CheckURL(d.URL) != nil {
			t.Errorf("%q", d.URL)
		}
	})
}

// failing is a store that can be made to fail.
type failing struct {
	cachestore.Store
	whole error
	keys  map[string]error
	calls int
	most  int  // keys in one call
	loose bool // a value was not bounded
}

func (s *failing) Marked(ctx context.Context, set string, n int) ([]cachestore.Member, error) {
	if s.whole != nil {
		return nil, s.whole
	}
	return s.Store.Marked(ctx, set, n)
}

func (s *failing) Changed(ctx context.Context, known ...cachestore.Known) ([]cachestore.Item, error) {
	s.calls, s.most = s.calls+1, max(s.most, len(known))
	items, err := s.Store.Changed(ctx, known...)
	for i, k := range known {
		s.loose = s.loose || k.Most != maxDigest
		if s.keys[k.Key] != nil && err == nil {
			items[i] = cachestore.Item{Err: s.keys[k.Key]}
		}
	}
	return items, err
}

// A store that fails, or loses everything, takes no target away.
func TestTargetsOutliveTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: cachestore.NewMemory(), keys: map[string]error{}}
		defer store.Close()
		r := reading(t, store)
		defer r.Close()
		targets := func() string {
			t.Helper()
			time.Sleep(fresh)
			snap, err := r.Get(t.Context())
			if err != nil {
				return "error"
			}
			list, err := snap.Value.Targets()
			if err != nil {
				return "error"
			}
			return fmt.Sprint(list)
		}
		if got := targets(); got != "error" {
			t.Errorf("of an empty store: %s", got)
		}
		live := func() {
			for _, node := range []string{"a", "b"} {
				put(t, store, node, aDigest(t, node, 0))
			}
		}
		live()
		const both, onlyB = "[{a http a:9777} {b http b:9777}]", "[{b http b:9777}]"
		if got := targets(); got != both {
			t.Error(got)
		}
		store.keys[key("a")] = cachestore.ErrUnavailable // a node of a cluster
		if got := targets(); got != both {
			t.Errorf("one cannot be read: %s", got)
		}
		if f := get(t, r); f.Totals.Volumes.Total != 1 || f.Totals.Nodes != (NodeCounts{Total: 2, Live: 1, Unknown: 1}) {
			t.Errorf("what is not known is counted: %s", shown(t, f.Totals))
		}
		r.held = nil // as after a restart
		if got := targets(); got != "error" {
			t.Errorf("one cannot be read, nothing is known of it: %s", got)
		}
		delete(store.keys, key("a"))
		if got := targets(); got != both {
			t.Error(got)
		}
		store.whole = cachestore.ErrUnavailable
		if got := targets(); got != both {
			t.Errorf("the store is away: %s", got)
		}
		time.Sleep(life)
		if got := targets(); got != "error" {
			t.Errorf("the store is away for long: %s", got)
		}
		store.whole = nil
		live()
		if got := targets(); got != both {
			t.Error(got)
		}
		store.Store = cachestore.NewMemory() // restarted, empty
		put(t, store, "b", aDigest(t, "b", 0))
		if got := targets(); got != both {
			t.Errorf("one has not come back yet: %s", got)
		}
		if n := get(t, r).Nodes[0]; n.Node != "a" || n.State != Unknown || n.Error == "" {
			t.Errorf("%+v", n)
		}
		for range 8 {
			time.Sleep(time.Minute)
			put(t, store, "b", aDigest(t, "b", 0))
			targets()
		}
		if got := targets(); got != onlyB {
			t.Errorf("one did not come back: %s", got)
		}
	})
}

// What was read is shown for five seconds, also while many ask; then only what was put
// anew is read, in pieces.
func TestReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: cachestore.NewMemory()}
		defer store.Close()
		for i := range 1200 {
			node := fmt.Sprintf("n%04d", i)
			put(t, store, node, aDigest(t, node, 1))
		}
		r := reading(t, store)
		defer r.Close()
		var first *Fleet
		for range 3 {
			first = get(t, r)
		}
		if store.calls != 3 || store.most != piece || store.loose {
			t.Errorf("%d calls, of %d, not bounded: %v", store.calls, store.most, store.loose)
		}
		if len(first.Worst) != maxRows || first.WorstLeftOut != 200 || first.Totals.Drives.Failing != 1200 || len(first.Nodes) != 1200 {
			t.Errorf("%d rows, %d left out, %s", len(first.Worst), first.WorstLeftOut, shown(t, first.Totals))
		}
		time.Sleep(fresh)
		again := get(t, r)
		if again == first || again.Nodes[7].digest != first.Nodes[7].digest || again.Nodes[7].LastSeen != 5 {
			t.Errorf("a digest that was not put anew was decoded again: %+v", again.Nodes[7])
		}
	})
}

func TestFilter(t *testing.T) {
	store := cachestore.NewMemory()
	t.Cleanup(func() { _ = store.Close() })
	put(t, store, "bad", aDigest(t, "bad", 2))
	put(t, store, "good", aDigest(t, "good", 0))
	put(t, store, "silent", nil)
	put(t, store, "broken", []byte("{"))
	f := get(t, reading(t, store))
	for _, tt := range []struct {
		by    Filter
		nodes string
		rows  int
	}{
		{Filter{}, "bad broken good silent", 2},
		{Filter{Nodes: []string{"silent", "bad", "bad"}}, "bad silent", 2},
		{Filter{States: []State{Silent, Unknown}}, "broken silent", 0},
		{Filter{States: []State{Live}}, "bad good", 2},
		{Filter{Verdicts: []assess.Verdict{assess.Failing}}, "bad", 2},
		{Filter{Verdicts: []assess.Verdict{assess.Warning}}, "", 0},
		{Filter{Nodes: []string{"good"}, Verdicts: []assess.Verdict{assess.Failing}}, "", 0},
	} {
		shown := f.Filter(tt.by)
		var names []string
		for _, n := range shown.Nodes {
			names = append(names, n.Node)
		}
		if got := strings.Join(names, " "); got != tt.nodes || len(shown.Worst) != tt.rows || shown.Totals.Nodes.Total != len(names) {
			t.Errorf("%+v: %q, %d rows, %+v", tt.by, got, len(shown.Worst), shown.Totals.Nodes)
		}
	}
}
