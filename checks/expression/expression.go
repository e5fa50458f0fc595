// Package expression finds the metrics that a PromQL expression names. It knows words,
// not the grammar: whether an expression is right is for Prometheus to say.
package expression

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

var (
	text     = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")
	selector = regexp.MustCompile(`\{[^{}]*\}`)
	within   = regexp.MustCompile(`\[[^\[\]]*\]`)
	labels   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)`)
	duration = regexp.MustCompile(`\b[0-9][0-9a-zA-Z_.]*\b`)
	word     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\()?`)
)

// keywords are words that name no metric, besides those of functions.
var keywords = []string{"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "inf", "nan", "start", "end", "atan2"}

// Metrics are the names of the metrics in the expression, each once.
func Metrics(expr string) []string {
	expr = text.ReplaceAllString(expr, "")
	for _, part := range []*regexp.Regexp{selector, within, labels, duration} {
		expr = part.ReplaceAllString(expr, " ")
	}
	found := make(map[string]bool)
	for _, m := range word.FindAllStringSubmatch(expr, -1) {
		if m[1] == "" && !slices.Contains(keywords, m[0]) {
			found[m[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Documented are the families of docs/metrics.md, with the series that a histogram
// has. root is the project's.
func Documented(tb testing.TB, root string) map[string]bool {
	tb.Helper()
	b, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		tb.Fatal(err)
	}
	known := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| (gauge|counter|histogram) \\|").FindAllSubmatch(b, -1) {
		name := string(m[1])
		if string(m[2]) != "histogram" {
			known[name] = true
			continue
		}
		for _, series := range []string{"bucket", "sum", "count"} {
			known[fmt.Sprintf("%s_%s", name, series)] = true
		}
	}
	if len(known) < 50 {
		tb.Fatalf("%d families in docs/metrics.md", len(known))
	}
	return known
}

// Selectors are the series that the expression selects, each once: the names with what
// follows them in braces.
func Selectors(expr string) []string {
	found := make(map[string]bool)
	names := Metrics(expr)
	expr = labels.ReplaceAllString(expr, " ")
	for _, name := range names {
		selected := regexp.MustCompile(`(?:^|[^\w:"])(` + regexp.QuoteMeta(name) + `(?:\{[^{}]*\}|\b))`)
		for _, m := range selected.FindAllStringSubmatch(expr, -1) {
			found[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
