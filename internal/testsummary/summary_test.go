package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const passing = `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"    a_test.go:1: chatter\n"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"--- PASS: TestGood (0.00s)\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0}
`

const passed = `{"Action":"output","Package":"m/a","Output":"PASS\n"}
{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.1s\n"}
{"Action":"pass","Package":"m/a","Elapsed":0.1}
`

const skippedSub = `{"Action":"run","Package":"m/a","Test":"TestDisk/loop"}
{"Action":"output","Package":"m/a","Test":"TestDisk/loop","Output":"=== RUN   TestDisk/loop\n"}
{"Action":"output","Package":"m/a","Test":"TestDisk/loop","Output":"    a_test.go:9: no loop device\n"}
{"Action":"output","Package":"m/a","Test":"TestDisk/loop","Output":"    --- SKIP: TestDisk/loop (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestDisk/loop","Elapsed":0}
`

func TestRun(t *testing.T) {
	tests := []struct {
		name, in, allow, want string
		code                  int
	}{
		{
			name: "passes",
			in:   passing + passed,
			want: "ok  \tm/a\t0.1s\n1 passed, 0 failed, 0 skipped\n",
		},
		{
			name: "a failed test says all it said",
			in: passing + `{"Action":"output","Package":"m/a","Test":"TestBad","Output":"    a_test.go:2: got 1, want 2\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.1s\n"}
{"Action":"fail","Package":"m/a","Elapsed":0.1}
`,
			want: "    a_test.go:2: got 1, want 2\nFAIL\tm/a\t0.1s\n1 passed, 1 failed, 0 skipped\n",
			code: 1,
		},
		{
			name: "a skipped test that may not be",
			in:   passing + skippedSub + passed,
			want: "ok  \tm/a\t0.1s\nskipped, and may not be: m/a.TestDisk/loop: a_test.go:9: no loop device\n1 passed, 0 failed, 1 skipped\n",
			code: 1,
		},
		{
			name:  "a skipped test that may be, by its parent",
			in:    passing + skippedSub + passed,
			allow: "# why\n\nm/a.TestDisk  needs a loop device\n",
			want:  "ok  \tm/a\t0.1s\nskipped: m/a.TestDisk/loop: a_test.go:9: no loop device (needs a loop device)\n1 passed, 0 failed, 1 skipped\n",
		},
		{
			name:  "another test's line does not help",
			in:    passing + skippedSub + passed,
			allow: "m/a.TestDis  reason\nm/a reason\nm reason\n",
			want:  "ok  \tm/a\t0.1s\nskipped, and may not be: m/a.TestDisk/loop: a_test.go:9: no loop device\n1 passed, 0 failed, 1 skipped\n",
			code:  1,
		},
		{
			name: "a package that does not build",
			in: `{"ImportPath":"m/b","Action":"build-output","Output":"b.go:1: undefined: x\n"}
{"ImportPath":"m/b","Action":"build-fail"}
` + passing + passed,
			want: "b.go:1: undefined: x\nok  \tm/a\t0.1s\n1 passed, 0 failed, 0 skipped\n",
			code: 1,
		},
		{
			name: "a panic leaves the test unfinished",
			in: passing + `{"Action":"output","Package":"m/a","Test":"TestPanic","Output":"panic: boom\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.1s\n"}
{"Action":"fail","Package":"m/a","Elapsed":0.1}
`,
			want: "panic: boom\nFAIL\tm/a\t0.1s\n1 passed, 1 failed, 0 skipped\n",
			code: 1,
		},
		{
			name: "a run that was cut off",
			in:   passing,
			want: "not finished: m/a\n1 passed, 0 failed, 0 skipped\n",
			code: 1,
		},
		{
			name: "no tests",
			in: `{"Action":"start","Package":"m/c"}
{"Action":"output","Package":"m/c","Output":"?   \tm/c\t[no test files]\n"}
{"Action":"skip","Package":"m/c","Elapsed":0}
`,
			want: "no test was run\n0 passed, 0 failed, 0 skipped\n",
			code: 1,
		},
		{
			name: "lines that are no events are passed on",
			in:   "go: downloading\n" + passing + passed + "{}\n",
			want: "go: downloading\nok  \tm/a\t0.1s\n{}\n1 passed, 0 failed, 0 skipped\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			allow := filepath.Join(t.TempDir(), "allow")
			if err := os.WriteFile(allow, []byte(tt.allow), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errOut strings.Builder
			code := run([]string{"-allow", allow}, strings.NewReader(tt.in), &out, &errOut)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if errOut.Len() > 0 {
				t.Errorf("wrote to stderr: %s", errOut.String())
			}
		})
	}
}

func TestRunRefusesBadArguments(t *testing.T) {
	bare := filepath.Join(t.TempDir(), "allow")
	if err := os.WriteFile(bare, []byte("m/a.TestDisk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no reason", []string{"-allow", bare}, "line 1: say after the name why m/a.TestDisk may be skipped"},
		{"no file", []string{"-allow", bare + "x"}, "no such file"},
		{"unknown flag", []string{"-x"}, "-x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut strings.Builder
			if code := run(tt.args, strings.NewReader(passing+passed), &out, &errOut); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if !strings.Contains(errOut.String(), tt.want) {
				t.Errorf("stderr is %q, want %q in it", errOut.String(), tt.want)
			}
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	s := newSummary(&strings.Builder{}, nil)
	for range 3 {
		s.take(event{Action: "output", Package: "m", Test: "T", Output: strings.Repeat("x", keptOutput)})
	}
	if got := len(s.output["m.T"]); got != keptOutput {
		t.Errorf("keeps %d bytes, want %d", got, keptOutput)
	}
}
