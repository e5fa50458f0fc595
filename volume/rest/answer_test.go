package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

func TestAnswers(t *testing.T) {
	tests := []struct {
		fault appliancetest.Fault
		words string
	}{
		{appliancetest.HTML(), "web page"}, {appliancetest.Empty(), "empty"}, {appliancetest.Truncated(), "cut off"}, {appliancetest.Halved(), "cut off"},
		{appliancetest.Bomb(), "/x: the answer has a text of more than 64 KiB"}, {appliancetest.Redirects(), "https://elsewhere.test"},
		{appliancetest.Says("null", "", "null"), "null"}, {appliancetest.Says("a list", "", "[1]"), "array"}, {appliancetest.Says("text", "", "OK"), "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			within(t, rest.Auth{}, func(r *rig) {
				r.first.Break(tt.fault)
				_, err := r.get("/x?secret=1")
				is(t, err, rest.ErrBadAnswer, volume.Unavailable)
				if !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "secret") {
					t.Error(err)
				}
			}, echo)
		})
	}
}

func TestDecode(t *testing.T) {
	type item struct {
		Name rest.Text
		List []int
	}
	tests := []struct {
		body string
		into any
		bad  string // empty: decoded
	}{
		{"\xef\xbb\xbf {\"items\": [{\"name\": \"a\"}]}", new(struct{ Items []item }), ""},
		{`{"items": [{"name": "a", "list": "odd"}, {"name": "b"}], "other": 1}`, new(struct{ Items []item }), ""},
		{`{"items": "many"}`, new(struct{ Items []item }), "items is a JSON string"},
		{`[{"name": "a", "list": {}}]`, new([]item), ""},
		{`[1, {"name": "a"}]`, new([]item), "number"},
		{`{"a": {"name": "a"}}`, new(map[string]item), ""},
		{`{} {}`, new(struct{}), "not JSON"},
		{`{"a": [1, "b"], "C": {"name": "d"}, "e": {}}`, rest.Fields{"a": new(json.RawMessage), "C": new(item), "none": new(item)}, ""},
		{`[1]`, rest.Fields{}, "array"},
		{`{"items": [{"name": "a"}, 3]}`, new(struct{ Items []item }), "items is a JSON number"},
		{`{"a": null, "b": {"name": "b"}}`, new(struct{ A, B *item }), ""},
		{`{"items": [`, new(struct{ Items []item }), "cut off"},
		{`{"other": [[1, {`, new(struct{ Items []item }), "cut off"},
		{`{"items": [{}}`, new(struct{ Items []item }), "not JSON"},
		{`{"items": [{"name": "a"} {"name": "b"}]}`, new(struct{ Items []item }), "not JSON"},
		{"[" + strings.Repeat("{},", 250_000) + "{}]", new([]item), "takes more than 6 MiB"},
		{"[" + strings.Repeat("1,", 2_000_001) + "1]", new(struct{ Items []item }), "JSON array"},
		{`{"x": [` + strings.Repeat("1,", 2_000_001) + `1]}`, new(struct{ Items []item }), "more than 2000000 values"},
		{`{"x": ` + strings.Repeat("[", 1<<20), new(struct{ Items []item }), "more than 64 lists and objects"},
		{strings.Repeat(`{"a":`, 1<<20), new(json.RawMessage), "not JSON"},
		{`"` + strings.Repeat("a", 1<<20) + `"`, new(rest.Text), "text of more than 64 KiB"},
		{`{"items": [{"name": "` + strings.Repeat("a", 1<<20) + `"}]}`, new(struct{ Items []item }), "text of more than 64 KiB"},
	}
	for _, tt := range tests {
		a := &rest.Answer{Body: []byte(tt.body)}
		err := a.Decode(tt.into)
		if (err == nil) != (tt.bad == "") || err != nil && (!errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), tt.bad)) {
			t.Errorf("%.80s: %v", tt.body, err)
		}
	}
	// Only what is beyond the start of the body is read in pieces.
	many := &struct{ Items []item }{}
	if err := (&rest.Answer{Body: []byte(`{"items": [{"name": "x", "list": [1, 2]}` + strings.Repeat(`, {"name": "y"}`, 20_000) + `]}`)}).Decode(many); err != nil || len(many.Items) != 20_001 || len(many.Items[0].List) != 2 {
		t.Errorf("%d items, %v", len(many.Items), err)
	}
	two := &struct{ Items []item }{}
	if err := (&rest.Answer{Body: []byte(tests[1].body)}).Decode(two); err != nil || len(two.Items) != 2 || two.Items[1].Name != "b" {
		t.Errorf("one odd field costs the rest: %+v, %v", two, err)
	}
}

// The appliance's own clock tells the age.
func TestSampledAt(t *testing.T) {
	received := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	theirs := received.Add(5 * time.Hour)
	tests := []struct {
		name string
		date time.Time // zero for none
		at   time.Time
		want time.Time
	}{
		{"right clocks", received, received.Add(-minute), received.Add(-minute)},
		{"theirs is ahead", theirs, theirs.Add(-minute), received.Add(-minute)},
		{"in the future", received, received.Add(minute), received},
		{"no date", time.Time{}, received.Add(-minute), received.Add(-minute)},
		{"not told", received, time.Time{}, time.Time{}},
	}
	for _, tt := range tests {
		a := &rest.Answer{ReceivedAt: received, Header: http.Header{}}
		if !tt.date.IsZero() {
			a.Header.Set("Date", tt.date.Format(http.TimeFormat))
		}
		if got := a.SampledAt(tt.at); !got.Equal(tt.want) {
			t.Errorf("%s: %v, not %v", tt.name, got, tt.want)
		}
	}
}
