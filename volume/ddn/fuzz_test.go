package ddn

import (
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/volume/mount"
)

// Names that the kernel tells become parts of paths: none leads out of its directory.
func FuzzNames(f *testing.F) {
	f.Add("172.16.0.1@o2ib:172.16.0.2@o2ib:/exa1/sub", "exa1-OST0002-osc-ffff8f35a3d3a800")
	f.Add("n@tcp:/..", "..-OST0000-osc-ff")
	f.Add("[fe80::1]@tcp:/exa1", "exa1-MDT0000-mdc-ff47bce9ca35d800")
	f.Add("n:/a-OST0000", "a-OST0000-OST0001-osc-1")
	f.Add("n:/a-MDT", "a-MDT-OST0001-osc-1")
	f.Fuzz(func(t *testing.T, source, dir string) {
		fsname, ok := fsOf(source)
		if !ok {
			return
		}
		if fsname != filepath.Base(fsname) || !filepath.IsLocal(fsname) || strings.Contains(fsname, "/") || !strings.Contains(source, ":/"+fsname) {
			t.Errorf("%q names the file system %q", source, fsname)
		}
		for kind, want := range map[string]string{"osc": "OST", "mdc": "MDT"} {
			name, ok := targetOf(dir, fsname, kind)
			if !ok {
				continue
			}
			short, found := strings.CutPrefix(name, fsname+"-")
			if !found || len(short) != 7 || !strings.HasPrefix(dir, name+"-"+kind+"-") {
				t.Errorf("%q of %q is the target %q", dir, fsname, name)
			}
			if (target{name: name}).metadata() != (want == "MDT") && strings.Contains(short, want) {
				t.Errorf("%q is taken for the other kind", name)
			}
		}
	})
}

// What a file says that has one number is that number, or is not known.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{"4", "-1", "18446744073709551616", "1e3", "0x10", "", "1_000", "+5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := mount.Count(text)
		if digits := strings.Trim(text, "0123456789") == "" && text != ""; n != nil && !digits {
			t.Errorf("%q is %d", text, *n)
		}
		if at := parseTime(text); !at.IsZero() && (at.Unix() <= 0 || at.Year() > 9999) {
			t.Errorf("%q is %v", text, at)
		}
	})
}
