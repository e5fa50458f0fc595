package rest

import (
	"strings"
	"testing"
)

func TestSizeOf(t *testing.T) {
	long := strings.Repeat("x", 1000)
	type node struct {
		name Text
		next *node
	}
	ring := &node{name: Text(long)}
	ring.next = ring
	tests := map[string]struct {
		value any
		least int64
	}{
		"text":        {Text(long), 1000},
		"list":        {[]Text{Text(long), Text(long)}, 2000},
		"numbers":     {make([]Int, 100), 1600},
		"map":         {map[string][]node{long: {{name: Text(long)}}}, 2000},
		"ring":        {ring, 1000},
		"nested":      {[1]any{struct{ a *Text }{new(Text(long))}}, 1000},
		"nil pointer": {(*node)(nil), 0},
		"nothing":     {nil, 0},
	}
	for name, tt := range tests {
		if got := sizeOf(tt.value); got < tt.least || got > tt.least+300 {
			t.Errorf("%s: %d bytes, of at least %d", name, got, tt.least)
		}
	}
}
