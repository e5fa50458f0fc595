package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/event"
)

func TestEvents(t *testing.T) {
	cfg := hostParts(t)
	var asked string
	cfg.Events = func(_ context.Context, f event.Filter, before string, n int) (event.Page, error) {
		asked = fmt.Sprintf("%v %v %s %d", f.Subjects, f.States, before, n)
		switch before {
		case "x":
			return event.Page{}, event.ErrBefore
		case "y":
			return event.Page{}, errors.New("the store is gone")
		case "z":
			return event.Page{Events: []event.Event{}}, nil
		}
		return event.Page{Events: []event.Event{{
			ID: "evt_1", Name: "volume_health_changed", Sequence: 3, Time: time.Unix(1768000000, 0).UTC(), Subject: event.Subject{Kind: event.Volume, Name: "v1"},
			State: "offline", Previous: "healthy", Reason: "gone", Host: "h", Link: "https://h/",
		}}, Next: "1-1"}, nil
	}
	get := asking(t, cfg)
	for _, c := range []struct {
		path   string
		status int
		has    string
		asked  string
	}{
		{"/api/events", 200, `"next":"1-1"`, "[] []  100"},
		{"/api/events?subject=volume:v1,drive&subject=proxy&state=offline&limit=7&before=1-1", 200, `"subject":{"kind":"volume","name":"v1"}`, "[volume:v1 drive proxy] [offline] 1-1 7"},
		{"/api/events?before=z", 200, `"events":[],"unreadable":0,"next":null`, ""},
		{"/api/events?subject=toaster", 400, "subjects must be volume", ""},
		{"/api/events?state=burnt", 400, "states must be", ""},
		{"/api/events?limit=0", 400, "limit must be 1 to 500", ""},
		{"/api/events?limit=501", 400, "limit must be 1 to 500", ""},
		{"/api/events?limit=x", 400, "limit must be 1 to 500", ""},
		{"/api/events?before=x", 400, "not the next of a page", ""},
		{"/api/events?before=y", 503, "the store is gone", ""},
	} {
		asked = ""
		w := get(c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s: %d %.400s", c.path, w.Code, w.Body)
		}
		if c.asked != "" && asked != c.asked || c.status == 400 && asked != "" && !slices.Contains([]string{"[] [] x 100"}, asked) {
			t.Errorf("%s: asked for %s", c.path, asked)
		}
	}
}
