package dashboards

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// width is how long a line may be at most, if it can be broken.
const width = 200

// order is that of keys in every object; others follow by name.
var order = []string{
	"id", "refId", "name", "type", "title", "uid", "label", "description", "tags", "schemaVersion", "graphTooltip", "refresh", "time",
	"gridPos", "datasource", "links", "templating", "annotations", "panels",
	"expr", "legendFormat", "instant", "format", "query",
	"targets", "transformations", "fieldConfig", "options",
	"matcher", "defaults", "unit", "color", "mode", "text", "value", "x", "y", "w", "h", "from", "to",
}

// Format puts a dashboard into the form in which two versions of it can be compared: keys
// in one order, and what fits on a line there.
func Format(b []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the dashboard: %w", err)
	}
	var out strings.Builder
	write(&out, v, "")
	return []byte(out.String() + "\n"), nil
}

// write writes a value that begins after indent.
func write(out *strings.Builder, v any, indent string) {
	line := inline(v)
	if len(indent)+len(line) <= width {
		out.WriteString(line)
		return
	}
	inner := indent + "  "
	switch v := v.(type) {
	case map[string]any:
		out.WriteString("{\n")
		for i, key := range keys(v) {
			separate(out, i, inner)
			out.WriteString(quote(key) + ": ")
			write(out, v[key], inner)
		}
		out.WriteString("\n" + indent + "}")
	case []any:
		out.WriteString("[\n")
		for i, element := range v {
			separate(out, i, inner)
			write(out, element, inner)
		}
		out.WriteString("\n" + indent + "]")
	default:
		out.WriteString(line)
	}
}

func separate(out *strings.Builder, i int, indent string) {
	if i > 0 {
		out.WriteString(",\n")
	}
	out.WriteString(indent)
}

// inline is a value on one line.
func inline(v any) string {
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range keys(v) {
			parts = append(parts, quote(key)+": "+inline(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, element := range v {
			parts = append(parts, inline(element))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return quote(v)
	case nil:
		return "null"
	default:
		return fmt.Sprint(v) // a number as it was written, or a bool
	}
}

func keys(object map[string]any) []string {
	rank := func(key string) int {
		if i := slices.Index(order, key); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedFunc(maps.Keys(object), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// quote leaves <, > and & of expressions as they are.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Sprintf("%q", s) // a string can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
