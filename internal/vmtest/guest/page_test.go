//go:build vm

package guest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// page is a scrape: series, as the text names them, and their values.
type page map[string]float64

func parse(text string) (page, error) {
	p := page{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("no sample: %q", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("no sample: %q: %w", line, err)
		}
		p[line[:at]] = value
	}
	return p, nil
}

// rule says what is wrong with a page, "" for nothing.
type rule func(page) string

// want is what is wrong, by any of the rules.
func (p page) want(rules ...rule) string {
	var all []string
	for _, r := range rules {
		if wrong := r(p); wrong != "" {
			all = append(all, wrong)
		}
	}
	return strings.Join(all, "\n")
}

// within wants exactly one series of the family with these labels.
func within(family string, least, most float64, labels ...string) rule {
	return func(p page) string {
		var found []float64
		for series, value := range p {
			name, rest, _ := strings.Cut(series, "{")
			if name == family && containsAll(rest, labels) {
				found = append(found, value)
			}
		}
		if len(found) != 1 || found[0] < least || found[0] > most {
			return fmt.Sprintf("%s%v: %v, want one in [%g, %g]", family, labels, found, least, most)
		}
		return ""
	}
}

func is(family string, value float64, labels ...string) rule {
	return within(family, value, value, labels...)
}

func positive(family string, labels ...string) rule { return within(family, 1e-9, 1e18, labels...) }

// stuck wants so many probes that have not returned, of all kinds.
func stuck(n float64) rule {
	return func(p page) string {
		sum := 0.0
		for series, value := range p {
			if strings.HasPrefix(series, "storage_observe_stuck{") {
				sum += value
			}
		}
		if sum != n {
			return fmt.Sprintf("%g probes are stuck, want %g", sum, n)
		}
		return ""
	}
}

func containsAll(s string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// grep is the samples whose series contain the text.
func (p page) grep(text string) string {
	var b strings.Builder
	for series, value := range p {
		if strings.Contains(series, text) {
			fmt.Fprintln(&b, series, value)
		}
	}
	return b.String()
}

var deviceLabel = regexp.MustCompile(`device="([^"]+)"`)

// device is the kernel's name of the drive of which the text is said.
func (p page) device(text string) string {
	if m := deviceLabel.FindStringSubmatch(p.grep(text)); m != nil {
		return m[1]
	}
	return ""
}

// comes are families whose series come and go with what is observed.
var comes = regexp.MustCompile(`^(go_|backendai_storage_volume_latency_usec_|jbod_drive_power_mode|smartctl_device_state)`)

// steady is the series that stay when what the label names is taken away.
func (p page) steady(label string) map[string]bool {
	set := map[string]bool{}
	for series := range p {
		if !strings.Contains(series, label) && !comes.MatchString(series) {
			set[series] = true
		}
	}
	return set
}

// keeps wants the series, and that no collector failed.
func (p page) keeps(t *testing.T, set map[string]bool) {
	t.Helper()
	for series := range set {
		value, ok := p[series]
		if !ok {
			t.Fatalf("a series is gone that has nothing to do with it: %s", series)
		}
		if strings.HasPrefix(series, "storage_scrape_collector_success") && value != 1 {
			t.Fatalf("%s %g", series, value)
		}
	}
}
