package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is a JSON string. A number or a bool is taken as it is written; null and
// everything else is "", which is absent.
type Text string

// UnmarshalJSON never fails.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(scalar(b))
	return nil
}

// String returns the text.
func (t Text) String() string { return string(t) }

// Float is a JSON number, or a string that holds one. Everything else, and what
// is not finite, is absent.
type Float struct {
	Value float64
	Valid bool
}

// UnmarshalJSON never fails.
func (f *Float) UnmarshalJSON(b []byte) error {
	*f = Float{}
	v, err := strconv.ParseFloat(number(b), 64)
	if err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		*f = Float{v, true}
	}
	return nil
}

// Ptr returns the number, nil where it is absent.
func (f Float) Ptr() *float64 {
	if !f.Valid {
		return nil
	}
	return &f.Value
}

// Amount is Ptr for what cannot be below zero, such as a rate: vendors write -1
// for "unknown".
func (f Float) Amount() *float64 {
	if f.Value < 0 {
		return nil
	}
	return f.Ptr()
}

// Int is a whole JSON number, exact up to 2^63, or a string that holds one; a
// fraction is cut off. Everything else is absent.
type Int struct {
	Value int64
	Valid bool
}

// UnmarshalJSON never fails.
func (i *Int) UnmarshalJSON(b []byte) error {
	*i = Int{}
	s := number(b)
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		*i = Int{v, true}
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && math.Abs(v) < math.MaxInt64 { // false for NaN, too
		*i = Int{int64(v), true}
	}
	return nil
}

// Ptr returns the number, nil where it is absent.
func (i Int) Ptr() *int64 {
	if !i.Valid {
		return nil
	}
	return &i.Value
}

// Amount is the number for what cannot be below zero, such as bytes or a
// counter; nil where it is absent or negative.
func (i Int) Amount() *uint64 {
	if !i.Valid || i.Value < 0 {
		return nil
	}
	return new(uint64(i.Value))
}

// Flag is a JSON bool, or a word or a number that means one.
type Flag struct {
	Value, Valid bool
}

// UnmarshalJSON never fails.
func (f *Flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(scalar(b)) {
	case "true", "yes", "1":
		*f = Flag{true, true}
	case "false", "no", "0":
		*f = Flag{false, true}
	default:
		*f = Flag{}
	}
	return nil
}

// Time is a moment: RFC 3339, with or without a zone (then UTC), or the seconds,
// milliseconds or microseconds since 1970. Everything else is the zero time.
type Time struct{ time.Time }

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
}

// UnmarshalJSON never fails.
func (t *Time) UnmarshalJSON(b []byte) error {
	*t = Time{}
	s := scalar(b)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		t.Time = sinceEpoch(n)
		return nil
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			t.Time = sane(at)
			return nil
		}
	}
	return nil
}

// sinceEpoch finds the unit by the size: in each, the time is in this century.
func sinceEpoch(n float64) time.Time {
	switch {
	case !(n >= 0 && n < 1e17): // NaN, too
		return time.Time{}
	case n < 1e11:
		return sane(time.UnixMicro(int64(n * 1e6)))
	case n < 1e14:
		return sane(time.UnixMilli(int64(n)))
	}
	return sane(time.UnixMicro(int64(n)))
}

// sane drops a time that no measurement can have, as by a clock that was never set.
func sane(t time.Time) time.Time {
	if year := t.Year(); year < 1990 || year > 2200 {
		return time.Time{}
	}
	return t.UTC()
}

// scalar is a JSON string's text, a number or a bool as written, and else "".
func scalar(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return ""
	}
	switch b[0] {
	case '"':
		var s string
		if json.Unmarshal(b, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(b)
}

// number is a number's text; a bool is none.
func number(b []byte) string {
	s := strings.TrimSpace(scalar(b))
	if strings.ContainsAny(s, "xXpP_") { // ParseFloat's own extras
		return ""
	}
	return s
}
