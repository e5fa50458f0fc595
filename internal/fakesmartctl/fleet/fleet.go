// Package fleet holds the drives that fakesmartctl plays: a directory of files
// that tests and demos write while the program reads them.
package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Behaviour is how the program acts when it is asked.
type Behaviour struct {
	DelayMillis int    `json:"delay_ms,omitempty"`
	Hang        bool   `json:"hang,omitempty"` // for ever, deaf to SIGTERM
	Exit        int    `json:"exit,omitempty"` // in place of the document's exit status
	Stderr      string `json:"stderr,omitempty"`
	// Print is printed in place of the document: half of one, garbage, nothing.
	Print *string `json:"print,omitempty"`
}

// Drive is one drive of the fleet.
type Drive struct {
	Name string `json:"name"` // /dev/sda
	Type string `json:"type"` // as the scan lists it: scsi, nvme, "megaraid,1"
	Behaviour
	// PowerMode, such as STANDBY, makes the drive sleep: it answers only with --nocheck=never.
	PowerMode string `json:"power_mode,omitempty"`
	// RefusedLogs are arguments of --log that end with a command line error.
	RefusedLogs []string `json:"refused_logs,omitempty"`
	// MissingLogs are arguments of --log that the drive does not have: asking
	// for one sets bit 2 of the exit status.
	MissingLogs []string        `json:"missing_logs,omitempty"`
	Report      json.RawMessage `json:"document"`
}

// Scan is what a scan finds.
type Scan struct {
	Behaviour
	Devices []Found `json:"devices"`
}

// Found is one device of a scan.
type Found struct {
	Name     string `json:"name"`
	InfoName string `json:"info_name"`
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
}

// Fleet is the directory. Its methods may be called from many goroutines of
// one process; the programs that read see whole files only.
type Fleet struct {
	dir string
	mu  sync.Mutex // guards scan.json
}

// Open takes a directory as it is.
func Open(dir string) *Fleet { return &Fleet{dir: dir} }

// Create makes a directory for an empty fleet.
func Create(dir string) (*Fleet, error) {
	if err := os.MkdirAll(filepath.Join(dir, "drives"), 0o750); err != nil {
		return nil, err
	}
	f := Open(dir)
	return f, f.write("scan.json", Scan{Devices: []Found{}})
}

// Put adds drives to the fleet, or changes those of the same name and type.
func (f *Fleet) Put(drives ...Drive) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.Scan()
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, d := range s.Devices {
		known[file(d.Name, d.Type)] = true
	}
	for _, d := range drives {
		if err := f.write(file(d.Name, d.Type), d); err != nil {
			return err
		}
		if !known[file(d.Name, d.Type)] {
			s.Devices = append(s.Devices, Found{d.Name, d.Name, d.Type, strings.ToUpper(d.Type)})
		}
	}
	return f.write("scan.json", s)
}

// Remove takes a drive away, as if it was pulled.
func (f *Fleet) Remove(name, typ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.Scan()
	if err != nil {
		return err
	}
	var kept []Found
	for _, d := range s.Devices {
		if d.Name != name || d.Type != typ {
			kept = append(kept, d)
		}
	}
	s.Devices = kept
	return errors.Join(os.Remove(filepath.Join(f.dir, file(name, typ))), f.write("scan.json", s))
}

// SetScan makes scans behave so.
func (f *Fleet) SetScan(b Behaviour) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.Scan()
	if err != nil {
		return err
	}
	s.Behaviour = b
	return f.write("scan.json", s)
}

// Scan is what a scan finds now.
func (f *Fleet) Scan() (Scan, error) {
	var s Scan
	return s, f.read("scan.json", &s)
}

// Drive finds a drive by what smartctl is asked for. A type that is not the
// listed one still finds the drive, unless it names a member of a controller.
func (f *Fleet) Drive(name, typ string) (Drive, error) {
	types := []string{typ}
	if !strings.Contains(typ, ",") {
		types = []string{"scsi", "nvme", typ}
	} else if _, member, ok := strings.Cut(typ, "+"); ok {
		types = append(types, member)
	}
	for _, t := range types {
		var d Drive
		err := f.read(file(name, t), &d)
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	return Drive{}, fs.ErrNotExist
}

// Note writes down that a run has begun, and returns what writes its end.
func (f *Fleet) Note(what string) (end func()) {
	f.note("begin " + what)
	return func() { f.note("end " + what) }
}

// Silence has no further runs noted, for what goes on for days.
func (f *Fleet) Silence() error {
	name := filepath.Join(f.dir, "runs.log")
	if err := os.Symlink(os.DevNull, name+".new"); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func (f *Fleet) note(line string) {
	log, err := os.OpenFile(filepath.Join(f.dir, "runs.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer log.Close()
	fmt.Fprintln(log, line)
}

// Runs counts the runs so far: scans, and reads by device name.
func (f *Fleet) Runs() (scans int, reads map[string]int) {
	reads = make(map[string]int)
	for _, words := range f.lines() {
		switch {
		case words[0] != "begin":
		case words[1] == "scan":
			scans++
		default:
			reads[words[2]]++
		}
	}
	return scans, reads
}

// Reads are the runs for a device so far, each as its type and logs.
func (f *Fleet) Reads(name string) []string {
	var out []string
	for _, words := range f.lines() {
		if words[0] == "begin" && words[1] == "read" && words[2] == name {
			out = append(out, strings.Join(words[3:], " "))
		}
	}
	return out
}

// MostAtOnce is how many reads ran at the same moment at most.
func (f *Fleet) MostAtOnce() int {
	now, most := 0, 0
	for _, words := range f.lines() {
		switch {
		case words[1] != "read":
		case words[0] == "begin":
			now++
			most = max(most, now)
		default:
			now--
		}
	}
	return most
}

func (f *Fleet) lines() [][]string {
	b, err := os.ReadFile(filepath.Join(f.dir, "runs.log"))
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); len(words) > 1 {
			out = append(out, words)
		}
	}
	return out
}

func file(name, typ string) string {
	return filepath.Join("drives", strings.ReplaceAll(strings.Trim(name, "/"), "/", "_")+";"+strings.ReplaceAll(typ, "/", "_")+".json")
}

func (f *Fleet) read(name string, v any) error {
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// write puts a whole file in place at once.
func (f *Fleet) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
