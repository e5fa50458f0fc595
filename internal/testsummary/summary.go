package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// keptOutput bounds what is remembered of one test, in bytes. The end of an
// output says more than its start.
const keptOutput = 256 << 10

// summary turns events into text. It keeps the output of what has not ended.
type summary struct {
	out                     io.Writer
	allowed                 allowList
	output                  map[string]string // by package, or package.Test
	open                    map[string]bool   // packages that have begun and not ended
	skips                   map[string]string // package.Test: what the test said
	passed, failed, skipped int
	broken                  bool // something failed that is not a test
}

func newSummary(out io.Writer, allowed allowList) *summary {
	return &summary{
		out: out, allowed: allowed, output: make(map[string]string),
		open: make(map[string]bool), skips: make(map[string]string),
	}
}

// read takes in all events. Lines that are none are passed on.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil || e.Action == "":
			s.print("%s\n", strings.TrimRight(string(line), "\n"))
		default:
			s.take(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	name := e.Package
	if e.Test != "" {
		name += "." + e.Test
	}
	switch e.Action {
	case "start":
		s.open[e.Package] = true
	case "output":
		kept := s.output[name] + e.Output
		s.output[name] = kept[max(0, len(kept)-keptOutput):]
	case "build-output":
		s.print("%s", e.Output)
	case "build-fail":
		s.broken = true
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(name, e.Action)
		}
		delete(s.output, name)
	}
}

func (s *summary) endTest(name, action string) {
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		s.print("%s", s.output[name])
	case "skip":
		s.skipped++
		s.skips[name] = said(s.output[name])
	}
}

// endPackage prints the package's closing line, or all it said when it failed.
// Tests that had not ended then, as after a panic, have failed.
func (s *summary) endPackage(e event) {
	delete(s.open, e.Package)
	for _, name := range slices.Sorted(maps.Keys(s.output)) {
		if e.Action == "fail" && strings.HasPrefix(name, e.Package+".") {
			s.endTest(name, "fail")
			delete(s.output, name)
		}
	}
	text := s.output[e.Package]
	if e.Action == "fail" {
		s.broken = true
		s.print("%s", text)
		return
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "ok ") {
			s.print("%s", line)
		}
	}
}

// finish prints the skipped tests and the closing line. It reports whether the
// run was good.
func (s *summary) finish() bool {
	good := s.failed == 0 && !s.broken
	for _, name := range slices.Sorted(maps.Keys(s.open)) {
		s.print("not finished: %s\n%s", name, s.output[name])
		good = false
	}
	for _, name := range slices.Sorted(maps.Keys(s.skips)) {
		reason, ok := s.allowed.reason(name)
		if !ok {
			s.print("skipped, and may not be: %s: %s\n", name, s.skips[name])
			good = false
			continue
		}
		s.print("skipped: %s: %s (%s)\n", name, s.skips[name], reason)
	}
	if s.passed+s.failed == 0 {
		s.print("no test was run\n")
		good = false
	}
	s.print("%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return good
}

// said returns the text that a test itself wrote, on one line.
func said(output string) string {
	var texts []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			texts = append(texts, line)
		}
	}
	return strings.Join(texts, "; ")
}

// print writes to standard output, or to a test's buffer: there is nobody left
// to report an error.
func (s *summary) print(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format, args...)
}
