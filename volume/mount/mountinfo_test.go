package mount

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
)

func readTestdata(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestCovering(t *testing.T) {
	table := parseMountinfo([]byte(readTestdata(t, "mountinfo")), "/")
	tests := []struct {
		path, point, fstype string
		readOnly            bool
	}{
		{"/vfroot/local", "/vfroot/local", "xfs", false},
		{"/vfroot/local/a/b", "/vfroot/local", "xfs", false},
		{"/vfroot/local2", "/", "ext4", false}, // no component of its own
		{"/vfroot/local/nested/x", "/vfroot/local/nested", "ext4", true},
		{"/vfroot/with space/x", "/vfroot/with space", "nfs4", false},
		{"/vfroot/over", "/vfroot/over", "ext4", false}, // over the automount
		{"/srv/vf1", "/srv/vf1", "xfs", false},
		{"/", "/", "ext4", false},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			m, ok := table.Covering(tt.path)
			if !ok || m.Point != tt.point || m.FSType != tt.fstype || m.ReadOnly() != tt.readOnly {
				t.Errorf("got %+v, %v", m, ok)
			}
		})
	}
	if _, ok := table.Covering("relative"); ok {
		t.Error("a relative path is covered")
	}
}

func TestCoveringHidden(t *testing.T) {
	tests := []struct{ name, table, path, device string }{
		{"a mount over the directory above hides a mount", `
1 0 8:1 / / rw - ext4 /dev/a rw
2 1 8:2 / /a/b rw - ext4 /dev/b rw
3 1 8:3 / /a rw - ext4 /dev/c rw
`, "/a/b/x", "8:3"},
		{"but not one on itself", `
1 0 8:1 / / rw - ext4 /dev/a rw
3 1 8:3 / /a rw - ext4 /dev/c rw
2 3 8:2 / /a/b rw - ext4 /dev/b rw
`, "/a/b/x", "8:2"},
		{"listed before its parent", `
2 3 8:2 / /a/b rw - ext4 /dev/b rw
3 1 8:3 / /a rw - ext4 /dev/c rw
1 0 8:1 / / rw - ext4 /dev/a rw
`, "/a/b/x", "8:2"},
		{"stacked, the top one listed first", `
1 0 8:1 / / rw - ext4 /dev/a rw
3 2 8:3 / /a rw - ext4 /dev/c rw
2 1 8:2 / /a rw - ext4 /dev/b rw
`, "/a", "8:3"},
		{"below a stack", `
1 0 8:1 / / rw - ext4 /dev/a rw
2 1 8:2 / /a rw - ext4 /dev/b rw
4 2 8:4 / /a/b rw - ext4 /dev/d rw
3 2 8:3 / /a rw - ext4 /dev/c rw
`, "/a/b", "8:3"},
		{"parents in a circle", `
1 2 8:1 / / rw - ext4 /dev/a rw
2 1 8:2 / / rw - ext4 /dev/b rw
`, "/a", "8:2"},
		{"odd lines between", `
1 0 8:1 / / rw - ext4 /dev/a rw
garbage
9 1 8:x / /a rw - ext4 /dev/z rw
9 1 8:9 / a rw - ext4 /dev/z rw
2 1 8:2 / /a rw shared:1 master:2 odd - xfs /dev/b
`, "/a", "8:2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, ok := parseMountinfo([]byte(strings.TrimPrefix(tt.table, "\n")), "/").Covering(tt.path)
			if !ok || m.Device != tt.device {
				t.Errorf("covered by %+v, want %s", m, tt.device)
			}
		})
	}
}

func TestSeenFrom(t *testing.T) {
	const container = `1 0 0:30 / / rw - overlay overlay rw,upperdir=/u
2 1 8:1 / /host ro - ext4 /dev/a rw
3 2 8:2 / /host/data rw - xfs /dev/b rw
4 1 8:3 / /data rw - ext4 /dev/own rw
5 1 8:4 / /hostess rw - ext4 /dev/own2 rw
`
	const host = `1 0 8:1 / / rw - ext4 /dev/a rw
2 1 8:2 / /data rw - xfs /dev/b rw
`
	points := func(table Table) map[string]string {
		seen := map[string]string{}
		for _, m := range table {
			seen[m.Point] = m.Device
		}
		return seen
	}
	want := map[string]string{"/": "8:1", "/data": "8:2"}
	for name, content := range map[string]string{"a container's": container, "the host's": host} {
		if diff := cmp.Diff(want, points(parseMountinfo([]byte(content), "/host"))); diff != "" {
			t.Errorf("%s table (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`/a\040b\011c\012d\134e\043`: "/a b\tc\nd\\e#", `\04`: `\04`, `\999`: `\999`, `x\`: `x\`, `\134040`: `\040`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add(readTestdata(f, "mountinfo"), "/vfroot/local/nested", "/")
	f.Add(hostTable, "/auto/x", "/")
	f.Add("1 0 8:1 / / rw - ext4 /dev/a rw\n1 1 8:1 / /host rw - ext4 a b", "/host/a", "/host")
	f.Fuzz(func(t *testing.T, content, name, root string) {
		table := parseMountinfo([]byte(content), root)
		for _, m := range table {
			if !strings.HasPrefix(m.Point, "/") || !block.IsNumber(m.Device) || filepath.Clean(m.Point) != m.Point {
				t.Fatalf("a mount that cannot be: %+v", m)
			}
		}
		name = filepath.Clean("/" + name)
		m, ok := table.Covering(name)
		if ok && !within(name, m.Point) {
			t.Fatalf("%q is not on %+v", name, m)
		}
		if seen := table.outside(table); len(seen) != len(table) {
			t.Fatalf("%d mounts, outside of no namespace %d", len(table), len(seen))
		}
		for _, other := range table {
			if !ok && within(name, other.Point) {
				t.Fatalf("%q is on %+v after all", name, other)
			}
		}
	})
}
