package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// A mistake in the command line is one line that names the flag or variable and what
// to do.
func TestWrongCommandLine(t *testing.T) {
	tests := []struct {
		args string
		env  string // as NAME=value
		want string
	}{
		{args: "--smartctl.paht=/x", want: "--smartctl.paht is no flag; did you mean --smartctl.path?"},
		{args: "--no-collector.smrat", want: "--no-collector.smrat is no flag; did you mean --no-collector.smart?"},
		{args: "--collector.netap", want: "--collector.netap is no flag; did you mean --collector.netapp?"},
		{args: "--anything-else", want: "--anything-else is no flag; --help lists them"},
		{args: "--web.max-requests=many", want: `--web.max-requests: must be a number, not "many"`},
		{args: "--web.max-requests=-1", want: "--web.max-requests: must not be below 0, and is -1"},
		{args: "--runtime.gomaxprocs=-1", want: "--runtime.gomaxprocs: must not be below 0, and is -1"},
		{args: "--runtime.memory-limit-mib=-1", want: "--runtime.memory-limit-mib: must not be below 0, and is -1"},
		{env: "GOMAXPROCS=abc", want: `GOMAXPROCS: must be a number, not "abc"`},
		{env: "GOMAXPROCS=-2", want: "GOMAXPROCS: must not be below 0, and is -2"},
		{args: "--log.level=loud", want: "--log.level: "},
		{args: "--web.telemetry-path=", want: "--web.telemetry-path: "},
		{args: "--smartctl.path", want: "expected argument for flag '--smartctl.path'"},
		{args: "something", want: "unexpected something"},
	}
	for _, tt := range tests {
		t.Run(tt.args+tt.env, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			code := run(context.Background(), append(strings.Fields(tt.args), "--config.check"), &out, &out)
			text := strings.TrimPrefix(out.String(), "storage_exporter: ")
			if code == 0 || !strings.HasPrefix(text, tt.want) || strings.Count(text, "\n") != 1 || strings.Contains(text, "strconv") {
				t.Errorf("status %d:\n%swant one line:\n%s", code, text, tt.want)
			}
		})
	}
}
