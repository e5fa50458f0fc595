package rest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func TestAnswers(t *testing.T) {
	tests := []struct {
		fault volumetest.Fault
		words string
	}{
		{volumetest.HTML(), "web page"}, {volumetest.Empty(), "empty"}, {volumetest.Truncated(), "cut off"}, {volumetest.Halved(), "cut off"},
		{volumetest.Bomb(), "larger than 16 MiB"}, {volumetest.Redirects(), "https://elsewhere.test"},
		{volumetest.Says("null", "", "null"), "null"}, {volumetest.Says("a list", "", "[1]"), "array"}, {volumetest.Says("text", "", "OK"), "not JSON"},
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
		{`{"items": "many"}`, new(struct{ Items []item }), "Items is a JSON string"},
		{`[{"name": "a", "list": {}}]`, new([]item), ""},
		{`[1, {"name": "a"}]`, new([]item), "number"},
		{`{"a": {"name": "a"}}`, new(map[string]item), ""},
		{`{} {}`, new(struct{}), "not JSON"},
		{"[" + strings.Repeat("{},", 250_000) + "{}]", new([]item), "more than 250000 objects"},
		{"[" + strings.Repeat("1,", 2_000_001) + "1]", new([]rest.Float), "or 2000000 values"},
	}
	for _, tt := range tests {
		a := &rest.Answer{Body: []byte(tt.body)}
		err := a.Decode(tt.into)
		if (err == nil) != (tt.bad == "") || err != nil && (!errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), tt.bad)) {
			t.Errorf("%.80s: %v", tt.body, err)
		}
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
