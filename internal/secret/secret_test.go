package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestPrints(t *testing.T) {
	s := New("hidden")
	type private struct{ s Text }
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(map[string]any{"a": s, "b": &s})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "s", s, "private", private{s})
	fmt.Fprint(&out, s, string(text), string(document), s.LogValue(), s.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, s, private{s})
	}
	if got := out.String(); strings.Contains(got, "hidden") || strings.Contains(got, fmt.Sprintf("%x", "hidden")) {
		t.Error(got)
	}
	if s.Reveal() != "hidden" || s.File() != "" || !s.Equal(FromFile("hidden", "/f")) || FromFile("", "/f").File() != "/f" {
		t.Error("the text or its file is not what was given")
	}
	if empty := fmt.Sprint(Text{}, New("")); empty != " " && empty != "" {
		t.Errorf("an empty secret prints as %q", empty)
	}
}
