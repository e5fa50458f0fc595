package expression

import (
	"slices"
	"testing"
)

func TestMetrics(t *testing.T) {
	for expr, want := range map[string][]string{
		`up == 0`: {"up"},
		`sum by (job, a_label) (rate(x_total{job=~"$job", path="/{a}"}[5m])) > 1e3`:                    {"x_total"},
		`a:b:c > 3 * (a:b:c offset 1w) and on (job) group_left () d unless e @ end()`:                  {"a:b:c", "d", "e"},
		`predict_linear(x[1d], 4 * 86400) < 0 or topk(3, y{l="sum(z)"}) == bool 1 - 0x1F + Inf_metric`: {"Inf_metric", "x", "y"},
		`{__name__="x"}`: nil,
		`sort_desc(count without(a)(b{c!~'d"'}) * ignoring(e) group_right(f) g[5m:1m])`: {"b", "g"},
	} {
		if got := Metrics(expr); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestSelectors(t *testing.T) {
	const expr = `sum by (x) (x{job=~".*"}) / on (y) x{} + xx:y - z offset 1h > sum(rate(xx:y{l="x"}[5m]))`
	want := []string{`xx:y`, `xx:y{l="x"}`, `x{job=~".*"}`, `x{}`, `z`}
	if got := Selectors(expr); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
