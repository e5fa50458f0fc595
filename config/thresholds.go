package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ThresholdOff is the threshold "off" of a rule.
const ThresholdOff = -1

// threshold is the place of one value in a map of them.
type threshold struct {
	in   map[string]float64
	name string
}

var errNoThreshold = errors.New(`must be a number above 0, without quotes, or "off"`)

// set stores a threshold as TOML has it.
func (t threshold) set(v any) error {
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	case string:
		if !strings.EqualFold(v, "off") {
			return errNoThreshold
		}
		n = ThresholdOff
	default:
		return errNoThreshold
	}
	if n != ThresholdOff && !(n > 0) || math.IsInf(n, 0) {
		return errNoThreshold
	}
	t.in[t.name] = n
	return nil
}

// setText stores what a flag or a variable says.
func (t threshold) setText(s string) error {
	if n, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		return t.set(n)
	}
	return t.set(strings.TrimSpace(s))
}
