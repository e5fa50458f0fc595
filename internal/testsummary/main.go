// Command testsummary reads the output of go test -json and prints what a
// person wants to know of it: a line for each package, all that a failing test
// said, and which tests were skipped and why. It fails for a failed test, for a
// skipped one that may not be skipped, and for a run without tests.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testsummary", flag.ContinueOnError)
	flags.SetOutput(stderr)
	allow := flags.String("allow", "", "file with the tests that may be skipped")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	var allowed allowList
	if *allow != "" {
		b, err := os.ReadFile(*allow)
		if err == nil {
			allowed, err = parseAllowList(string(b))
		}
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "testsummary: %s: %v\n", *allow, err)
			return 2
		}
	}
	s := newSummary(stdout, allowed)
	if err := s.read(stdin); err != nil {
		_, _ = fmt.Fprintf(stderr, "testsummary: read the output of go test: %v\n", err)
		return 1
	}
	if !s.finish() {
		return 1
	}
	return 0
}
