package web

import (
	"math"
	"strconv"
	"strings"
	"time"

	"storage_exporter/internal/outside"
)

// dash stands for what is not known.
const dash = "–"

// maxText bounds a text of others that is shown, in bytes.
const maxText = 160

// text makes a text of a drive, a proxy or another host fit to be shown.
func text(s string) string { return cut(s, maxText) }

// orDash is a text, or a dash where there is none.
func orDash(s string) string {
	if s = text(s); s == "" {
		return dash
	}
	return s
}

// known writes a number that may be absent.
func known[T float64 | uint64](n *T, write func(float64) string) string {
	if n == nil {
		return dash
	}
	return write(float64(*n))
}

// round writes a number with about three digits, without an exponent where it is not
// beyond all measure.
func round(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e15:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 99.95:
		return grouped(math.Round(v))
	case a >= 9.95 || v == math.Trunc(v):
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// grouped writes a whole number with commas.
func grouped(v float64) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	var b strings.Builder
	if v <= -0.5 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// scaled writes a number with the largest of the units that it has at least one of.
func scaled(v float64, units ...string) string {
	i := 0
	for ; i < len(units)-1 && math.Abs(v) >= 999.5; i++ {
		v /= 1000
	}
	return round(v) + " " + units[i]
}

func bytesOf(v float64) string    { return scaled(v, "B", "kB", "MB", "GB", "TB", "PB", "EB") }
func bytesPerS(v float64) string  { return scaled(v, "B/s", "kB/s", "MB/s", "GB/s", "TB/s") }
func celsius(v float64) string    { return round(v) + " °C" }
func percent(v float64) string    { return round(v) + " %" }
func perSecond(v float64) string  { return round(v) }
func hoursOf(v float64) string    { return grouped(math.Floor(v/3600)) + " h" }
func latency(usec float64) string { return scaled(usec, "µs", "ms", "s") }

// years writes seconds.
func years(v float64) string {
	return strconv.FormatFloat(min(v/(365.25*24*3600), 9999), 'f', 1, 64) + " y"
}

// duration writes the largest unit of a time that fits.
func duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return grouped(math.Floor(d.Hours()/24)) + " d"
}

// seconds is duration of seconds, however many.
func seconds(v float64) string {
	return duration(time.Duration(min(max(v, 0), 1e9) * float64(time.Second)))
}

// clock writes when something was, by the clock of its host.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// plural writes a count with its noun.
func plural[N int | uint64 | float64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(float64(n)) + " " + many
}

// sentence makes a sentence of a text.
func sentence(s string) string {
	if s = text(s); s == "" {
		return ""
	}
	if first := s[0]; first >= 'a' && first <= 'z' && !strings.HasPrefix(s, "smartctl") {
		s = title(s)
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// title begins a word with a capital letter.
func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// cut is the beginning of a text, fit to be shown. However long it is, little of it is
// looked at.
func cut(s string, most int) string { return outside.TextUpTo(s[:min(len(s), 4*most)], most) }
