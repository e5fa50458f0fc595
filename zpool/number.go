package zpool

import (
	"math"
	"strconv"
	"strings"
)

// parseCount reads a number as zpool prints it: 104, 1.2K, 62.5G, 0B. Units
// are powers of 1024, for counts as well. nil: none, such as a dash.
func parseCount(s string) *uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return &n
	}
	digits := strings.TrimSuffix(s, "B")
	factor := 1.0
	if i := len(digits) - 1; i >= 0 {
		if power := strings.IndexByte("KMGTPEZ", digits[i]); power >= 0 {
			digits = digits[:i]
			factor = math.Pow(1024, float64(power+1))
		}
	}
	// ParseFloat takes exponents, hexadecimals and words as well.
	if digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return nil
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || v*factor >= math.MaxUint64 {
		return nil
	}
	n := uint64(math.Round(v * factor))
	return &n
}
