// Fakesmartctl plays smartctl for tests, benchmarks and demos: it answers for
// the drives of a fleet, a directory named "fleet" beside the program, which
// may change while others use it. It notes each of its runs there.
//
// Run it by a name with a slash: the directory of that name is where it looks,
// so one program serves many fleets through links.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"storage_exporter/internal/fakesmartctl/fleet"
)

func main() { os.Exit(run(os.Args)) }

func run(argv []string) int {
	program := argv[0]
	if !strings.Contains(program, "/") {
		program, _ = os.Executable()
	}
	f := fleet.Open(filepath.Join(filepath.Dir(program), "fleet"))
	var scan bool
	var typ, check, name string
	var logs []string
	for _, arg := range argv[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "--scan":
			scan = true
		case "--device":
			typ = value
		case "--nocheck":
			check = value
		case "--log":
			logs = append(logs, value)
		default:
			if !strings.HasPrefix(arg, "-") {
				name = arg
			}
		}
	}
	if scan {
		defer f.Note(strings.Join(append([]string{"scan"}, argv[1:]...), " "))()
		s, err := f.Scan()
		if err != nil {
			return refuse(argv, 1, err.Error())
		}
		return play(s.Behaviour, s.Document())
	}
	defer f.Note(strings.Join(append([]string{"read", name, typ}, logs...), " "))()
	d, err := f.Drive(name, typ)
	if err != nil {
		time.Sleep(time.Millisecond)
		return refuse(argv, 2, "Smartctl open device: "+name+" failed: No such device")
	}
	for _, l := range logs {
		if slices.Contains(d.RefusedLogs, l) {
			return refuse(argv, 1, "=======> INVALID ARGUMENT TO -l: "+l)
		}
	}
	if d.PowerMode != "" && check != "never" {
		return play(d.Behaviour, d.Asleep())
	}
	return play(d.Behaviour, d.DocumentFor(logs))
}

// play behaves so and prints a document, whose exit status it ends with.
func play(b fleet.Behaviour, document []byte) int {
	time.Sleep(time.Duration(b.DelayMillis) * time.Millisecond)
	if b.Hang {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		time.Sleep(time.Hour)
	}
	if b.Stderr != "" {
		fmt.Fprintln(os.Stderr, b.Stderr)
	}
	if b.Print != nil {
		os.Stdout.WriteString(*b.Print)
		return b.Exit
	}
	var status struct {
		Smartctl struct {
			ExitStatus int `json:"exit_status"`
		} `json:"smartctl"`
	}
	_ = json.Unmarshal(document, &status)
	if b.Exit != 0 && status.Smartctl.ExitStatus != b.Exit {
		document = fleet.WithExitStatus(document, b.Exit)
		status.Smartctl.ExitStatus = b.Exit
	}
	os.Stdout.Write(document)
	return status.Smartctl.ExitStatus
}

// refuse prints what smartctl prints when it has no report.
func refuse(argv []string, status int, message string) int {
	b, _ := json.MarshalIndent(map[string]any{
		"json_format_version": []int{1, 0},
		"smartctl": map[string]any{
			"version": []int{7, 4}, "argv": append([]string{"smartctl"}, argv[1:]...),
			"messages":    []map[string]string{{"string": message, "severity": "error"}},
			"exit_status": status,
		},
	}, "", "  ")
	os.Stdout.Write(append(b, '\n'))
	return status
}
