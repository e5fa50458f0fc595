package packagetest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guest is a root of its own, without systemd, apt and /proc: what a package may rely
// on, and no more.
type guest struct {
	t   *testing.T
	dir string
}

func newGuest(t *testing.T) guest {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "only root installs packages")
	}
	g := guest{t, t.TempDir()}
	// adduser is what the package depends on; rpm brings only its scripts along.
	run(t, need(t, "mmdebstrap", "mmdebstrap"), "--quiet", "--variant=essential", "--include=adduser", "--skip=cleanup/apt", "bookworm", g.dir)
	return g
}

// run runs a shell script there.
func (g guest) run(script string, args ...string) string {
	g.t.Helper()
	return run(g.t, "chroot", append([]string{g.dir, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "sh", "-euc", script, "guest"}, args...)...)
}

// put copies a file of the host into the root.
func (g guest) put(file string) string {
	g.t.Helper()
	run(g.t, "cp", file, g.dir)
	return "/" + filepath.Base(file)
}

func (g guest) read(file string) string {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

func (g guest) has(file string) bool {
	_, err := os.Lstat(filepath.Join(g.dir, file))
	return err == nil
}

// there fails the test for each file that should be there and is not, or the other way
// round.
func (g guest) there(when string, want bool, files ...string) {
	g.t.Helper()
	for _, file := range files {
		if g.has(file) != want {
			g.t.Errorf("%s: %s there: %t, want %t", when, file, !want, want)
		}
	}
}

func (g guest) edit(file, line string) {
	g.t.Helper()
	f, err := os.OpenFile(filepath.Join(g.dir, file), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		g.t.Fatal(err)
	}
}

// checkInstalled runs the program and looks at its user and configuration.
func (g guest) checkInstalled(version string) {
	g.t.Helper()
	if out := g.run("storage_exporter --version"); !strings.Contains(out, "storage_exporter, version "+version+" ") {
		g.t.Errorf("not version %s:\n%s", version, out)
	}
	if out := g.run(`. /etc/default/storage_exporter; echo "$OPTIONS"; storage_exporter --config.check $OPTIONS`); !strings.Contains(out, config+"\nconfiguration is valid") {
		g.t.Errorf("the configuration is not read:\n%s", out)
	}
	if user := g.run("getent passwd storage-exporter"); !regexp.MustCompile(`^storage-exporter:[x*!]*:\d{3}:\d{3}:.*:(/|/nonexistent):(/usr)?/sbin/nologin\n$`).MatchString(user) {
		g.t.Errorf("the user is %q", user)
	}
	if group := g.run("id -gn storage-exporter"); group != "storage-exporter\n" {
		g.t.Errorf("its group is %q", group)
	}
}

const (
	binary  = "/usr/bin/storage_exporter"
	flags   = "/etc/default/storage_exporter"
	config  = "/etc/storage_exporter/storage_exporter.toml"
	service = "/usr/lib/systemd/system/storage_exporter.service"
	socket  = "/usr/lib/systemd/system/storage_exporter.socket"
	enabled = "/etc/systemd/system/multi-user.target.wants/storage_exporter.service"
	listens = "/etc/systemd/system/sockets.target.wants/storage_exporter.socket"
	state   = "/var/lib/storage_exporter"
)

// The life of the deb, and then that of the rpm, whose scripts need only a shell.
func TestInDebian(t *testing.T) {
	g := newGuest(t)
	oldDeb, newDeb := g.put(first.file(t, "*_"+goarch+".deb")), g.put(upgrade.file(t, "*.deb"))
	oldRPM, newRPM := first.file(t, "*."+rpmArch()+".rpm"), upgrade.file(t, "*.rpm")
	t.Run("deb", func(t *testing.T) { guest{t, g.dir}.deb(oldDeb, newDeb) })
	t.Run("rpm", func(t *testing.T) { guest{t, g.dir}.rpm(need(t, "rpm", "rpm"), oldRPM, newRPM) })
}

func (g guest) deb(older, newer string) {
	g.t.Helper()
	before := g.run("dpkg-query -W -f '${Package}\n'")
	g.run(`dpkg --install "$1"`, older)
	g.checkInstalled("1.2.3")
	g.there("installed", true, binary, flags, config, service, socket, enabled)
	g.there("installed", false, listens)
	g.run("dpkg --verify storage-exporter")

	g.edit(flags, "# mine")
	g.edit(config, "[volume.mine]\nbackend = \"vfs\"\npath = \"/\"")
	if err := os.Remove(filepath.Join(g.dir, enabled)); err != nil { // as systemctl disable
		g.t.Error(err)
	}
	if err := os.MkdirAll(filepath.Join(g.dir, state), 0o700); err != nil { // as systemd
		g.t.Fatal(err)
	}
	g.run(`dpkg --install --force-confdef --force-confold "$1"`, newer)
	g.checkInstalled("1.3.0")
	g.there("upgraded", false, enabled)
	g.checkMine("upgraded", flags, config)

	g.run("dpkg --remove storage-exporter")
	g.there("removed", false, binary, service, socket)
	g.there("removed", true, state)
	g.checkMine("removed", flags, config)
	g.run(`dpkg --install --force-confdef --force-confold "$1"`, newer)
	g.checkMine("installed again", flags, config)
	g.there("installed again", false, enabled)

	g.run(`mkdir -p "$(dirname "$1")"; ln -s "$2" "$1"`, listens, socket) // as systemctl enable
	g.run("dpkg --purge storage-exporter")
	g.there("purged", false, listens, binary, flags, config, filepath.Dir(config), service, enabled, state, "/usr/share/storage_exporter", "/usr/share/doc/storage-exporter")
	if users := g.run("getent passwd storage-exporter"); users == "" {
		g.t.Error("the user is gone: its number may become another's")
	}
	if after := g.run("dpkg-query -W -f '${Package}\n'"); after != before {
		g.t.Errorf("packages before:\n%s\nafter:\n%s", before, after)
	}
	if left := strings.Fields(g.run("find /etc /usr /var/lib/systemd -name '*storage[_-]exporter*' 2>/dev/null || true")); len(left) > 0 {
		g.t.Errorf("left behind: %v", left)
	}
	g.run("deluser --quiet storage-exporter")
}

func (g guest) rpm(rpm, older, newer string) {
	g.t.Helper()
	do := func(args ...string) string {
		g.t.Helper()
		return run(g.t, rpm, append([]string{"--root=" + g.dir, "--nodeps", "--nosignature"}, args...)...)
	}
	do("--install", older)
	g.checkInstalled("1.2.3")
	g.there("installed", true, binary, flags, config, service, socket)
	g.edit(flags, "# mine")
	g.edit(config, "[volume.mine]\nbackend = \"vfs\"\npath = \"/\"")
	do("--upgrade", newer)
	g.checkInstalled("1.3.0")
	g.checkMine("upgraded", flags, config)
	do("--erase", "storage-exporter")
	g.there("removed", false, binary, service, flags, config)
	g.checkMine("removed", flags+".rpmsave", config+".rpmsave")
}

// checkMine says where an administrator's changes are lost.
func (g guest) checkMine(when string, files ...string) {
	g.t.Helper()
	for _, file := range files {
		if !g.has(file) || !strings.Contains(g.read(file), "mine") {
			g.t.Errorf("%s: the changes in %s are lost", when, file)
		}
	}
}

func rpmArch() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[goarch]
}
