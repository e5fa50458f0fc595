package volume

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptions(t *testing.T) {
	o := ReadOptions(Config{Name: "a b", Options: map[string]any{
		"text": "x", "digits": int64(1234), "half": 0.5, "yes": true, "word": "off", "one": int64(1),
		"n": int64(7), "n_text": "8", "d": "30s", "d_seconds": 120.0, "d_int": int64(5), "list": []any{"a", " b , c", ""}, "commas": "a,b",
		"old": "spelling", "pw": "hidden", "empty": "",
	}})
	got := []any{
		o.String("text", "it"), o.String("digits", "it"), o.StringOr("half", ""), o.String("new", "it", "older", "old"), o.StringOr("none", "std"),
		o.StringOr("empty", "std"), o.Secret("pw", "it").Reveal(), o.SecretOr("none").Reveal(), o.Bool("yes", false), o.Bool("word", true),
		o.Bool("one", false), o.Bool("none", true), o.Int("n", 1, 0, 9), o.Int("n_text", 1, 0, 9), o.Int("none", 3, 0, 9),
		o.Duration("d", 0), o.Duration("d_seconds", 0), o.Duration("d_int", 0), o.Duration("none", time.Hour), o.Strings("list"), o.Strings("commas"), o.Strings("none"),
	}
	want := []any{
		"x", "1234", "0.5", "spelling", "std", "std", "hidden", "", true, false, true, true, 7, 8, 3,
		30 * time.Second, 2 * time.Minute, 5 * time.Second, time.Hour, []string{"a", "b", "c"}, []string{"a", "b"}, []string(nil),
	}
	if diff := cmp.Diff(want, got); diff != "" || o.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", o.Err(), diff)
	}
}

func TestOptionMistakes(t *testing.T) {
	list := []any{map[string]any{"hunter2": 1}}
	tests := []struct {
		read func(*Options)
		want string
	}{
		{func(o *Options) { o.String("none", "the user's name") }, "volume.v.options.none is missing: set it to the user's name"},
		{func(o *Options) { o.String("blank", "the user's name") }, "volume.v.options.blank is missing: set it to the user's name"},
		{func(o *Options) { o.Secret("list", "it") }, "volume.v.options.list must be a text in quotes: set it to it"},
		{func(o *Options) { o.StringOr("list", "") }, "volume.v.options.list must be a text in quotes"},
		{func(o *Options) { o.Bool("text", false) }, "volume.v.options.text must be true or false"},
		{func(o *Options) { o.Int("text", 1, 0, 9) }, "volume.v.options.text must be a whole number from 0 to 9"},
		{func(o *Options) { o.Int("ten", 1, 0, 9) }, "volume.v.options.ten must be a whole number from 0 to 9"},
		{func(o *Options) { o.Duration("text", 1) }, `volume.v.options.text must be a duration, such as "30s"`},
		{func(o *Options) { o.Duration("minus", 1) }, `volume.v.options.minus must be a duration, such as "30s"`},
		{func(o *Options) { o.asked, o.strict = nil, true }, "volume.v.options.blank is no option of this backend: remove it, or correct its name; " +
			"volume.v.options.list is no option of this backend: remove it, or correct its name; volume.v.options.minus is no option of this backend: remove it, or correct its name; " +
			"volume.v.options.ten is no option of this backend: remove it, or correct its name; volume.v.options.text is no option of this backend: remove it, or correct its name"},
		{func(o *Options) { o.Strings("list") }, `volume.v.options.list must be a list of texts, such as ["a", "b"]`},
		{func(o *Options) { o.Wrong("scope", "must be one of a, b") }, "volume.v.options.scope must be one of a, b"},
		{func(o *Options) { o.Bool("text", false); o.Int("ten", 1, 0, 9) }, "volume.v.options.text must be true or false; volume.v.options.ten must be a whole number from 0 to 9"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			o := ReadOptions(Config{Name: "v", Options: map[string]any{"text": "hunter2", "list": list, "blank": " ", "ten": int64(10), "minus": -1e300}})
			tt.read(o)
			if err := o.Err(); err == nil || err.Error() != tt.want {
				t.Errorf("%v, not %s", err, tt.want)
			}
		})
	}
	known := map[string]any{"weka_fs_name": "a", "of_the_proxy": 1}
	for unknown, want := range map[string]string{
		"weka_fs_nmae": "volume.v.options.weka_fs_nmae is no option of weka: remove it, or correct its name; did you mean weka_fs_name?",
		"other":        "volume.v.options.other is no option of weka: remove it, or correct its name",
		"a\nb":         `volume.v.options."a\nb" is no option of weka: remove it, or correct its name`,
		"of_the_proxy": "",
	} {
		o := ReadOptions(Config{Name: "v", Backend: "weka", Options: maps.Clone(known), Strict: true})
		o.table[unknown] = "hunter2"
		o.StringOr("weka_fs_name", "")
		o.Ignore("of_the_proxy")
		if err := o.Err(); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: %v, not %s", unknown, err, want)
		}
		if o.strict = false; o.Err() != nil {
			t.Errorf("%q: %v", unknown, o.Err())
		}
	}
	o := ReadOptions(Config{Name: "a.b"})
	if o.String("x", "it"); !strings.HasPrefix(o.Err().Error(), `volume."a.b".options.x `) {
		t.Error(o.Err())
	}
}
