package outside

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// maxDepth bounds how many control groups above one another are read.
const maxDepth = 64

// CgroupMemory is the least limit of memory of this process's control group and of
// those above it, in bytes; false where there is none. fsRoot is "/" but in tests.
//
// In a container the path in /proc/self/cgroup may be the host's, and what is mounted
// only the container's own part: then the top of the mount has the limit.
func CgroupMemory(fsRoot string) (limit int64, ok bool) {
	for line := range strings.Lines(string(ReadFile(filepath.Join(fsRoot, "proc/self/cgroup")))) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var mount string
		var files []string
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, files = "sys/fs/cgroup", []string{"memory.max", "memory.high"}
		case strings.Contains(","+parts[1]+",", ",memory,"):
			mount, files = "sys/fs/cgroup/memory", []string{"memory.limit_in_bytes"}
		default:
			continue
		}
		group := path.Clean("/" + parts[2]) // never above the mount
		for range maxDepth {
			for _, file := range files {
				text := ReadLine(filepath.Join(fsRoot, mount, group, file))
				n, err := strconv.ParseInt(text, 10, 64) // "max" and, in version 1, a number near 2^63 for none
				if err == nil && n > 0 && n < 1<<60 && (!ok || n < limit) {
					limit, ok = n, true
				}
			}
			if group == "/" {
				break
			}
			group = path.Dir(group)
		}
	}
	return limit, ok
}
