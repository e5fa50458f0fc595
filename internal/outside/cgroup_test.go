package outside

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeTree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCgroupMemory(t *testing.T) {
	const v2, v1 = "sys/fs/cgroup/", "sys/fs/cgroup/memory/"
	tests := map[string]struct {
		groups string // /proc/self/cgroup
		files  map[string]string
		want   int64 // 0: none
	}{
		"none":               {"", nil, 0},
		"v2":                 {"0::/system.slice/e.service\n", map[string]string{v2 + "system.slice/e.service/memory.max": "67108864\n"}, 64 << 20},
		"v2, not limited":    {"0::/e\n", map[string]string{v2 + "e/memory.max": "max\n", v2 + "e/memory.high": "max\n"}, 0},
		"v2, the one above":  {"0::/s/e\n", map[string]string{v2 + "s/memory.max": "1000\n", v2 + "s/e/memory.max": "2000\n"}, 1000},
		"v2, throttled":      {"0::/e\n", map[string]string{v2 + "e/memory.max": "2000\n", v2 + "e/memory.high": "1500\n"}, 1500},
		"v2, own namespace":  {"0::/\n", map[string]string{v2 + "memory.max": "3000\n"}, 3000},
		"v2, outside of it":  {"0::/../../e\n", map[string]string{v2 + "memory.max": "3000\n"}, 3000},
		"v1":                 {"7:cpu:/x\n4:memory:/docker/1\n0::/\n", map[string]string{v1 + "docker/1/memory.limit_in_bytes": "4000\n", v1 + "memory.limit_in_bytes": "9223372036854771712\n"}, 4000},
		"v1, two together":   {"4:cpu,memory:/e\n", map[string]string{v1 + "e/memory.limit_in_bytes": "4000\n"}, 4000},
		"v1, not limited":    {"4:memory:/\n", map[string]string{v1 + "memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"v1, in a container": {"4:memory:/docker/1\n", map[string]string{v1 + "memory.limit_in_bytes": "5000\n"}, 5000},
		"nonsense": {
			"\x00\n0:\n::::\n4:memory:" + strings.Repeat("/x", 5000) + "\n0::/e\n",
			map[string]string{v2 + "e/memory.max": "-1\n", v2 + "e/memory.high": "0\n", v2 + "memory.max": "1e9\n"}, 0,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"proc/self/cgroup": tt.groups}
			maps.Copy(files, tt.files)
			got, ok := CgroupMemory(writeTree(t, files))
			if got != tt.want || ok != (tt.want > 0) {
				t.Errorf("%d, %v, want %d", got, ok, tt.want)
			}
		})
	}
}

func FuzzCgroupMemory(f *testing.F) {
	f.Add("0::/a/b\n", "67108864\n")
	f.Add("4:memory:/../a\n", "max")
	f.Fuzz(func(t *testing.T, groups, limit string) {
		root := writeTree(t, map[string]string{"proc/self/cgroup": groups, "sys/fs/cgroup/memory.max": limit, "memory.max": "1\n"})
		if got, ok := CgroupMemory(root); ok != (got > 0) || got == 1 && strings.TrimSpace(limit) != "1" && !strings.HasPrefix(limit, "1") {
			t.Errorf("%d, %v", got, ok)
		}
	})
}
