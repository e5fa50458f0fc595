package appliancetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"storage_exporter/internal/kit"
	"storage_exporter/volume"
)

// Emulator is a vendor's API with volumes on it.
type Emulator struct {
	*Appliance
	// Volumes are the configurations, with all their options.
	Volumes []volume.Config
	// Expire ends all sessions at once; nil where there are none.
	Expire func()
}

// NewEmulator starts a vendor's API, which handler is, and configures volumes of the
// backend on it. endpoint is the option with its URL; options are the others of a
// volume, by its index and name.
func NewEmulator(
	tb kit.T, network *Network, handler http.Handler, backend, endpoint string, names []string, options func(i int, name string) map[string]any,
) *Emulator {
	tb.Helper()
	e := &Emulator{Appliance: NewAppliance(tb, network, handler)}
	for i, name := range names {
		o := options(i, name)
		o[endpoint], o["ca_file"] = e.URL, e.CAFile
		e.Volumes = append(e.Volumes, volume.Config{Name: name, Backend: backend, Options: o})
	}
	return e
}

// Names are those of so many volumes: v0, v1, and so on.
func Names(volumes int) []string {
	names := make([]string, volumes)
	for i := range names {
		names[i] = fmt.Sprint("v", i)
	}
	return names
}

// Reply answers in JSON, with the time of now where none is set.
func Reply(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Date") == "" {
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Page is so much of a list, beginning at that index, and where the next begins; zero
// after the last.
func Page(all []any, from, most int) (page []any, next int) {
	from = min(from, len(all))
	if next = from + most; next >= len(all) {
		return append([]any{}, all[from:]...), 0
	}
	return all[from:next], next
}

// Sessions are those that an emulator has made. One ends after its life, or when it
// was not used for as long as idle; zero is for ever.
type Sessions struct {
	Life, Idle time.Duration

	mu   sync.Mutex // guards the fields below
	made int
	all  map[string]*session
}

type session struct{ made, used time.Time }

// New makes a session. Its token is secret; where the format wants one, it has the
// session's number.
func (s *Sessions) New(a *Appliance, format string) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*session{}
	}
	s.made++
	token = format
	if strings.Contains(format, "%") {
		token = fmt.Sprintf(format, s.made)
	}
	s.all[token] = &session{time.Now(), time.Now()}
	a.Secret(token)
	return token
}

// Use is whether the session lasts. It counts as used.
func (s *Sessions) Use(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[token]
	if one == nil || s.Life > 0 && time.Since(one.made) >= s.Life || s.Idle > 0 && time.Since(one.used) > s.Idle {
		return false
	}
	one.used = time.Now()
	return true
}

// End ends these sessions; without any, all.
func (s *Sessions) End(tokens ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(tokens) == 0 {
		clear(s.all)
	}
	for _, token := range tokens {
		delete(s.all, token)
	}
}

// Samples are an appliance that says what it was recorded to say.
type Samples struct {
	// Replies are by what is asked: the text itself, or the name of a file of the
	// package's testdata. A status and a space may stand before it.
	Replies map[string]string
	// Asked is what a call asks for, and Otherwise the reply to what has none.
	Asked     func(*http.Request) string
	Otherwise string
	// At is the time by the appliance's clock.
	At time.Time
}

// With is the same with another reply.
func (s Samples) With(asked, reply string) Samples {
	s.Replies = maps.Clone(s.Replies)
	s.Replies[asked] = reply
	return s
}

func (s Samples) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.At.Format(http.TimeFormat))
	reply := s.Replies[s.Asked(r)]
	if reply == "" {
		reply = s.Otherwise
	}
	code, rest, _ := strings.Cut(reply, " ")
	status, err := strconv.Atoi(code)
	if err != nil {
		status, rest = http.StatusOK, reply
	}
	if strings.HasSuffix(rest, ".json") {
		content, err := os.ReadFile(filepath.Join("testdata", rest))
		if err != nil {
			panic(err)
		}
		rest = string(content)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(rest))
}
