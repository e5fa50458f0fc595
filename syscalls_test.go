package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
	"storage_exporter/internal/redistest"
)

// unitFilter is what the unit lets through.
type unitFilter struct {
	calls, families map[string]bool
	devices         map[string]string // rights by class or node
}

// shippedFilter reads the unit. systemd itself says what is in its groups of calls.
func shippedFilter(t *testing.T) unitFilter {
	t.Helper()
	analyze := need(t, "systemd-analyze", "systemd")
	groups := map[string][]string{}
	out, err := exec.CommandContext(t.Context(), analyze, "syscall-filter").Output()
	if err != nil {
		t.Fatal(err)
	}
	group := ""
	for line := range strings.Lines(string(out)) {
		name := strings.TrimSpace(line)
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
		case !strings.HasPrefix(line, " "):
			group = name
		default:
			groups[group] = append(groups[group], name)
		}
	}
	var set func(calls map[string]bool, name string, allowed bool)
	set = func(calls map[string]bool, name string, allowed bool) {
		if !strings.HasPrefix(name, "@") {
			calls[name] = allowed
			return
		}
		if len(groups[name]) == 0 {
			t.Fatalf("systemd knows no %s", name)
		}
		for _, member := range groups[name] {
			set(calls, member, allowed)
		}
	}
	f := unitFilter{calls: map[string]bool{}, families: map[string]bool{}, devices: map[string]string{}}
	set(f.calls, "@default", true)
	unit, err := os.ReadFile("packaging/storage_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value, denied := strings.CutPrefix(value, "~")
		words := strings.Fields(value)
		switch key {
		case "SystemCallFilter":
			for _, name := range words {
				set(f.calls, name, !denied)
			}
		case "RestrictAddressFamilies":
			for _, family := range words {
				f.families[family] = true
			}
		case "DeviceAllow":
			f.devices[words[0]] = words[1]
		}
	}
	return f
}

var (
	madeCall     = regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(`)
	openedSocket = regexp.MustCompile(`(?m) socket\((AF_[A-Z0-9_]+)`)
	openedDevice = regexp.MustCompile(`(?m) open(?:at)?\((?:AT_FDCWD, )?"(/dev/[^"]+)", (O_[A-Z_|]+)`)
	writableCode = regexp.MustCompile(`(?m) m(?:map|protect)\(.*PROT_WRITE\|PROT_EXEC.*$`)
)

// traced runs the program under strace until what it observes is there, and ends it.
func traced(t *testing.T, until func(*process) bool, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	p := startCommand(t, []string{need(t, "strace", "strace"), "--follow-forks", "--quiet=all", "--signal=none", "--output=" + file, binary(t)}, args...)
	redistest.Until(t, time.Minute, "all is observed", func() bool { return until(p) })
	// strace ends with the program, which is its child.
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range strings.Fields(string(children)) {
		var pid int
		if _, err := fmt.Sscan(child, &pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	<-p.done
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.log)
	}
	trace, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(trace)
}

// metricsPage is what a scrape shows.
func metricsPage(p *process) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	return string(page)
}

// The program, the real smartctl and what stands for zpool make no system call that the
// unit forbids; they open no other kind of socket, and no device for writing.
func TestUnitForbidsNothingNeeded(t *testing.T) {
	filter := shippedFilter(t)
	redis := redistest.Start(t, redistest.Options{})
	pools := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: []fake.Pool{fake.Slots("tank", 1, 3)}})
	fakes, _ := faketest.New(t, fleet.Mixed(3, 2, 0)...)
	smartctl := need(t, "smartctl", "smartmontools")
	volumes := writeFile(t, "exporter.toml", "[volumes]\nperformance_interval = \"1s\"\nperformance_timeout = \"900ms\"\n"+
		"[volume.a]\nbackend = \"vfs\"\npath = \"/\"\n[proxy.p]\nurl = \"http://127.0.0.1:1\"\n")
	for name, tt := range map[string]struct {
		args  []string
		until string
	}{
		"Redis, drives, pools, a volume": {[]string{"--smartctl.path=" + fakes, "--zpool.path=" + pools.Path(), "--redis.address=" + redis.Addr, "--config.file=" + volumes}, "jbod_zfs_pool_state"},
		"the real smartctl": {[]string{"--smartctl.path=" + smartctl, "--smartctl.scan", "--smartctl.device=/dev/null;scsi", "--smartctl.device=/dev/zero;nvme", "--smartctl.device=/dev/null;sat",
			"--cache.path=" + filepath.Join(t.TempDir(), "cache.db"), "--zpool.path=/nowhere/zpool"}, "jbod_drive_observe_error_info"},
	} {
		t.Run(name, func(t *testing.T) {
			trace := traced(t, func(p *process) bool { return strings.Contains(metricsPage(p), tt.until) }, tt.args...)
			calls := map[string]bool{}
			for _, m := range madeCall.FindAllStringSubmatch(trace, -1) {
				calls[m[1]] = true
			}
			if len(calls) < 40 {
				t.Errorf("only %d system calls were seen: %v", len(calls), slices.Sorted(maps.Keys(calls)))
			}
			for _, call := range slices.Sorted(maps.Keys(calls)) {
				if !filter.calls[call] {
					t.Errorf("the unit forbids %s", call)
				}
			}
			for _, m := range openedSocket.FindAllStringSubmatch(trace, -1) {
				if !filter.families[m[1]] {
					t.Errorf("the unit forbids sockets of %s", m[1])
				}
			}
			for _, m := range openedDevice.FindAllStringSubmatch(trace, -1) {
				if node := m[1]; node != "/dev/null" && node != "/dev/zfs" && !strings.Contains(m[2], "O_RDONLY") {
					t.Errorf("%s is opened with %s, and the unit lets drives be read only", node, m[2])
				}
			}
			if made := writableCode.FindString(trace); made != "" {
				t.Errorf("memory is writable and executable:%s", made)
			}
		})
	}
}
