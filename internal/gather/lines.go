// Package gather makes one line of the log of what many have in common at about the
// same time, such as the volumes of an array that died.
package gather

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"storage_exporter/internal/few"
)

const (
	// wait is how long others are waited for.
	wait = time.Second
	// named bounds the names in a line, and pending the lines that wait.
	named   = 3
	pending = 256
)

// Line is what is logged of each of many: a message about a subject, and why.
type Line struct {
	Level   slog.Level
	Message string
	Subject string // key of the names, such as volume
	Cause   string // lines of another cause are apart; it is not shown
	Args    []any  // the rest; those of the first name are shown
}

// Log gathers lines. The zero value is none.
type Log struct {
	Logger *slog.Logger

	mu    sync.Mutex // guards the fields below
	lines []*gathered
	timer *time.Timer // nil while nothing waits
}

type gathered struct {
	Line
	names []string
}

// Add takes a line about name, to be logged in a moment, once for all of its cause.
func (l *Log) Add(line Line, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.lines, func(g *gathered) bool {
		return g.Level == line.Level && g.Message == line.Message && g.Subject == line.Subject && g.Cause == line.Cause
	})
	if i < 0 {
		if len(l.lines) >= pending {
			l.flush()
		}
		i = len(l.lines)
		l.lines = append(l.lines, &gathered{Line: line})
	}
	l.lines[i].names = append(l.lines[i].names, name)
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.Flush)
	}
}

// Flush logs what waits, as at the end.
func (l *Log) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *Log) flush() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	for _, g := range l.lines {
		slices.Sort(g.names)
		l.Logger.Log(context.Background(), g.Level, g.Message, append([]any{g.Subject, few.Of(g.names, named, " and ")}, g.Args...)...) //nolint:sloglint // the messages are constants of the callers
	}
	l.lines = nil
}
