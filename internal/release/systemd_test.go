package release

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"storage_exporter/internal/needtest"
)

const unit = "storage_exporter.service"

// units are the files that systemd reads, by name, and drop-ins for the unit.
type units map[string]string

// shippedUnits are the unit and the socket, with the drop-ins of those names.
func shippedUnits(t *testing.T, dropIns ...string) units {
	t.Helper()
	u := units{unit: read(t, "packaging/"+unit), "storage_exporter.socket": read(t, "packaging/storage_exporter.socket")}
	for _, name := range dropIns {
		u[unit+".d/"+name] = read(t, "packaging/drop-ins/"+name)
	}
	return u
}

// dropIns are the names of all that are shipped.
func dropIns(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "packaging/drop-ins/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no drop-ins: %v", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

// analyze runs systemd-analyze on the units, and returns what it says and whether it
// is content.
func (u units) analyze(t *testing.T, command string, options ...string) (string, bool) {
	t.Helper()
	needtest.Program(t, "systemd-analyze", "systemd")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range u {
		// It looks for the programs, and those may not be installed here.
		for _, program := range []string{"/usr/bin/storage_exporter", "/usr/sbin/smartctl"} {
			text = strings.ReplaceAll(text, program+" ", self+" ")
		}
		write(t, filepath.Join(dir, name), text)
	}
	args := append([]string{command}, options...)
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if !strings.Contains(name, "/") && (command == "verify" || name == unit) {
			args = append(args, "./"+name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (u units) verify(t *testing.T) (string, bool) {
	t.Helper()
	return u.analyze(t, "verify", "--man=no", "--recursive-errors=yes")
}

// everything takes the "#" away that a drop-in says can be taken away.
func (u units) everything() units {
	all := units{}
	for name, text := range u {
		all[name] = regexp.MustCompile(`(?m)^#([A-Z][A-Za-z]+=)`).ReplaceAllString(text, "$1")
	}
	return all
}

func TestUnitsAreValid(t *testing.T) {
	for _, names := range append([][]string{nil, dropIns(t)}, chunk(dropIns(t))...) {
		u := shippedUnits(t, names...)
		for _, variant := range []units{u, u.everything()} {
			if out, ok := variant.verify(t); !ok {
				t.Errorf("with %v:\n%s", names, out)
			}
		}
	}
	for name, wrong := range map[string]string{"an unknown key": "NoSuchKey=yes\n", "an unknown call": "SystemCallFilter=no_such_call\n"} {
		u := shippedUnits(t)
		u[unit+".d/wrong.conf"] = "[Service]\n" + wrong
		if out, ok := u.verify(t); ok && !strings.Contains(out, "wrong.conf") {
			t.Errorf("%s passed: the test proves nothing", name)
		}
	}
}

func chunk(names []string) (each [][]string) {
	for _, name := range names {
		each = append(each, []string{name})
	}
	return each
}

var exposure = regexp.MustCompile(`Overall exposure level for ` + regexp.QuoteMeta(unit) + `: (\d+\.\d)`)

// What systemd makes of the unit: below 3.0, and as the documents say.
func TestExposure(t *testing.T) {
	stated := map[string]string{"": find(t, read(t, "docs/permissions.md"), "(?m)^\\| the unit itself \\| (\\d\\.\\d) \\|$")}
	for _, name := range dropIns(t) {
		stated[name] = find(t, read(t, "packaging/drop-ins/"+name), "(?m)^# Exposure by `systemd-analyze security`: (\\d\\.\\d)")
		row := "(?m)^\\| with \\[`" + regexp.QuoteMeta(name) + "`\\][^|]* \\| (\\d\\.\\d) \\|$"
		if got := find(t, read(t, "docs/permissions.md"), row); got != stated[name] {
			t.Errorf("docs/permissions.md has %s for %s, which says %s", got, name, stated[name])
		}
	}
	version, err := exec.CommandContext(t.Context(), "systemd-analyze", "--version").Output()
	exact := err == nil && strings.HasPrefix(string(version), "systemd 252 ") // others weigh differently
	for name, want := range stated {
		var with []string
		if name != "" {
			with = []string{name}
		}
		out, ok := shippedUnits(t, with...).analyze(t, "security", "--offline=yes", "--threshold=29")
		if !ok {
			t.Errorf("with %q: too exposed\n%s", name, out)
			continue
		}
		if got := find(t, out, exposure.String()); exact && got != want {
			t.Errorf("with %q: %s, and %s is stated", name, got, want)
		}
	}
}

// A volume must look to the exporter as it looks to everybody, and the drives must be
// there: these settings would change that.
func TestUnitFalsifiesNothing(t *testing.T) {
	var texts []string
	for _, text := range shippedUnits(t, dropIns(t)...).everything() {
		texts = append(texts, text)
	}
	text := strings.Join(texts, "\n")
	falsifies := regexp.MustCompile(`(?m)^(ProtectHome=(yes|true|on|1|tmpfs)|PrivateTmp=(yes|true|on|1|disconnected)|` +
		`(PrivateDevices|PrivateUsers|PrivateNetwork|DynamicUser)=(yes|true|on|1)|ProtectProc=(invisible|noaccess|ptraceable)|ProcSubset=pid|` +
		`(RootDirectory|RootImage|TemporaryFileSystem|InaccessiblePaths|MountAPIVFS)=.*)$`)
	if wrong := falsifies.FindAllString(text, -1); wrong != nil {
		t.Errorf("the exporter would see another system: %q", wrong)
	}
	// ProtectClock= alone adds a device to an empty list, which closes all others.
	u := shippedUnits(t)[unit]
	for _, want := range []string{
		"DevicePolicy=closed", "DeviceAllow=block-sd r", "DeviceAllow=block-blkext r", "DeviceAllow=char-nvme r", "DeviceAllow=char-sg r", "DeviceAllow=/dev/zfs rw",
		"ProtectSystem=strict", "ProtectHome=read-only", "SystemCallFilter=~@privileged @resources",
	} {
		if !strings.Contains(u, "\n"+want+"\n") {
			t.Errorf("the unit has no %s", want)
		}
	}
}

// One answer to where things are: the unit, the packages' defaults, the socket.
func TestUnitsAgree(t *testing.T) {
	u := shippedUnits(t)
	if got := find(t, u[unit], `(?m)^ExecStart=(\S+) \$OPTIONS$`); got != "/usr/bin/storage_exporter" {
		t.Errorf("the unit starts %s", got)
	}
	port := find(t, read(t, "flags.go"), `kingpinflag\.AddFlags\(app, ":(\d+)"\)`)
	if got := find(t, u["storage_exporter.socket"], `(?m)^ListenStream=(\d+)$`); got != port {
		t.Errorf("the socket listens on %s, the exporter by itself on %s", got, port)
	}
	if env := find(t, u[unit], `(?m)^EnvironmentFile=-(\S+)$`); !strings.HasPrefix(read(t, "packaging/storage_exporter.default"), "# "+env+":") {
		t.Errorf("packaging/storage_exporter.default is not %s", env)
	}
	class := find(t, u[unit], `(?m)^StateDirectory=(\S+)$`)
	if !strings.Contains(read(t, "packaging/storage_exporter.toml"), "\n#path = \"/var/lib/"+class+"/") {
		t.Errorf("the example's cache is not in /var/lib/%s", class)
	}
}
