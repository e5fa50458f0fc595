package gather

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/internal/logtest"
)

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &logtest.Buffer{}
		read := 0
		logged := func() string { // since the last call
			text := out.String()[read:]
			read += len(text)
			return text
		}
		l := Log{Logger: slog.New(slog.NewTextHandler(out, nil))}
		dead := Line{Level: slog.LevelWarn, Message: "volume is not healthy", Subject: "volume", Cause: "a is dead", Args: []any{"status", "offline"}}
		for i := range 500 {
			l.Add(dead, fmt.Sprintf("v%03d", 499-i))
			time.Sleep(time.Millisecond)
		}
		full := dead
		full.Cause, full.Args = "b is full", []any{"status", "degraded"}
		l.Add(full, "w")
		if text := logged(); text != "" {
			t.Errorf("logged at once:\n%s", text)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		text := logged()
		if strings.Count(text, "\n") != 2 || !strings.Contains(text, `volume="v000, v001, v002 and 497 more" status=offline`) || !strings.Contains(text, "volume=w status=degraded") {
			t.Errorf("want two lines:\n%s", text)
		}
		l.Add(dead, "v")
		l.Flush()
		l.Flush()
		if text := logged(); strings.Count(text, "\n") != 1 {
			t.Errorf("at the end:\n%s", text)
		}
		for i := range 3 * pending {
			other := dead
			other.Cause = fmt.Sprint(i)
			l.Add(other, "v")
		}
		if len(l.lines) > pending {
			t.Errorf("%d lines wait", len(l.lines))
		}
		l.Flush()
	})
}
