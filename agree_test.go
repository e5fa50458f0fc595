package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/logtest"
)

// starts runs the program until it serves, and returns whether it did, with what it
// said.
func starts(t *testing.T, args []string) (bool, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var log logtest.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, args, io.Discard, &log) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case code := <-ended:
			if code == 0 {
				t.Errorf("ended with status 0:\n%s", &log)
			}
			return false, log.String()
		case <-tick.C:
			if listening.MatchString(log.String()) {
				cancel()
				<-ended
				return true, log.String()
			}
		}
	}
}

// What --config.check calls valid starts, and what it refuses does not.
func TestCheckAndStartAgree(t *testing.T) {
	notPEM := writeFile(t, "text", "no certificate")
	dir := t.TempDir()
	redis := "[redis]\naddresses = [\"127.0.0.1:1\"]\n"
	tests := []struct {
		name, file string
		args       []string
		good       bool
	}{
		{"nothing", "", nil, true},
		{"socket of Redis", "[redis]\naddresses = [\"/nowhere/redis.sock\"]", nil, true},
		{"socket of Redis by a flag", "", []string{"--redis.address=/nowhere/redis.sock"}, true},
		{"Redis that is down", redis, nil, true},
		{"sentinels", "[redis]\nmode = \"sentinel\"\nmaster_name = \"m\"\naddresses = [\"127.0.0.1:1\", \"127.0.0.1:2\"]", nil, true},
		{"cluster", "[redis]\nmode = \"cluster\"\naddresses = [\"127.0.0.1:1\"]", nil, true},
		{"files of a Redis that is not used", "[cache]\nstore = \"memory\"\n" + redis + "[redis.tls]\nenabled = true\nca_file = \"/nowhere/ca\"", nil, true},
		{"TLS that is switched off", redis + "[redis.tls]\nenabled = false\nca_file = \"/nowhere/ca\"", nil, true},
		{"cache file", "", []string{"--cache.path=" + filepath.Join(t.TempDir(), "cache.db")}, true},
		{"one scan", "[smart]\nrescan = \"0s\"\ninterval = \"10s\"", nil, true},
		{"devices", "[smart]\ndevices = [\"/dev/bus/0;sat+megaraid,1\", \"/dev/sda;sat,auto\", \"/dev/sdb;jmb39x-q,1\"]\nscan_device_types = [\"by-id\", \"nvme\"]", nil, true},
		{"thresholds", "[smart.thresholds]\nsmart_status = \"off\"\nself_test_failed = -1\npending_sectors = 7", nil, true},
		{"storage proxy", "[storage-proxy]\nvolume-stats = { observe-timeout = 5 }\n[volume.v]\nbackend = \"vfs\"\npath = \"/\"\nperformance_interval = \"5s\"", nil, true},
		{"proxies", "[proxy.a]\nurl = \"http://127.0.0.1:1\"\nmetrics = \"[::1]:9777\"\n[proxy.b]\nurl = \"https://h/x\"\ntoken = \"t\"", nil, true},
		{"proxy in a storage proxy's file", "[storage-proxy]\n[proxy.a]\nurl = \"http://127.0.0.1:1\"\nunknown = 1", nil, true},
		{"a key of another's in a storage proxy's file", "proxy = \"http://127.0.0.1:1\"\n[storage-proxy]", nil, true},
		{"fleet", redis, []string{"--node.name=n", "--node.url=https://h:9777", "--fleet", "--fleet.targets=h[0-9]+:9777"}, true},
		{"a plain path", "", []string{"--web.telemetry-path=/probe"}, true},
		{"metrics at the root", "", []string{"--web.telemetry-path=/"}, true},
		{"path with a slash", "", []string{"--web.telemetry-path=/metrics/"}, true},
		{"path beside a drive", "", []string{"--web.telemetry-path=/api/drives/metrics"}, true},
		{"two addresses", "", []string{"--web.listen-address=localhost:0"}, true},

		{"proxy without a URL", "[proxy.a]\ntoken = \"t\"", nil, false},
		{"proxy's authority that is none", "[proxy.a]\nurl = \"https://h\"\nca_file = \"" + notPEM + "\"", nil, false},
		{"proxy's token file", "[proxy.a]\nurl = \"https://h\"\ntoken_file = \"/nowhere/token\"", nil, false},
		{"type that smartctl does not have", "[smart]\ndevices = [\"/dev/sda;a:b\"]", nil, false},
		{"type by a flag", "", []string{"--smartctl.device=/dev/sda;a:b"}, false},
		{"scan type", "[smart]\nscan_device_types = [\"a:b\"]", nil, false},
		{"threshold of what is not counted", "[smart.thresholds]\nsmart_status = 5", nil, false},
		{"power mode", "", []string{"--smartctl.powermode-check=nap"}, false},
		{"pattern", "", []string{"--smartctl.device-include=("}, false},
		{"concurrency", "", []string{"--smartctl.concurrency=0"}, false},
		{"no smartctl", "[smart]\npath = \"\"", nil, false},
		{"fleet without a Redis", "", []string{"--fleet"}, false},
		{"targets without a fleet", redis, []string{"--fleet.targets=h:9777"}, false},
		{"targets that are no pattern", redis, []string{"--fleet", "--fleet.targets=("}, false},
		{"URL of a node with a path", "[node]\nname = \"n\"\nurl = \"https://h/x\"", nil, false},
		{"URL without a node", "[node]\nurl = \"https://h\"", nil, false},
		{"node name", "", []string{"--node.name=a:b"}, false},
		{"socket of a cluster", "[redis]\nmode = \"cluster\"\naddresses = [\"/nowhere/redis.sock\"]", nil, false},
		{"address without a port", "", []string{"--redis.address=localhost"}, false},
		{"authority", redis + "[redis.tls]\nenabled = true\nca_file = \"/nowhere/ca\"", nil, false},
		{"authority that is none", redis + "[redis.tls]\nenabled = true\nca_file = \"" + notPEM + "\"", nil, false},
		{"certificate that is none", redis + "[redis.tls]\nenabled = true\ncert_file = \"" + notPEM + "\"\nkey_file = \"" + notPEM + "\"", nil, false},
		{"password file", "", []string{"--redis.address=127.0.0.1:1", "--redis.password-file=/nowhere/password"}, false},
		{"cache file in no directory", "", []string{"--cache.path=" + filepath.Join(dir, "none", "cache.db")}, false},
		{"cache file that is a directory", "", []string{"--cache.path=" + dir}, false},
		{"cache file in a file", "", []string{"--cache.path=" + filepath.Join(notPEM, "cache.db")}, false},
		{"relative telemetry path", "", []string{"--web.telemetry-path=metrics"}, false},
		{"no telemetry path", "", []string{"--web.telemetry-path="}, false},
		{"path of the API", "", []string{"--web.telemetry-path=/volumes"}, false},
		{"path of all of the API", "", []string{"--web.telemetry-path=/api/"}, false},
		{"path of the state", "", []string{"--web.telemetry-path=/-/ready"}, false},
		{"path of profiles", "", []string{"--web.enable-pprof", "--web.telemetry-path=/debug/pprof/"}, false},
		{"no pattern", "", []string{"--web.telemetry-path=/m{x"}, false},
		{"wildcard", "", []string{"--web.telemetry-path=/{m}"}, false},
		{"path with a method", "", []string{"--web.telemetry-path=GET /metrics"}, false},
		{"query", "", []string{"--web.telemetry-path=/metrics?x=1"}, false},
		{"path that no request has", "", []string{"--web.telemetry-path=/a/../metrics"}, false},
		{"port alone", "", []string{"--web.listen-address=9777"}, false},
		{"port out of range", "", []string{"--web.listen-address=127.0.0.1:99999"}, false},
		{"another host's address", "", []string{"--web.listen-address=192.0.2.1:0"}, false},
		{"no web configuration", "", []string{"--web.config.file=/nowhere/web.yml"}, false},
		{"bad web configuration", "", []string{"--web.config.file=" + notPEM}, false},
		{"unknown flag", "", []string{"--nosuch"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--smartctl.path=/nonexistent/smartctl", "--no-collector.enclosures", "--no-collector.zfs", "--web.listen-address=127.0.0.1:0"}, tt.args...)
			if strings.Contains(tt.file, "path = \"\"") {
				args = args[1:]
			}
			if tt.file != "" {
				args = append(args, "--config.file="+writeFile(t, "c.toml", tt.file))
			}
			var out, said bytes.Buffer
			code := run(t.Context(), append([]string{"--config.check"}, args...), &out, &said)
			if (code == 0) != tt.good {
				t.Errorf("--config.check: status %d: %s%s", code, &out, &said)
			}
			started, log := starts(t, args)
			if started != tt.good {
				t.Errorf("started: %v:\n%s", started, log)
			}
			if !tt.good && !strings.Contains(log, said.String()) {
				t.Errorf("the start does not say what --config.check does:\n%s\n%s", log, &said)
			}
			if strings.Contains(log, "goroutine ") {
				t.Errorf("it panics:\n%s", log)
			}
		})
	}
}

// An address that is given twice keeps the exporter from serving.
func TestListenAddressesThatCollide(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		good bool
	}{
		{":9777", ":9777", false}, {":9777", "127.0.0.1:9777", false}, {"127.0.0.1:9777", "0.0.0.0:9777", false},
		{"127.0.0.1:9777", "127.0.0.1:9778", true}, {"127.0.0.1:9777", "127.0.0.2:9777", true}, {":0", ":0", true},
	} {
		if err := checkListenAddress(tt.b, []string{tt.a}); (err == nil) != tt.good {
			t.Errorf("%s and %s: %v", tt.a, tt.b, err)
		}
	}
}

// A mistake does not keep warnings from being seen, at a check or a start.
func TestWarningsBesideMistakes(t *testing.T) {
	file := writeFile(t, "c.toml", "[smart]\nconcurrency = 0\n[volume.v]\nbackend = \"vfs\"\npath = \"/\"\nusage_intervall = \"9s\"")
	const warning = "usage_intervall: is not known and was ignored; did you mean usage_interval?"
	for _, args := range [][]string{{"--config.check", "--config.file=" + file}, {"--config.file=" + file}} {
		var said bytes.Buffer
		if code := run(t.Context(), args, &said, &said); code != 1 || !strings.Contains(said.String(), warning) || !strings.Contains(said.String(), "smart.concurrency") {
			t.Errorf("status %d: %s", code, &said)
		}
	}
}

// A volume with a mistake keeps nothing else from being served; the check is what
// finds it.
func TestVolumeWithAMistakeStarts(t *testing.T) {
	args := []string{noSmartctl, "--web.listen-address=127.0.0.1:0", "--config.file=" + writeFile(t, "c.toml", "[volume.v]\nbackend = \"nosuch\"\npath = \"/\"")}
	var said bytes.Buffer
	if code := run(t.Context(), append([]string{"--config.check"}, args...), io.Discard, &said); code != 1 || !strings.Contains(said.String(), "nosuch") {
		t.Errorf("--config.check: status %d: %s", code, &said)
	}
	if started, log := starts(t, args); !started {
		t.Errorf("does not start:\n%s", log)
	}
}
