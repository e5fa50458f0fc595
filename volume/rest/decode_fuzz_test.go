package rest_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume/rest"
)

// What encoding/json reads without complaint, Decode reads alike.
func FuzzDecodeAlike(f *testing.F) {
	type inner struct {
		Name  rest.Text `json:"n"`
		Size  rest.Int
		Plain string
	}
	type outer struct {
		inner
		List  []inner
		Lists [][]rest.Float
		By    map[string]inner
		Maybe *inner
		Raw   json.RawMessage
		Flag  bool
		Count *int
	}
	for _, seed := range []string{
		`{"n": "a", "list": [{"n": "b", "size": 1}, {"SIZE": "2"}], "lists": [[1, "2"], [], null], "by": {"x": {"n": 3}}, "maybe": null}`,
		`{"maybe": {"plain": "\u00e9\ud83d"}, "raw": [1, {"a": null}], "flag": true, "count": 3, "other": {"deep": [[[{}]]]}}`,
		`{"list": [], "list": [{"n": 1}], "by": {"": {}}}`, `{`, `[]`, `{"list": {}}`, "{}\n{}", `{"list": [{"n": "a"} , null]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want, got outer
		body, ok := once(text)
		if !ok || json.Unmarshal(body, &want) != nil {
			_ = (&rest.Answer{Body: text}).Decode(&got)
			return
		}
		if err := (&rest.Answer{Body: body}).Decode(&got); err != nil {
			if bytes.HasPrefix(body, []byte("{")) && !strings.Contains(err.Error(), "more than") {
				t.Error(err)
			}
			return
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(outer{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// once is the same JSON where no object has a key twice, and all are ASCII.
func once(text []byte) ([]byte, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if len(text) > 64<<10 || decoder.Decode(&v) != nil {
		return nil, false
	}
	var plain func(any) bool
	plain = func(v any) bool {
		seen := map[string]bool{}
		switch v := v.(type) {
		case map[string]any:
			for key, e := range v {
				low := strings.ToLower(key)
				if seen[low] || strings.ContainsFunc(key, func(r rune) bool { return r > 127 }) || !plain(e) {
					return false
				}
				seen[low] = true
			}
		case []any:
			return !slices.ContainsFunc(v, func(e any) bool { return !plain(e) })
		}
		return true
	}
	body, err := json.Marshal(v)
	return body, err == nil && plain(v)
}
