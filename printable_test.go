package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
)

// unprintable is the first piece of a text that could change how a terminal shows it,
// line ends apart; of JSON, as it reads when it is decoded.
func unprintable(text string) string {
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		return text[max(0, i-40):min(len(text), i+40)]
	}
	d := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if s, ok := token.(string); ok && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return s
		}
	}
}

// What a drive or a client says does not reach labels, JSON or the log as it is.
func TestControlCharacters(t *testing.T) {
	drives := []fleet.Drive{fleet.ATA("/dev/sda", 1, 5), fleet.ATA("/dev/sdb", 2, 5)}
	for i, d := range drives {
		drives[i].Report = bytes.ReplaceAll(d.Report, []byte("EXAMPLE"), []byte(`EX\u001b[31m\u202eAM\u0007P\u200bLE`))
		if bytes.Equal(drives[i].Report, d.Report) {
			t.Fatal("the drive's model is another")
		}
	}
	path, _ := faketest.New(t, drives...)
	in := start(t, "--smartctl.path="+path, "--log.level=debug")
	in.awaitReady()
	for _, path := range []string{
		"/metrics", "/api/drives", "/api/drives/sda", "/api/drives/sda/smartctl", "/api/overview", "/volumes", "/manager-api/health",
		"/volume/hwinfo?volume=root", "/nowhere%1b%5b31m%e2%80%ae", "/api/drives/%1b%e2%80%ae", "/volume/hwinfo?volume=%1b%e2%80%ae", "/metrics?collect[]=%1b%e2%80%ae",
	} {
		_, _, body := in.get(path)
		if piece := unprintable(body); piece != "" {
			t.Errorf("%s: %q", path, piece)
		}
		if (strings.HasPrefix(path, "/api/drives/sda") || path == "/metrics") && !strings.Contains(body, "EX[31mAMPLE") {
			t.Errorf("%s: the model is not there", path)
		}
	}
	if piece := unprintable(in.log.String()); piece != "" {
		t.Errorf("the log: %q", piece)
	}
	var log bytes.Buffer
	logger := newLogger(&log, func() *flags { _, f := newApp(nil); return f }())
	logger.Error("m\u202e", "k", "v\x1b\u202e\u009b", "err", "two\nlines")
	if piece := unprintable(log.String()); piece != "" || !strings.HasSuffix(log.String(), "\n") {
		t.Errorf("a log line: %q", log.String())
	}
}
