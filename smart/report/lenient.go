package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"storage_exporter/internal/outside"
)

// The types of this file decode what smartctl prints without ever failing: a
// value of another shape is absent. Versions, bridges and firmware differ in
// what they print, and one odd field must not cost the whole report. Objects
// and arrays of another shape are skipped by encoding/json, see decode.

// number takes JSON numbers and strings that hold one, decimal or 0x-hexadecimal.
type number struct {
	value   float64
	present bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	*n = number{}
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if json.Unmarshal(b, &s) != nil {
			return nil
		}
		s = strings.TrimSpace(s)
	}
	if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		if u, err := strconv.ParseUint(hex, 16, 64); err == nil {
			*n = number{float64(u), true}
		}
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	// ParseFloat takes words such as "inf" as well: no measurement is one.
	if err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = number{v, true}
	}
	return nil
}

// signed is the number as it is, such as a temperature.
func (n number) signed() *float64 {
	if !n.present {
		return nil
	}
	return new(n.value + 0) // -0 becomes 0
}

// count is the number where only zero and above make sense: some bridges say
// -1 for "unknown".
func (n number) count() *float64 {
	if n.value < 0 {
		return nil
	}
	return n.signed()
}

// positive is the number where zero stands for "unknown", such as a capacity.
func (n number) positive() *float64 {
	if n.value <= 0 {
		return nil
	}
	return n.signed()
}

// int is the number as a small identifier; def where it is absent, not whole
// or out of range.
func (n number) int(def int) int {
	if !n.present || n.value != math.Trunc(n.value) || math.Abs(n.value) > math.MaxInt32 {
		return def
	}
	return int(n.value)
}

// octet is the number as a code of eight bits.
func (n number) octet() *int {
	if v := n.int(-1); v >= 0 && v <= 0xff {
		return &v
	}
	return nil
}

// uint64 is the number as part of an identifier of at most 53 bits.
func (n number) uint64() (uint64, bool) {
	if !n.present || n.value < 0 || n.value > 1<<53 || n.value != math.Trunc(n.value) {
		return 0, false
	}
	return uint64(n.value), true
}

// text takes strings, and numbers and booleans as they stand.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '{', '[', 'n':
		return nil
	case '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = text(outside.Text(s))
		}
	default:
		*t = text(outside.Text(string(b)))
	}
	return nil
}

// truth takes booleans, numbers (not zero is true) and the words true and false.
type truth struct{ value, present bool }

func (f *truth) UnmarshalJSON(b []byte) error {
	*f = truth{}
	switch s := strings.ToLower(string(bytes.Trim(b, `"`))); s {
	case "true", "false":
		*f = truth{s == "true", true}
	default:
		var n number
		_ = n.UnmarshalJSON(b)
		*f = truth{n.value != 0, n.present}
	}
	return nil
}

func (f truth) pointer() *bool {
	if !f.present {
		return nil
	}
	return new(f.value)
}

// Objects of which smartctl makes many. A key that one does not have is absent.
type (
	coded struct {
		Value  number `json:"value"`
		String text   `json:"string"`
	}
	titled struct {
		Name text `json:"name"`
	}
	enabled struct {
		Enabled truth `json:"enabled"`
	}
	sized struct {
		Bytes number `json:"bytes"`
	}
)

// testResult is a self-test's by its code: 0 passed, those from first to last
// failed. All others were aborted or still run: nil.
func testResult(code, first, last int) *bool {
	switch {
	case code == 0:
		return new(true)
	case first <= code && code <= last:
		return new(false)
	}
	return nil
}

// decode fills v from a JSON object. What has another shape than v expects is
// absent: encoding/json skips it, goes on, and reports it only at the end.
func decode(b []byte, v any) error {
	err := json.Unmarshal(b, v)
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// bounded is the list cut to n elements.
func bounded[T any](l []T, n int) []T { return l[:min(len(l), n)] }

// times is a count in units of factor; absent if it cannot be represented.
func times(n number, factor float64) *float64 {
	c := n.count()
	if c == nil {
		return nil
	}
	return finite(*c * factor)
}

// finite is v unless a product overflowed: JSON has no infinity.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}
