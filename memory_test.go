package main

import (
	"bufio"
	"fmt"
	"os"
)

// memory is what a field of the process's status in /proc says, in MiB: VmRSS for
// the resident memory, VmHWM for the most that it ever was.
func memory(pid int, field string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		if n, _ := fmt.Sscanf(lines.Text(), field+": %f kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("no %s of process %d", field, pid)
}
