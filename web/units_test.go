package web

import (
	"math"
	"testing"
	"time"
)

func TestUnits(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{bytesOf(0), "0 B"}, {bytesOf(18000207937536), "18 TB"}, {bytesOf(120e12), "120 TB"}, {bytesOf(2e15), "2 PB"}, {bytesOf(999.6), "1 kB"}, {bytesOf(1.5e9), "1.5 GB"}, {bytesOf(1e300), "1e+282 EB"},
		{bytesPerS(5.24e9), "5.2 GB/s"}, {perSecond(1240), "1,240"}, {perSecond(0.25), "0.2"}, {perSecond(99.96), "100"}, {perSecond(9.96), "10"},
		{latency(2000), "2 ms"}, {latency(1100), "1.1 ms"}, {latency(294), "294 µs"}, {latency(3e6), "3 s"},
		{celsius(37), "37 °C"}, {celsius(-5), "-5 °C"}, {years(3.24 * 365.25 * 86400), "3.2 y"}, {years(1e300), "9999.0 y"}, {hoursOf(41941 * 3600), "41,941 h"},
		{grouped(1234567), "1,234,567"}, {grouped(-1234), "-1,234"}, {grouped(math.MaxUint64), "1.84e+19"}, {percent(93), "93 %"},
		{duration(12 * time.Second), "12 s"}, {duration(3 * time.Minute), "3 min"}, {duration(5 * time.Hour), "5 h"}, {duration(72 * time.Hour), "3 d"}, {duration(-1), "0 s"}, {seconds(1e300), "11,574 d"},
		{known[float64](nil, celsius), dash}, {known(new(0.0), celsius), "0 °C"}, {orDash(" \u202e "), dash},
		{plural(1, "slot", "slots"), "1 slot"}, {plural(0, "slot", "slots"), "0 slots"},
		{sentence("the SVM is stopped"), "The SVM is stopped."}, {sentence("Why?"), "Why?"}, {sentence(""), ""}, {sentence("éa"), "éa."},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestColumns(t *testing.T) {
	for slots, want := range map[int]int{0: 1, 1: 1, 12: 12, 13: 13, 14: 7, 16: 8, 24: 12, 26: 13, 28: 7, 36: 12, 45: 9, 60: 12, 84: 12, 90: 10, 25: 13, 102: 13} {
		if got := usualColumns(slots); got != want {
			t.Errorf("%d slots: %d columns, want %d", slots, got, want)
		}
	}
	c := NewColumns(map[string]int{"e": 4})
	if c.of("e", 24) != 4 || c.of("f", 24) != 12 || (*Columns)(nil).of("e", 24) != 12 {
		t.Error("what is configured is not taken")
	}
	if c.mark() == NewColumns(map[string]int{"e": 5}).mark() || c.mark() != NewColumns(map[string]int{"e": 4}).mark() || (*Columns)(nil).mark() != 0 {
		t.Error("other columns have the same mark, or the same have another")
	}
	for n, good := range map[int]bool{0: false, 1: true, 100: true, 101: false, -1: false} {
		ok := true
		CheckColumns(n, func(string, string, ...any) { ok = false })
		if ok != good {
			t.Errorf("%d columns: %v", n, ok)
		}
	}
}

func TestHeat(t *testing.T) {
	for _, tt := range []struct {
		at, limit float64
		want      int
	}{{-10, 60, 0}, {45.9, 60, 0}, {46, 60, 1}, {48, 60, 1}, {49, 60, 2}, {52, 60, 3}, {54.9, 60, 3}, {55, 60, 4}, {90, 60, 4}, {59, 0, 3}, {60, 0, 4}, {44, 50, 0}, {45, 50, 4}, {60, 85, 2}, {80, 85, 4}} {
		limit := &tt.limit
		if tt.limit == 0 {
			limit = nil
		}
		if got := heat(tt.at, limit); got != tt.want {
			t.Errorf("%v of %v: step %d, want %d", tt.at, tt.limit, got, tt.want)
		}
	}
}

func TestNote(t *testing.T) {
	for note, good := range map[string]bool{"": true, "demo": true, "größer 2": true, " demo": false, "a\x1bb": false, "a\u202eb": false, "a\nb": false, "0123456789012345678901234567890123456789x": false} {
		if err := CheckNote(note); (err == nil) != good {
			t.Errorf("%q: %v", note, err)
		}
	}
}
