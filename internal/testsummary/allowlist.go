package main

import (
	"fmt"
	"strings"
)

// allowList maps the name of a test that may be skipped, package.Test, to why.
type allowList map[string]string

// parseAllowList reads lines of a name and a reason; # begins a comment.
func parseAllowList(text string) (allowList, error) {
	allowed := make(allowList)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("line %d: say after the name why %s may be skipped", i+1, name)
		}
		allowed[name] = reason
	}
	return allowed, nil
}

// reason returns why a test may be skipped, by its own line or by one of a test
// above it.
func (a allowList) reason(name string) (string, bool) {
	for {
		if reason, ok := a[name]; ok {
			return reason, true
		}
		end := strings.LastIndexByte(name, '/')
		// A slash before the last dot of the package belongs to its path.
		if end < 0 || !strings.Contains(name[:end], ".") {
			return "", false
		}
		name = name[:end]
	}
}
