package cephfs

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whatever is behind a socket, it costs bounded time and memory, and is told.
func TestSocket(t *testing.T) {
	t.Parallel()
	write := func(b ...byte) func(net.Conn, string) {
		return func(conn net.Conn, _ string) { _, _ = conn.Write(b) }
	}
	say := func(s string) func(net.Conn, string) { return write(framed(s)...) }
	announced := binary.BigEndian.AppendUint32(nil, maxAnswer)
	for name, tt := range map[string]struct {
		serve func(net.Conn, string)
		want  error // nil is an answer
	}{
		"good":              {say(statusOf("/mnt", 1)), nil},
		"closed":            {write(), errNonsense},
		"half a length":     {write(0, 0), errNonsense},
		"length only":       {write(0, 0, 0, 9), errNonsense},
		"cut short":         {write(0, 0, 0, 9, '{'), errNonsense},
		"huge":              {write(0xff, 0xff, 0xff, 0xff, '{'), errNonsense},
		"announced, absent": {write(append(announced, "{}"...)...), errNonsense},
		"empty":             {say(""), errNonsense},
		"no JSON":           {say("ERROR: (22) Invalid argument\n"), errNonsense},
		"wrong types":       {say(`{"id":"x","metadata":[]}`), errNonsense},
		"null":              {say("null"), nil},
		"deep":              {say(strings.Repeat("[", 1<<20)), errNonsense},
		"text":              {write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), errNonsense},
		"hangs":             {func(conn net.Conn, _ string) { _, _ = conn.Read(make([]byte, 1)) }, context.DeadlineExceeded},
		"trickles": {func(conn net.Conn, _ string) {
			for _, b := range framed(statusOf("/mnt", 1)) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "s.asok")
			serve(t, socket, tt.serve)
			limit := 20 * time.Second
			if errors.Is(tt.want, context.DeadlineExceeded) {
				limit = 200 * time.Millisecond
			}
			st, err := askStatus(within(t, limit), socket)
			if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), socket) {
				t.Errorf("%v does not name the socket", err)
			}
			if err == nil && name == "good" && (st.ID != 1 || st.Metadata.MountPoint != "/mnt") {
				t.Errorf("%+v", st)
			}
		})
	}
}

// An answer that is announced and does not come takes no memory.
func TestSocketMemory(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s.asok")
	serve(t, socket, func(conn net.Conn, _ string) {
		_, _ = conn.Write(binary.BigEndian.AppendUint32(nil, maxAnswer))
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		if _, err := askStatus(within(t, 5*time.Second), socket); !errors.Is(err, errNonsense) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 20*maxAnswer/8 {
		t.Errorf("%d bytes for nothing", took)
	}
}

func TestNoSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s.asok")
	if _, err := askStatus(within(t, time.Second), socket); !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	serve(t, socket, func(conn net.Conn, _ string) {
		cancel()
		_, _ = conn.Read(make([]byte, 1))
	})
	if _, err := askStatus(ctx, socket); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
