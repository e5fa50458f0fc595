package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// longest is the longest duration that is taken for meant.
const longest = 365 * 24 * time.Hour

var (
	errNoDuration = errors.New(`must be a duration with a unit, such as "30s", "5m" or "1d"`)
	errNotAbove0  = errors.New("must be above zero")
	errTooLong    = errors.New("must be a year at most")
	errNoSeconds  = errors.New(`must be a number of seconds or a duration such as "30s"`)
)

// parseDuration reads "30s", "1m30s" or "1d". A bare number is refused: its unit is
// anybody's guess.
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil && n != 0 {
		return 0, errNoDuration
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		m, err := model.ParseDuration(s)
		if err != nil {
			return 0, errNoDuration
		}
		d = time.Duration(m)
	}
	return inRange(d)
}

// parseSeconds reads a number of seconds, or a duration as above.
func parseSeconds(s string) (time.Duration, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err == nil {
		return seconds(n)
	}
	d, err := parseDuration(s)
	if errors.Is(err, errNoDuration) {
		return 0, errNoSeconds
	}
	return d, err
}

func seconds(n float64) (time.Duration, error) {
	switch {
	case math.IsNaN(n):
		return 0, errNoSeconds
	case n <= 0:
		return 0, errNotAbove0
	case n > longest.Seconds():
		return 0, errTooLong
	}
	return inRange(time.Duration(n * float64(time.Second)))
}

// inRange passes zero with an error, so that a key for which zero means "off"
// can take it.
func inRange(d time.Duration) (time.Duration, error) {
	if d <= 0 {
		return d, errNotAbove0
	}
	if d > longest {
		return 0, errTooLong
	}
	return d, nil
}

// withUnit says how to write a number that came without a unit.
func withUnit(n any) error {
	return fmt.Errorf(`must have a unit: write "%vs" for seconds`, n)
}
