// Package fake is what the fake zpool plays: a host's pools and how zpool
// behaves there.
package fake

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Behaviour is how zpool behaves.
type Behaviour struct {
	// Version is 2.3 (JSON), 2.2 (if empty) or 0.7 (without -p and -s).
	Version     string `json:"version,omitempty"`
	Pools       []Pool `json:"pools,omitempty"`
	DelayMillis int    `json:"delay_ms,omitempty"`
	// Hang never ends, whatever signal comes but KILL; HangGUIDs only for -g.
	Hang      bool   `json:"hang,omitempty"`
	HangGUIDs bool   `json:"hang_guids,omitempty"`
	Exit      int    `json:"exit,omitempty"`
	Stderr    string `json:"stderr,omitempty"`
	// Print is printed in place of a document of the pools, PrintGUIDs for -g.
	Print      *string `json:"print,omitempty"`
	PrintGUIDs *string `json:"print_guids,omitempty"`
}

// Knows says whether the version knows an option.
func (b Behaviour) Knows(option string) bool {
	switch option {
	case "-P", "-L", "-g":
		return true
	case "-p", "-s":
		return b.Version != "0.7"
	case "-j", "--json-int":
		return b.Version == "2.3"
	}
	return false
}

// Document is what zpool prints for the options.
func (b Behaviour) Document(options []string) string {
	has := func(o string) bool { return slices.Contains(options, o) }
	switch {
	case b.PrintGUIDs != nil && has("-g"):
		return *b.PrintGUIDs
	case b.Print != nil:
		return *b.Print
	case has("-j"):
		return JSON(b.Pools)
	}
	return Text(b.Pools, Form{GUIDs: has("-g"), Exact: has("-p"), Slow: has("-s")})
}

// Host is a directory with a fake zpool in it.
type Host struct{ dir string }

// At is the host of a directory.
func At(dir string) Host { return Host{dir} }

// Path is the program's.
func (h Host) Path() string { return filepath.Join(h.dir, "zpool") }

// Behave makes zpool behave so from now on.
func (h Host) Behave(b Behaviour) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	fresh := filepath.Join(h.dir, "zpool.json.new")
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(h.dir, "zpool.json"))
}

// Behaviour is how zpool behaves now.
func (h Host) Behaviour() (b Behaviour, err error) {
	text, err := os.ReadFile(filepath.Join(h.dir, "zpool.json"))
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err
}

// Note notes a run with its arguments.
func (h Host) Note(run string) (err error) {
	f, err := os.OpenFile(filepath.Join(h.dir, "runs"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	_, err = f.WriteString(run + "\n")
	return err
}

// Runs are the arguments of all runs so far.
func (h Host) Runs() []string {
	text, err := os.ReadFile(filepath.Join(h.dir, "runs"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
