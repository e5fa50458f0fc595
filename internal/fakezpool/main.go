// Fakezpool plays `zpool status` for tests, benchmarks and demos: it does what
// the file zpool.json beside it says, which may change while others use it. It
// notes each of its runs there. Any other subcommand is a failure.
//
// Run it by a name with a slash: the directory of that name is where it looks,
// so one program plays many hosts through links.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"storage_exporter/internal/fakezpool/fake"
)

func main() { os.Exit(run(os.Args)) }

func run(argv []string) int {
	host := fake.At(filepath.Dir(argv[0]))
	if err := host.Note(strings.Join(argv[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	b, err := host.Behaviour()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	time.Sleep(time.Duration(b.DelayMillis) * time.Millisecond)
	if len(argv) < 2 || argv[1] != "status" || os.Getenv("ZFS_MODULE_LOADING") != "NO" || os.Getenv("TZ") != "UTC0" {
		fmt.Fprintln(os.Stderr, "not what the exporter may run")
		return 3
	}
	guids := false
	for _, arg := range argv[2:] {
		if !b.Knows(arg) {
			option := strings.TrimLeft(arg, "-")[:1]
			if strings.HasPrefix(arg, "--") {
				option = "-"
			}
			fmt.Fprintf(os.Stderr, "invalid option '%s'\nusage:\n\tstatus [-c [script1,script2,...]] [-igLpPsvxD] [pool] ...\n", option)
			return 2
		}
		guids = guids || arg == "-g"
	}
	if b.Hang || b.HangGUIDs && guids {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		time.Sleep(time.Hour)
	}
	if b.Stderr != "" {
		fmt.Fprintln(os.Stderr, b.Stderr)
	}
	os.Stdout.WriteString(b.Document(argv[2:]))
	return b.Exit
}
