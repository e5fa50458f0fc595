package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
)

// changes are the new states that were sent.
func (r *rig) changes() (all []string) {
	for _, e := range r.events() {
		all = append(all, e.State)
	}
	return all
}

func TestDebounce(t *testing.T) {
	tests := []struct {
		name string
		hold time.Duration
		seen string
		want string
	}{
		{"a first state", 0, "offline offline offline", ""},
		{"a change that holds", 0, "healthy offline offline offline", "offline"},
		{"a single look", 0, "healthy offline healthy healthy", ""},
		{"there and back", 0, "healthy offline offline healthy healthy", "offline healthy"},
		{"another before it holds", 0, "healthy offline degraded offline degraded degraded", "degraded"},
		{"back in between", 0, "healthy offline healthy offline offline", "offline"},
		{"a time, not long enough", 5 * time.Minute, "healthy offline offline offline offline offline", ""},
		{"a time", 5 * time.Minute, "healthy offline offline offline offline offline offline offline", "offline"},
		{"a time that begins anew", 3 * time.Minute, "healthy offline offline offline healthy offline offline offline", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, nil, func(r *rig) {
				r.Apply(tt.hold, nil)
				r.see("v1", strings.Fields(tt.seen)...)
				if got := r.changes(); !slices.Equal(got, strings.Fields(tt.want)) {
					t.Errorf("sent %v, want %s", got, tt.want)
				}
				for i, e := range r.events() {
					if e.Sequence != uint64(i+1) || e.ID == "" || e.Reason != "because" || e.Host != "storage-01" || e.Name != "volume_health_changed" {
						t.Errorf("%+v", e)
					}
				}
			})
		})
	}
}

// A change goes to the log, the counter and the history, each once, and the record says
// in the end that everybody has it.
func TestEventGoesEverywhere(t *testing.T) {
	run(t, hook(nil), func(r *rig) {
		r.see("v1", "healthy", "offline", "offline", "offline")
		page, err := r.List(t.Context(), Filter{}, "", 10)
		if err != nil || len(page.Events) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		e := page.Events[0]
		if e.Subject != (Subject{Volume, "v1"}) || e.State != "offline" || e.Previous != "healthy" || e.Link != "https://storage-01:9777/overview#volumes" {
			t.Errorf("%+v", e)
		}
		calls := r.receiver.got()
		if len(calls) != 1 || calls[0].event.ID != e.ID || calls[0].header.Get("webhook-id") != e.ID {
			t.Errorf("%+v", calls)
		}
		if late := calls[0].at.Sub(e.Time); late > 2*time.Second {
			t.Errorf("delivered %v after the observation that confirmed it", late)
		}
		if n := strings.Count(r.log.String(), "state has changed"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, r.log)
		}
		want := `
# HELP storage_webhook_deliveries_total Events that a webhook is done with, by outcome: delivered, failed (refused for good) or dropped (a newer state took its place, the queue was full, or it was too old).
# TYPE storage_webhook_deliveries_total counter
storage_webhook_deliveries_total{outcome="delivered",webhook="w"} 1
storage_webhook_deliveries_total{outcome="dropped",webhook="w"} 0
storage_webhook_deliveries_total{outcome="failed",webhook="w"} 0
# HELP storage_webhook_pending Events that wait for a webhook.
# TYPE storage_webhook_pending gauge
storage_webhook_pending{webhook="w"} 0
`
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(want), "storage_webhook_deliveries_total", "storage_webhook_pending"); err != nil {
			t.Error(err)
		}
		if n := testutil.ToFloat64(r.cfg.Metrics.events.WithLabelValues("volume", "offline")); n != 1 {
			t.Errorf("counted %v", n)
		}
		if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		if rec := r.record("storage:event:volume:v1"); rec.Unsent != nil || rec.State != "offline" || rec.Sequence != 1 {
			t.Errorf("%+v", rec)
		}
		if r.open() != 0 {
			t.Error("it is sent still")
		}
	})
}

func (r *rig) record(key string) record {
	r.t.Helper()
	items, err := r.store.Get(r.t.Context(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	rec, err := readRecord(items[0].Value)
	if err != nil || rec == nil {
		r.t.Fatalf("%s: %q, %v", key, items[0].Value, err)
	}
	return *rec
}

// Two replicas observe in turn, as where one is busy: what one has seen, the other
// confirms, and one of them sends.
func TestReplicasShareStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		a, b := newRig(t, store, "a", hook(nil)...), newRig(t, store, "b", hook(nil)...)
		defer a.Close()
		defer b.Close()
		a.see("v1", "healthy")
		b.see("v1", "offline")
		a.see("v1", "offline")
		b.see("v1", "offline", "healthy")
		a.see("v1", "healthy")
		all := append(a.events(), b.events()...)
		if len(all) != 2 || all[0].ID == all[1].ID || len(a.receiver.got())+len(b.receiver.got()) != 2 {
			t.Errorf("%+v", all)
		}
		// Replicas that judge differently do not alternate, even where they take turns.
		for range 5 {
			a.see("v2", "healthy")
			b.see("v2", "degraded")
		}
		if n := len(a.events()) + len(b.events()); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

// Replicas whose clocks are an hour apart: what one has seen first holds when the other
// sees it too, with a hold neither at once nor an hour later, whichever looks.
func TestClocksApart(t *testing.T) {
	for _, hold := range []time.Duration{0, 5 * time.Minute} {
		for _, apart := range []time.Duration{time.Hour, -time.Hour} {
			t.Run(fmt.Sprint(hold, apart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := cachestore.NewMemory()
					a, b := newRig(t, store, "a"), newRig(t, store, "b")
					defer a.Close()
					defer b.Close()
					look := func(r *rig, state string) {
						time.Sleep(time.Minute)
						o := Observation{Subject: Subject{Volume, "v1"}, State: state, At: time.Now()}
						if r == b {
							o.At = o.At.Add(apart)
						}
						r.Observe(o)
						synctest.Wait()
					}
					both := func() int { return len(a.events()) + len(b.events()) }
					for i, first := range []*rig{a, b} {
						second := []*rig{b, a}[i]
						first.Apply(hold, nil)
						second.Apply(hold, nil)
						for range 7 { // until it holds
							look(first, "healthy")
						}
						before := both()
						look(first, "offline")
						for minute := 1; both() == before; minute++ {
							if minute > 10 {
								t.Fatal("it does not hold")
							}
							want := max(1, int(hold/time.Minute))
							if look(second, "offline"); both() > before != (minute >= want) {
								t.Errorf("after %d minutes %d events", minute, both()-before)
							}
						}
					}
				})
			})
		}
	}
}

// A replica that ends between its claim and the delivery leaves the event to another,
// which sends it under the same id; to those that had it already, not again.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		two := append(hook(nil), hook(func(w *Webhook) { w.Name = "never"; w.States = []string{"healthy"} })...)
		a, b := newRig(t, store, "a", two...), newRig(t, store, "b", two...)
		defer b.Close()
		a.receiver.set(never)
		a.see("v1", "healthy", "offline", "offline")
		if len(a.receiver.got()) != 1 {
			t.Fatal("it was not tried")
		}
		a.cancel() // as if it was killed: the claim stays
		a.wg.Wait()
		time.Sleep(claimFor / 2)
		b.Observe(Observation{Subject: Subject{Volume, "v1"}, State: "offline"})
		synctest.Wait()
		if len(b.receiver.got()) != 0 {
			t.Error("sent by two")
		}
		b.see("v1", "offline")
		calls := b.receiver.got()
		if len(calls) != 1 || calls[0].event.ID != a.receiver.got()[0].event.ID || calls[0].header.Get("webhook-id") != calls[0].event.ID {
			t.Fatalf("%+v", calls)
		}
		if page, err := b.List(t.Context(), Filter{}, "", 10); err != nil || len(page.Events) != 1 {
			t.Errorf("the history has it %d times, %v", len(page.Events), err)
		}
		b.see("v1", "offline", "offline")
		if len(b.receiver.got()) != 1 || b.record("storage:event:volume:v1").Unsent != nil {
			t.Error("it is sent again")
		}
	})
}

// A replica that tries for long keeps its claim, so that no other sends; one that stood
// still for so long that another took over leaves it to that.
func TestClaimIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		a, b := newRig(t, store, "a", hook(nil)...), newRig(t, store, "b", hook(nil)...)
		defer a.Close()
		defer b.Close()
		a.receiver.set(answers(500))
		a.see("v1", "healthy", "offline", "offline")
		b.see("v1", slices.Repeat([]string{"offline"}, 10)...)
		if n := len(b.receiver.got()); n != 0 {
			t.Errorf("the other sent it %d times", n)
		}
		claim := claimKey("storage:event:volume:v1", 1)
		if err := store.Release(t.Context(), claim, "a"); err != nil {
			t.Fatal(err)
		}
		if held, err := store.Claim(t.Context(), claim, "c", time.Hour); !held || err != nil {
			t.Fatal(held, err)
		}
		time.Sleep(renewEvery)
		synctest.Wait()
		tried := len(a.receiver.got())
		time.Sleep(time.Hour)
		if n := len(a.receiver.got()); n != tried || a.open() != 0 {
			t.Errorf("sent %d times more", n-tried)
		}
	})
}

// What a process that was killed has not sent is in the cache file half a minute later:
// the next one sends it, under the same id.
func TestFileKeepsTheUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cache.db")
		open := func(path string) cachestore.Store {
			store, err := cachestore.OpenFile(path, cachestore.FileConfig{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
		first := open(path)
		defer first.Close()
		a := newRig(t, first, "a", hook(nil)...)
		defer a.Close()
		a.receiver.set(answers(503))
		a.see("v1", "healthy", "offline", "offline")
		time.Sleep(31 * time.Second)
		synctest.Wait()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := path + ".copy"
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
		second := open(copied)
		defer second.Close()
		b := newRig(t, second, "b", hook(nil)...)
		defer b.Close()
		b.see("v1", "offline")
		if calls := b.receiver.got(); len(calls) != 1 || calls[0].event.ID != a.receiver.got()[0].event.ID || calls[0].event.Previous != "healthy" {
			t.Errorf("%+v", calls)
		}
	})
}

// One that ends in order leaves it at once.
func TestCloseLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		a, b := newRig(t, store, "a", hook(nil)...), newRig(t, store, "b", hook(nil)...)
		defer b.Close()
		a.receiver.set(never)
		a.see("v1", "healthy", "offline", "offline")
		a.Close()
		b.Observe(Observation{Subject: Subject{Volume, "v1"}, State: "offline"})
		synctest.Wait()
		if len(b.receiver.got()) != 1 {
			t.Error("not sent by the other")
		}
	})
}

// A replica that has not sent an old state yet drops it when another has a newer one.
func TestNoOldStateAfterANewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		a, b := newRig(t, store, "a", hook(nil)...), newRig(t, store, "b", hook(nil)...)
		defer a.Close()
		defer b.Close()
		a.receiver.set(answers(500))
		a.see("v1", "healthy", "offline", "offline")
		tried := len(a.receiver.got())
		b.Observe(Observation{Subject: Subject{Volume, "v1"}, State: "healthy"})
		time.Sleep(time.Second)
		b.Observe(Observation{Subject: Subject{Volume, "v1"}, State: "healthy"})
		synctest.Wait()
		if calls := b.receiver.got(); len(calls) != 1 || calls[0].event.State != "healthy" {
			t.Fatalf("%+v", calls)
		}
		a.receiver.set(nil)
		time.Sleep(time.Hour)
		if n := len(a.receiver.got()); n != tried {
			t.Errorf("the old state was sent %d times more", n-tried)
		}
		if n := testutil.ToFloat64(a.cfg.Metrics.deliveries.WithLabelValues("w", dropped)); n != 1 {
			t.Errorf("%v dropped", n)
		}
	})
}

// While the store cannot be used observations wait, the newest two of each subject; so
// they do while it cannot say what it holds of one of them, as where a node is lost.
func TestStoreOutage(t *testing.T) {
	t.Run("all", func(t *testing.T) { storeOutage(t, false) })
	t.Run("a node", func(t *testing.T) { storeOutage(t, true) })
}

func storeOutage(t *testing.T, ofNode bool) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{Store: cachestore.NewMemory(), ofNode: ofNode}
		r := newRig(t, store, "a", hook(nil)...)
		defer r.Close()
		r.see("v1", "healthy")
		store.broken.Store(true)
		r.see("v1", "degraded", "degraded", "offline", "offline")
		if len(r.events()) != 0 {
			t.Error("sent what others may send")
		}
		store.broken.Store(false)
		time.Sleep(retryEvery)
		synctest.Wait()
		if got := r.changes(); !slices.Equal(got, []string{"offline"}) {
			t.Errorf("sent %v", got)
		}
		if len(r.receiver.got()) != 1 {
			t.Error("not delivered")
		}
		if strings.Contains(r.log.String(), "cannot be used") {
			t.Errorf("the outage is taken for what others wrote:\n%s", r.log)
		}
	})
}

// What others write into the store does no harm.
func TestHostileRecords(t *testing.T) {
	for _, raw := range []string{
		"", "{}", "[]", "null", "x", `{"state":"a\nb"}`, `{"state":7}`, `{"state":"` + strings.Repeat("x", 100) + `"}`,
		`{"state":"healthy","sequence":-1}`, `{"state":"healthy","unsent":{"previous":"offline","time":"0001-01-01T00:00:00Z"}}`,
		`{"state":"healthy","next":{"state":"` + strings.Repeat("y", 100) + `"}}`,
	} {
		run(t, nil, func(r *rig) {
			if err := r.store.Set(t.Context(), cachestore.SetItem{Key: "storage:event:volume:v1", Value: []byte(raw), TTL: time.Hour}); err != nil {
				t.Fatal(err)
			}
			r.see("v1", "healthy", "offline", "offline")
			if got := r.changes(); !slices.Equal(got, []string{"offline"}) {
				t.Errorf("%s: sent %v", raw, got)
			}
			if n := strings.Count(r.log.String(), "cannot be used"); n > 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"state":"offline","sequence":3,"next":{"state":"healthy","since":"2026-01-09T23:06:40Z"},"unsent":{"previous":"healthy","time":"2026-01-09T23:06:40Z","host":"h","done":["a"]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := readRecord(raw)
		if err != nil || r == nil {
			return
		}
		for _, state := range []string{"healthy", r.State} {
			next, _ := r.advance(Observation{State: state, At: time.Unix(1e9, 0)}, replica{"o", "h"}, time.Minute, time.Hour)
			again, err := readRecord(next.encode())
			if err != nil {
				t.Fatalf("%s of %s: %v", next.encode(), raw, err)
			}
			if again.Unsent != nil && strings.ContainsAny(again.event("k", Subject{Volume, "v"}, "").Reason, "\n\r\x00") {
				t.Error("a control character")
			}
		}
	})
}

func TestHistory(t *testing.T) {
	run(t, nil, func(r *rig) {
		for i := range 6 {
			name := fmt.Sprint("v", i%2)
			r.see(name, "healthy", "healthy", "offline", "offline")
		}
		r.Observe(Observation{Subject: Subject{Drive, "sda"}, Key: "wwn", State: "ok"})
		for range 2 {
			time.Sleep(time.Minute)
			r.Observe(Observation{Subject: Subject{Drive, "sda"}, Key: "wwn", State: "failing"})
			synctest.Wait()
		}
		for _, junk := range []string{"x", "{}", `{"id":"a","time":"2026-01-09T23:06:40Z","subject":{"kind":"toaster","name":"t"},"state":"burnt"}`} {
			if _, err := r.store.Append(t.Context(), historyKey, 100, []byte(junk)); err != nil {
				t.Fatal(err)
			}
		}
		all, err := r.List(t.Context(), Filter{}, "", 100)
		if err != nil || len(all.Events) != 11 || all.Unreadable != 3 || all.Next != "" {
			t.Fatalf("%d events, %d unreadable, next %q, %v", len(all.Events), all.Unreadable, all.Next, err)
		}
		if all.Events[0].Subject.Name != "sda" || all.Events[0].Name != "drive_assessment_changed" {
			t.Errorf("the newest is %+v", all.Events[0])
		}
		for _, tt := range []struct {
			filter Filter
			want   int
		}{
			{Filter{Subjects: []string{"drive"}}, 1}, {Filter{Subjects: []string{"volume:v0"}}, 5}, {Filter{States: []string{"healthy"}}, 4},
			{Filter{Subjects: []string{"volume:v0", "drive"}, States: []string{"offline", "failing"}}, 4}, {Filter{Subjects: []string{"proxy"}}, 0},
		} {
			var got []Event
			for before := ""; ; {
				page, err := r.List(t.Context(), tt.filter, before, 2)
				if err != nil || len(page.Events) > 2 {
					t.Fatalf("%+v, %v", page, err)
				}
				got = append(got, page.Events...)
				if before = page.Next; before == "" {
					break
				}
			}
			if len(got) != tt.want {
				t.Errorf("%+v: %d events, want %d", tt.filter, len(got), tt.want)
			}
		}
		if _, err := r.List(t.Context(), Filter{}, "x", 1); !errors.Is(err, ErrBefore) {
			t.Errorf("a wrong page: %v", err)
		}
	})
}

// What is observed is remembered for as long as it is observed, also unchanged; and the
// state of what was not observed for a month is a first one.
func TestStateIsRemembered(t *testing.T) {
	run(t, nil, func(r *rig) {
		for range 40 {
			time.Sleep(24 * time.Hour)
			r.see("v1", "healthy")
		}
		r.see("v1", "offline", "offline")
		if got := r.changes(); !slices.Equal(got, []string{"offline"}) {
			t.Errorf("sent %v", got)
		}
		time.Sleep(recordLife)
		r.see("v1", "healthy", "healthy")
		if n := len(r.changes()); n != 1 {
			t.Errorf("%d events after a month", n)
		}
	})
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","name":"x","sequence":3,"time":"2026-01-09T23:06:40Z","subject":{"kind":"volume","name":"v1"},"state":"offline","previous":"healthy","reason":"a\nb","host":"h","link":"https://elsewhere/"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, ok := readEvent(cachestore.Appended{ID: "1-1", Value: raw})
		if !ok {
			return
		}
		if !slices.Contains(Kinds, e.Subject.Kind) || e.Name != names[e.Subject.Kind] || len(e.Reason) > longestReason || len(e.State) > longestState {
			t.Errorf("%+v", e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Error(err)
		}
	})
}

// A link leads people to the page that shows the subject.
func TestLink(t *testing.T) {
	for subject, want := range map[Subject]string{
		{Drive, "sda"}: "https://h/x/drives/sda", {Drive, "a/b?c"}: "https://h/x/drives/a%2Fb%3Fc", {Volume, "v"}: "https://h/x/overview#volumes", {Proxy, "p"}: "https://h/x/overview#proxies",
	} {
		if got := link("https://h/x/", subject); got != want || link("", subject) != "" {
			t.Errorf("%v leads to %s", subject, got)
		}
	}
}
