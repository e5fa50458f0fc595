package proxy

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// Whatever a proxy answers, what is taken of it is bounded, clean, in order and of known
// words, and can be stored and read back.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		ofManager, ofExporter, ofProxy, someVolumes, `{"status":"ok","volumes":{"a\u0000":7,"a":null,"":{}}}`, `{"status":"error","component":"storage-proxy"}`,
		`{"status":"healthy","volumes":{"v":{"last_checked_at":"9999-12-31T23:59:59-23:59","status":"\u202e"}}}`, `{"volumes":[{"name":"a"},{"name":"a"},7]}`,
		`{"status":"degraded","status_info":{"a":1}}`, "[]", "<html>", "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		clean := func(s string, most int) {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most || rest.Clean(s, most) != s {
				t.Errorf("not clean: %q", s)
			}
		}
		checkList := func(l list) {
			var names []string
			for _, v := range l.volumes {
				names = append(names, v.Name)
				clean(v.Name, longName)
				clean(v.Backend, longWord)
				clean(v.Info, longInfo)
				if v.Name == "" || !slices.Contains(volume.Statuses, v.Status) {
					t.Errorf("%+v", v)
				}
			}
			if len(names) > maxVolumes || l.leftOut < 0 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
				t.Errorf("%d names: %.200q", len(names), names)
			}
			raw, err := json.Marshal(l.volumes)
			if err != nil {
				t.Fatal(err)
			}
			var again []Volume
			if err := json.Unmarshal(raw, &again); err != nil || len(again) != len(l.volumes) {
				t.Errorf("%v: %s", err, raw)
			}
		}
		a, err := readHealth(&rest.Answer{Body: body})
		if err == nil {
			clean(a.version, longWord)
			if !slices.Contains(Shapes, a.shape) || a.says == "" || (a.shape == ShapeProxy) != (a.volumes.volumes == nil && a.volumes.leftOut == 0) && len(a.volumes.volumes) > 0 {
				t.Errorf("%+v", a)
			}
			checkList(a.volumes)
		} else if slices.ContainsFunc([]rune(err.Error()), unicode.IsControl) {
			t.Errorf("%q", err)
		}
		if l, err := readVolumes(&rest.Answer{Body: body}); err == nil {
			checkList(l)
		}
		if v, err := readHardware(&rest.Answer{Body: body}); err == nil {
			clean(v.Info, longInfo)
			if !slices.Contains(volume.Statuses, v.Status) {
				t.Errorf("%+v", v)
			}
		}
	})
}
