package volumetest

import (
	"context"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// Sample is a file of the package's testdata.
func Sample(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Seed gives a fuzz test the files of the package's testdata that match the
// pattern, and what none of them shows.
func Seed(f *testing.F, pattern string, more ...string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, content := range more {
		f.Add([]byte(content))
	}
}

// Answer is an answer of now with that body, by an appliance's clock.
func Answer(body []byte, clock time.Time) *rest.Answer {
	return &rest.Answer{
		Status: http.StatusOK, Header: http.Header{"Date": {clock.Format(http.TimeFormat)}}, Body: body, ReceivedAt: time.Now(),
	}
}

// Within is long enough for anything but what hangs.
func Within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Possible checks the figures of a sample, of which there is at least one.
func Possible(t testing.TB, p volume.Performance) {
	t.Helper()
	if p == (volume.Performance{}) {
		t.Error("a sample without a figure")
	}
	for _, v := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		if v != nil && (!(*v >= 0) || math.IsInf(*v, 0)) {
			t.Errorf("%v", *v)
		}
	}
	if idle(p.IOPSRead) && p.LatencyReadUsec != nil || idle(p.IOPSWrite) && p.LatencyWriteUsec != nil {
		t.Errorf("a latency without operations: %+v", p)
	}
}

// PossibleOr checks that there is a sample or an error, and not both.
func PossibleOr(t testing.TB, p volume.Performance, err error) {
	t.Helper()
	if err == nil {
		Possible(t, p)
	} else if p != (volume.Performance{}) {
		t.Errorf("%+v in spite of %v", p, err)
	}
}

// Explained checks that a health has its reason, and texts of one line and so many
// characters at most.
func Explained(t testing.TB, h volume.Health, longestInfo, longestFact int) {
	t.Helper()
	if h.Status != volume.Healthy && h.Info == "" || !slices.Contains(volume.Statuses, h.Status) {
		t.Errorf("%q without a word why", h.Status)
	}
	short := func(what, text string, longest int) {
		if utf8.RuneCountInString(text) > longest || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("%s is %q", what, text)
		}
	}
	short("the info", h.Info, longestInfo)
	for key, fact := range h.Metadata {
		if short(key, fact, longestFact); fact == "" {
			t.Errorf("%s is empty", key)
		}
	}
}

func idle(ops *float64) bool { return ops != nil && *ops == 0 }
