package cephfs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume/volumetest"
)

func TestRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		want   waiting
	}{
		"none":       {"{}\n", waiting{}},
		"one":        {`{"request":{"tid":23,"op":"lookup","path":"#0x1/nosuch","age":1.088267466,"mds":0}}`, waiting{1, request{"lookup", 1.088267466, 0}}},
		"three":      {`{"request":{"op":"a","age":1,"mds":0},"request":{"op":"b","age":5,"mds":2},"request":{"op":"c","age":3,"mds":1}}`, waiting{3, request{"b", 5, 2}}},
		"file lock":  {`{"request":{"op":"setfilelock","age":1e6,"mds":0},"request":{"op":"c","age":3,"mds":-1}}`, waiting{1, request{"c", 3, -1}}},
		"cut short":  {`{"request":{"op":"a","age":1,"mds":0},"request":{"op":"b"`, waiting{1, request{"a", 1, 0}}},
		"not for us": {`{"request":{"op":"a","age":"1","mds":0}}`, waiting{}},
		"negative":   {`{"request":{"op":"a","age":-1,"mds":0}}`, waiting{}},
		"a list":     {`[{"op":"a"}]`, waiting{}},
		"no JSON":    {"ERROR: (22)", waiting{}},
	} {
		t.Run(name, func(t *testing.T) {
			volumetest.Same(t, tt.want, parseRequests([]byte(tt.answer)), cmp.AllowUnexported(waiting{}))
		})
	}
	if text := (waiting{1, request{"c", 3, -1}}).text(); !strings.Contains(text, "of no metadata server yet") {
		t.Error(text)
	}
}

// Whatever comes, what is told of it is short and sound.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"request":{"op":"a","age":1,"mds":0},"request":{"op":"b","age":1e300,"mds":2}}`))
	f.Add([]byte(`{"request":null,"request":{}}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		w := parseRequests(answer)
		if w.count < 0 || w.count > len(answer) || w.oldest() < 0 || w.oldest() > 366*24*time.Hour {
			t.Errorf("%+v", w)
		}
		if text := w.text(); len(text) > 400 || (text == "") != (w.count == 0) || strings.ContainsAny(text, "\n\x00") {
			t.Errorf("%q", text)
		}
	})
}
