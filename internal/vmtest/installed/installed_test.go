//go:build vm

// Package installed is the job of the virtual machine with systemd that internal/vmtest
// starts: it installs the package there and looks at what the unit lets the exporter do.
package installed

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestMain keeps its hands off any other machine.
func TestMain(m *testing.M) {
	if line, _ := os.ReadFile("/proc/cmdline"); !bytes.Contains(line, []byte("storage_exporter.installed")) {
		fmt.Println("runs only in the virtual machine of internal/vmtest")
		return
	}
	os.Exit(m.Run())
}

// patience is for a machine that is emulated beside other work.
const patience = 90 * time.Second

const (
	unit    = "storage_exporter"
	deb     = "/package.deb"
	flags   = "/etc/default/storage_exporter"
	dropIns = "/etc/systemd/system/storage_exporter.service.d"
	node    = "/dev/megaraid_sas_ioctl_node"
)

func TestGuest(t *testing.T) {
	t.Run("install", testInstall)
	t.Run("drives", testDrives)
	t.Run("kept-in", testKeptIn)
	t.Run("reload", testReload)
	t.Run("no-nvme", testNoNVMe)
	t.Run("volumes-only", testVolumesOnly)
	t.Run("raid-members", testRAIDMembers)
	t.Run("socket", testSocket)
	t.Run("upgrade", testUpgrade)
	t.Run("purge", testPurge)
}

// sh is what a shell script says; it fails the test if the script fails.
func sh(t *testing.T, script string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// is wants a unit to be in a state: enabled, active and so on.
func is(t *testing.T, what, unit, want string) {
	t.Helper()
	if got := sh(t, `systemctl "is-$1" "$2" || true`, what, unit); got != want {
		t.Errorf("%s is %s, want %s", unit, got, want)
	}
}

// scrape is what the exporter shows, "" if it does not answer.
func scrape() string {
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Get("http://127.0.0.1:9777/metrics") //nolint:noctx // the client has a timeout
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	return string(page)
}

// await scrapes until the page has a match of each pattern.
func await(t *testing.T, patterns ...string) {
	t.Helper()
	var page string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		page = scrape()
		missing := false
		for _, p := range patterns {
			missing = missing || !regexp.MustCompile("(?m)^"+p+"$").MatchString(page)
		}
		if !missing {
			return
		}
	}
	shown := regexp.MustCompile(`(?m)^(jbod_drive_info|jbod_drive_observe|backendai_storage_volume_(read|health_status)|storage_scrape_collector_success).*$`).FindAllString(page, -1)
	t.Fatalf("want %q in\n%s\n%s", patterns, strings.Join(shown, "\n"), sh(t, "journalctl --no-pager -u storage_exporter | tail -n 20"))
}

// restartWith restarts the exporter with these flags and the drop-ins of these names.
func restartWith(t *testing.T, options string, names ...string) {
	t.Helper()
	configure(t, options, names...)
	sh(t, "systemctl restart storage_exporter")
}

// configure is restartWith without the restart.
func configure(t *testing.T, options string, names ...string) {
	t.Helper()
	if err := os.WriteFile(flags, []byte("OPTIONS=\""+options+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sh(t, `rm -rf "$1"; mkdir "$1"`, dropIns)
	for _, name := range names {
		sh(t, `install -m 644 -t "$1" /usr/share/storage_exporter/packaging/drop-ins/"$2"`, dropIns, name)
	}
	sh(t, "systemctl daemon-reload")
}

// drive is the pattern of a drive that was read.
func drive(device, serial string) string {
	return `jbod_drive_info\{device="` + device + `",.*serial_number="` + serial + `".*\} 1`
}

const (
	healthy  = `backendai_storage_volume_health_status\{status="healthy",volume="root"\} 1`
	writable = `backendai_storage_volume_read_only\{volume="root"\} 0`
)

func pid(t *testing.T) string {
	t.Helper()
	return sh(t, "systemctl show --property=MainPID --value storage_exporter")
}

// testInstall: systemd's own tools make the user, and the service runs.
func testInstall(t *testing.T) {
	sh(t, `for module in ahci virtio_scsi megaraid_sas; do modprobe "$module"; done; udevadm settle --timeout=60`)
	sh(t, `dpkg --install "$1"`, deb)
	is(t, "enabled", unit+".service", "enabled")
	is(t, "enabled", unit+".socket", "disabled")
	is(t, "active", unit+".service", "active")
	sh(t, "id storage-exporter; test -d /var/lib/storage_exporter")
}

// testDrives: what the unit forbids keeps no drive from being read.
func testDrives(t *testing.T) {
	await(t, drive("nvme0", "NV0001"), drive("sd.", "AT0001"), drive("sd.", "SC0001"),
		`smartctl_device_smart_status\{device="nvme0"\} 1`, `smartctl_device_available_spare\{device="nvme0"\} .*`, `smartctl_device_attribute\{.*attribute_name="Power_On_Hours".*\} .*`,
		`storage_scrape_collector_success\{collector="smart"\} 1`, healthy, writable)
}

// testKeptIn: the root is read-only for the exporter, which says it is not so.
func testKeptIn(t *testing.T) {
	status, err := os.ReadFile("/proc/" + pid(t) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`NoNewPrivs:\t1`, `Seccomp:\t2`, `CapBnd:\t0000000000220004`, `CapEff:\t0000000000220004`, `Uid:\t[1-9]\d*\t.*`} {
		if !regexp.MustCompile("(?m)^" + want + "$").Match(status) {
			t.Errorf("no %s in\n%s", want, status)
		}
	}
	table, err := os.ReadFile("/proc/" + pid(t) + "/mountinfo")
	if err != nil || !regexp.MustCompile(`(?m)^\d+ \d+ \S+ / / ro,`).Match(table) {
		t.Errorf("the unit can write to the root: %v\n%s", err, table)
	}
}

func testReload(t *testing.T) {
	sh(t, "systemctl reload storage_exporter")
	for end := time.Now().Add(patience); !strings.Contains(sh(t, "journalctl --no-pager -u storage_exporter"), "Configuration reloaded"); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not reloaded")
		}
	}
}

func testNoNVMe(t *testing.T) {
	restartWith(t, "", "no-nvme.conf")
	await(t, drive("sd.", "AT0001"), drive("sd.", "SC0001"), `jbod_drive_observe_error_info\{device="nvme0",reason="permission"\} 1`, healthy, writable)
}

func testVolumesOnly(t *testing.T) {
	restartWith(t, "--no-collector.smart", "volumes-only.conf")
	await(t, healthy, writable)
	if caps := sh(t, `sed -n 's/^Cap\(Bnd\|Eff\):\t//p' "/proc/$1/status"`, pid(t)); strings.Trim(caps, "0\n") != "" {
		t.Errorf("capabilities are left: %s", caps)
	}
}

// testRAIDMembers: the unit alone cannot read what is behind a MegaRAID controller, and
// with the drop-in it can.
func testRAIDMembers(t *testing.T) {
	m := regexp.MustCompile(`(?m)^(/dev/bus/(\d+)) -d (megaraid,(\d+)) `).FindStringSubmatch(sh(t, "smartctl --scan"))
	if m == nil {
		t.Fatalf("smartctl finds no member: %s", sh(t, "smartctl --scan"))
	}
	device := "bus_" + m[2] + "_megaraid_" + m[4]
	options := "--smartctl.device=" + m[1] + ";" + m[3]
	sh(t, `rm -f "$1"`, node) // the scan has made it
	restartWith(t, options)
	await(t, `jbod_drive_observe_error_info\{device="`+device+`",reason=".*"\} 1`)
	restartWith(t, options, "raid-members.conf")
	await(t, drive(device, "MR0001"), healthy, writable)
	is(t, "active", unit+".service", "active")
}

// testSocket: the first connection starts the exporter.
func testSocket(t *testing.T) {
	sh(t, "systemctl stop storage_exporter")
	configure(t, "--web.systemd-socket")
	sh(t, "systemctl enable --now storage_exporter.socket")
	is(t, "active", unit+".service", "inactive")
	await(t, healthy)
	is(t, "active", unit+".service", "active")
	sh(t, "systemctl stop storage_exporter.socket storage_exporter")
}

// testUpgrade: what runs is restarted, and what is stopped stays so.
func testUpgrade(t *testing.T) {
	restartWith(t, "")
	before := pid(t)
	sh(t, `dpkg --install --force-confold "$1"`, deb)
	if after := pid(t); after == before || after == "0" {
		t.Errorf("the process was %s and is %s", before, after)
	}
	sh(t, "systemctl stop storage_exporter")
	sh(t, `dpkg --install --force-confold "$1"`, deb)
	is(t, "active", unit+".service", "inactive")
}

func testPurge(t *testing.T) {
	sh(t, "systemctl start storage_exporter")
	sh(t, "dpkg --purge storage-exporter")
	is(t, "active", unit+".service", "inactive")
	for _, path := range []string{flags, "/var/lib/storage_exporter", "/etc/systemd/system/multi-user.target.wants/storage_exporter.service", "/etc/systemd/system/sockets.target.wants/storage_exporter.socket"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	sh(t, "id storage-exporter")
}
