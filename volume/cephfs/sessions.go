package cephfs

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"storage_exporter/volume/mount"
)

// Bounds of what is shown of sessions.
const (
	maxSessions = 256 // as many ranks as a file system may have
	maxShown    = 3
)

// session is the kernel client's with one metadata server.
type session struct {
	rank  uint64
	state string // as the kernel calls it
}

// sessions are those of a mount's client; none where they are not to be had. The
// file is behind a lock of the client, so that reading it may hang as the mount does.
func (d *debugfs) sessions(ctx context.Context, m mount.Mount, asked attributes) []session {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	client := d.clientOf(m, asked)
	all, err := mount.Guarded(ctx, d.host, m.Device+" sessions", func() ([]session, error) {
		client, err := d.only(client)
		if err != nil {
			return nil, err
		}
		content, err := mount.ReadFile(filepath.Join(d.dir, client, "mds_sessions"))
		return parseSessions(content), err
	})
	if err != nil {
		return nil
	}
	return all
}

// only is the client, or where it is not known the only one there is.
func (d *debugfs) only(client string) (string, error) {
	if client != "" {
		return client, nil
	}
	clients, err := d.clients()
	if err != nil {
		return "", err
	}
	for only := range clients {
		client = only
	}
	if len(clients) != 1 {
		return "", mount.Unsupported("%s has %d clients", d.dir, len(clients))
	}
	return client, nil
}

// parseSessions reads the lines `mds.RANK STATE`; others are about the client itself.
func parseSessions(content []byte) []session {
	var all []session
	for line := range strings.Lines(string(content)) {
		name, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		number, ok := strings.CutPrefix(name, "mds.")
		rank, err := strconv.ParseUint(number, 10, 31)
		if ok && err == nil && strings.TrimSpace(state) != "" && len(all) < maxSessions {
			all = append(all, session{rank, word(strings.TrimSpace(state))})
		}
	}
	return all
}

// trouble is what is wrong with a session, in words an operator can act on; ""
// where nothing is. One that is closed was given up: there is no such rank any more.
func (s session) trouble() string {
	switch s.state {
	case "open", "closing", "closed":
		return ""
	case "hung":
		return "hangs: check that server and the network"
	case "new", "opening":
		return "is not open yet"
	case "restarting", "reconnecting":
		return "is being restored, as after a failover"
	case "rejected":
		return "was rejected: mount it anew"
	default:
		return fmt.Sprintf("is in the unknown state %.40q", s.state)
	}
}

// notWell names the sessions that are not, in the order of the kernel: by rank.
func notWell(all []session) string {
	var words []string
	wrong := 0
	for _, s := range all {
		text := s.trouble()
		if text == "" {
			continue
		}
		if wrong++; wrong <= maxShown {
			words = append(words, fmt.Sprintf("the session with metadata server %d %s", s.rank, text))
		}
	}
	if more := wrong - maxShown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// states counts the sessions by their states: "1 hung, 3 open".
func states(all []session) string {
	counts := map[string]int{}
	for _, s := range all {
		counts[s.state]++
	}
	var words []string
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[state], state))
	}
	return word(strings.Join(words, ", "))
}
