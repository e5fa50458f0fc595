package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v2"
)

// document is the OpenAPI document, as maps, lists and scalars.
type document map[string]any

func loadDocument(t *testing.T) document {
	t.Helper()
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return plain(v).(map[string]any)
}

// plain makes of YAML what JSON would be.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[fmt.Sprint(k)] = plain(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return list
	case int:
		return float64(v)
	}
	return v
}

// at finds a value by keys.
func (d document) at(keys ...string) any {
	var v any = map[string]any(d)
	for _, key := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = d.resolve(m[key])
	}
	return v
}

// resolve follows references within the document.
func (d document) resolve(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return v
	}
	return d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// validate says what in a JSON value the schema does not allow. It knows the
// part of JSON Schema that the document uses, and refuses the rest: nothing
// goes unchecked.
func (d document) validate(schema, value any, path string) error {
	m, ok := d.resolve(schema).(map[string]any)
	if !ok {
		return fmt.Errorf("%s: there is no such schema: %v", path, schema)
	}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
	for keyword, want := range m {
		switch keyword {
		case "description", "properties", "additionalProperties":
		case "type":
			if !slices.ContainsFunc(listed(want), func(t any) bool { return hasType(value, t) }) {
				fail("%v is no %v", value, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				fail("%v is none of %v", value, want)
			}
		case "format":
			if s, ok := value.(string); ok && !hasFormat(s, want.(string)) {
				fail("%q is no %v", s, want)
			}
		case "minimum":
			if n, ok := value.(float64); ok && n < want.(float64) {
				fail("%v is below %v", n, want)
			}
		case "exclusiveMinimum":
			if n, ok := value.(float64); ok && n <= want.(float64) {
				fail("%v is not above %v", n, want)
			}
		case "maximum":
			if n, ok := value.(float64); ok && n > want.(float64) {
				fail("%v is above %v", n, want)
			}
		case "required":
			if o, ok := value.(map[string]any); ok {
				for _, key := range want.([]any) {
					if _, ok := o[key.(string)]; !ok {
						fail("%v is missing", key)
					}
				}
			}
		case "items":
			if list, ok := value.([]any); ok {
				for i, e := range list {
					errs = append(errs, d.validate(want, e, fmt.Sprintf("%s[%d]", path, i)))
				}
			}
		case "oneOf":
			fits := 0
			for _, alternative := range want.([]any) {
				if d.validate(alternative, value, path) == nil {
					fits++
				}
			}
			if fits != 1 {
				fail("fits %d alternatives", fits)
			}
		default:
			fail("keyword %q is not checked by this test", keyword)
		}
	}
	if o, ok := value.(map[string]any); ok {
		errs = append(errs, d.validateMembers(m, o, path))
	}
	return errors.Join(errs...)
}

func (d document) validateMembers(schema, value map[string]any, path string) error {
	var errs []error
	properties, _ := schema["properties"].(map[string]any)
	for key, e := range value {
		if s, ok := properties[key]; ok {
			errs = append(errs, d.validate(s, e, path+"."+key))
			continue
		}
		switch more := schema["additionalProperties"].(type) {
		case map[string]any:
			errs = append(errs, d.validate(more, e, path+"."+key))
		case bool:
			if !more {
				errs = append(errs, fmt.Errorf("%s: %q is not documented", path, key))
			}
		default:
			if schema["type"] == "object" {
				errs = append(errs, fmt.Errorf("%s: the schema does not say whether there are other properties", path))
			}
		}
	}
	return errors.Join(errs...)
}

func listed(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func hasType(value, typ any) bool {
	switch v := value.(type) {
	case nil:
		return typ == "null"
	case bool:
		return typ == "boolean"
	case string:
		return typ == "string"
	case float64:
		return typ == "number" || typ == "integer" && v == math.Trunc(v)
	case []any:
		return typ == "array"
	}
	return typ == "object"
}

func hasFormat(s, format string) bool {
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, s)
		return err == nil
	case "uri":
		u, err := url.Parse(s)
		return err == nil && u.IsAbs()
	}
	return false
}

// check holds an answer against the document. path is the route as registered.
func (d document) check(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	response, ok := d.at("paths", path, "get", "responses", fmt.Sprint(w.Code)).(map[string]any)
	if !ok {
		t.Errorf("%s: status %d is not documented", path, w.Code)
		return
	}
	headers, _ := response["headers"].(map[string]any)
	for name, h := range headers {
		value := w.Header().Get(name)
		if value == "" {
			t.Errorf("%s: %d without the documented header %s", path, w.Code, name)
			continue
		}
		var v any = value
		if json.Unmarshal([]byte(value), &v) != nil {
			v = value
		}
		if err := d.validate(d.resolve(h).(map[string]any)["schema"], v, name); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, name := range []string{"X-Cache", "Age", "Retry-After", "Allow"} {
		if w.Header().Get(name) != "" && headers[name] == nil {
			t.Errorf("%s: %d with the header %s, which is not documented", path, w.Code, name)
		}
	}
	typ := w.Header().Get("Content-Type")
	content, ok := response["content"].(map[string]any)[typ].(map[string]any)
	if !ok {
		t.Errorf("%s: %d with content type %q, which is not documented", path, w.Code, typ)
		return
	}
	if typ == "application/yaml" {
		if !bytes.Equal(w.Body.Bytes(), openAPI) {
			t.Errorf("%s: not the document", path)
		}
		return
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if err := d.validate(content["schema"], v, "$"); err != nil {
		t.Errorf("%s: %d %.300s:\n%v", path, w.Code, w.Body, err)
	}
}

// route is the documented path of a request.
func (d document) route(path string) string {
	if u, err := url.Parse(path); err == nil {
		path = strings.TrimPrefix(u.Path, managerPrefix)
	}
	if d.at("paths", path) != nil {
		return path
	}
	mux := http.NewServeMux()
	for known := range d.at("paths").(map[string]any) {
		mux.HandleFunc(known, func(http.ResponseWriter, *http.Request) {})
	}
	_, pattern := mux.Handler(httptest.NewRequest(http.MethodGet, path, nil))
	return pattern
}

func TestValidator(t *testing.T) {
	d := document{"components": map[string]any{"s": map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"a"},
		"properties": map[string]any{
			"a": map[string]any{"type": []any{"integer", "null"}, "minimum": 0.0},
			"b": map[string]any{"type": "string", "format": "date-time"},
			"c": map[string]any{"type": "array", "items": map[string]any{"enum": []any{"x", "y"}}},
			"d": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "boolean"}},
			"e": map[string]any{"oneOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "null"}}},
		},
	}}}
	schema := map[string]any{"$ref": "#/components/s"}
	for value, ok := range map[string]bool{
		`{"a": 1, "b": "2026-01-09T23:06:40Z", "c": ["x", "y"], "d": {"q": true}, "e": null}`: true,
		`{"a": null}`:             true,
		`{}`:                      false,
		`[]`:                      false,
		`{"a": 1.5}`:              false,
		`{"a": -1}`:               false,
		`{"a": 1, "z": 1}`:        false,
		`{"a": 1, "b": "soon"}`:   false,
		`{"a": 1, "c": ["z"]}`:    false,
		`{"a": 1, "d": {"q": 1}}`: false,
		`{"a": 1, "e": 1}`:        false,
	} {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		if err := d.validate(schema, v, "$"); (err == nil) != ok {
			t.Errorf("%s: %v", value, err)
		}
	}
	if err := d.validate(map[string]any{"pattern": "x"}, "x", "$"); err == nil {
		t.Error("a keyword that is not checked passes")
	}
	if err := d.validate(map[string]any{"$ref": "#/components/nosuch"}, "x", "$"); err == nil {
		t.Error("a schema that is not there passes")
	}
}
