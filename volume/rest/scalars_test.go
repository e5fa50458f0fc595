package rest_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

type scalars struct {
	F  rest.Float
	I  rest.Int
	T  rest.Text
	B  rest.Flag
	At rest.Time
}

func TestScalars(t *testing.T) {
	day := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	tests := []struct {
		json string
		want scalars
	}{
		{`null`, scalars{}},
		{`{}`, scalars{}},
		{`[1]`, scalars{}},
		{`{"value": 1}`, scalars{}},
		{`""`, scalars{}},
		{`"NaN"`, scalars{T: "NaN"}},
		{`"Infinity"`, scalars{T: "Infinity"}},
		{`"n/a"`, scalars{T: "n/a"}},
		{`"0x10"`, scalars{T: "0x10"}},
		{`"1_0"`, scalars{T: "1_0"}},
		{`true`, scalars{T: "true", B: rest.Flag{Value: true, Valid: true}}},
		{`"No"`, scalars{T: "No", B: rest.Flag{Valid: true}}},
		{`0`, scalars{F: rest.Float{Valid: true}, I: rest.Int{Valid: true}, T: "0", B: rest.Flag{Valid: true}}},
		{`-1`, scalars{F: rest.Float{Value: -1, Valid: true}, I: rest.Int{Value: -1, Valid: true}, T: "-1"}},
		{`" 42 "`, scalars{F: rest.Float{Value: 42, Valid: true}, I: rest.Int{Value: 42, Valid: true}, T: " 42 "}},
		{`12.75`, scalars{F: rest.Float{Value: 12.75, Valid: true}, I: rest.Int{Value: 12, Valid: true}, T: "12.75"}},
		{`1e3`, scalars{F: rest.Float{Value: 1000, Valid: true}, I: rest.Int{Value: 1000, Valid: true}, T: "1e3"}},
		{`1000000000000000001`, scalars{F: rest.Float{Value: 1e18, Valid: true}, I: rest.Int{Value: 1000000000000000001, Valid: true}, T: "1000000000000000001"}},
		{`99999999999999999999`, scalars{F: rest.Float{Value: 1e20, Valid: true}, T: "99999999999999999999"}},
		{`1e400`, scalars{T: "1e400"}},
		{`1741064767`, scalars{F: rest.Float{Value: 1741064767, Valid: true}, I: rest.Int{Value: 1741064767, Valid: true}, T: "1741064767", At: rest.Time{Time: day}}},
		{`1741064767000`, scalars{F: rest.Float{Value: 1741064767000, Valid: true}, I: rest.Int{Value: 1741064767000, Valid: true}, T: "1741064767000", At: rest.Time{Time: day}}},
		{`"2025-03-04T05:06:07Z"`, scalars{T: "2025-03-04T05:06:07Z", At: rest.Time{Time: day}}},
		{`"2025-03-04T06:06:07+01:00"`, scalars{T: "2025-03-04T06:06:07+01:00", At: rest.Time{Time: day}}},
		{`"2025-03-04T05:06:07.000"`, scalars{T: "2025-03-04T05:06:07.000", At: rest.Time{Time: day}}},
		{`"2025-03-04 05:06:07"`, scalars{T: "2025-03-04 05:06:07", At: rest.Time{Time: day}}},
		{`"2025-03-04T05:06:07+0000"`, scalars{T: "2025-03-04T05:06:07+0000", At: rest.Time{Time: day}}},
		{`"0001-01-01T00:00:00Z"`, scalars{T: "0001-01-01T00:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.json, func(t *testing.T) {
			// Each replaces what was there.
			got := scalars{F: rest.Float{Value: 5, Valid: true}, I: rest.Int{Value: 5, Valid: true}, T: "5", B: rest.Flag{Valid: true}, At: rest.Time{Time: day}}
			doc := `{"f": ` + tt.json + `, "i": ` + tt.json + `, "t": ` + tt.json + `, "b": ` + tt.json + `, "at": ` + tt.json + `}`
			if err := json.Unmarshal([]byte(doc), &got); err != nil {
				t.Fatal(err)
			}
			volumetest.Same(t, tt.want, got)
		})
	}
}

func TestAmounts(t *testing.T) {
	for _, n := range []float64{-1, -0.5} {
		if (rest.Float{Value: n, Valid: true}).Amount() != nil || (rest.Int{Value: int64(math.Floor(n)), Valid: true}).Amount() != nil {
			t.Errorf("%v is an amount", n)
		}
	}
	if (rest.Float{}).Amount() != nil || (rest.Int{}).Amount() != nil || (rest.Float{}).Ptr() != nil || (rest.Int{}).Ptr() != nil {
		t.Error("nothing is something")
	}
	if *(rest.Float{Value: 2, Valid: true}).Amount() != 2 || *(rest.Int{Value: 2, Valid: true}).Amount() != 2 || *(rest.Int{Value: -2, Valid: true}).Ptr() != -2 {
		t.Error("lost")
	}
}

// Whatever is in a document, a scalar never spoils the rest of it, and none is
// something that cannot be.
func FuzzScalars(f *testing.F) {
	for _, s := range []string{`null`, `"1e5"`, `-1`, `1e999`, `"2025-03-04T05:06:07Z"`, `[{}]`, `"\u0000"`, `true`, `9007199254740993`, `"NaN"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		var got struct {
			scalars
			Last rest.Text
		}
		doc := `{"f": ` + value + `, "i": ` + value + `, "t": ` + value + `, "b": ` + value + `, "at": ` + value + `, "last": "here"}`
		if err := json.Unmarshal([]byte(doc), &got); err != nil || got.Last != "here" {
			t.Fatalf("%v, %q", err, got.Last)
		}
		if n := got.F.Value; math.IsNaN(n) || math.IsInf(n, 0) || !got.F.Valid && n != 0 || !got.I.Valid && got.I.Value != 0 {
			t.Errorf("%+v", got)
		}
		if n := got.F.Amount(); n != nil && *n < 0 {
			t.Errorf("%v", *n)
		}
		if got.I.Valid && math.Abs(float64(got.I.Value)-got.F.Value) > math.Max(1, math.Abs(got.F.Value)/1e15) {
			t.Errorf("%v and %v", got.I.Value, got.F.Value)
		}
		if year := got.At.Year(); !got.At.IsZero() && (year < 1990 || year > 2200) {
			t.Errorf("%v", got.At)
		}
	})
}

// A value's first character decides nothing about the answer as a whole.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"list": [{"n": 1}]}`, `<html>`, ``, `null`, `[[]]`, `{"list": {"n": []}}`, `{"list": null}`, "\xef\xbb\xbf{}", `{"list": [{"n": 1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into struct{ List []struct{ N rest.Int } }
		if err := (&rest.Answer{Body: body}).Decode(&into); err != nil {
			if text := err.Error(); len(text) > 300 {
				t.Errorf("a long error: %s", text)
			}
			return
		}
		if !json.Valid(body) && !json.Valid(body[min(3, len(body)):]) {
			t.Error("no JSON was decoded")
		}
	})
}
