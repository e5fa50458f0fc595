package main

import (
	"bytes"
	goflag "flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/config"
	"storage_exporter/internal/certtest"
	"storage_exporter/smart/assess"
)

var update = goflag.Bool("update", false, "rewrite golden files")

// loadFile loads text as the configuration file, if there is any, with flags. The
// error is without the file's folder.
func loadFile(t testing.TB, text string, args ...string) (*config.Config, []config.Problem, string) {
	t.Helper()
	file := "no file"
	if text != "" {
		file = writeFile(t, "c.toml", text)
		args = append(args, "--config.file="+file)
	}
	app, f := newApp(collectorNames())
	if _, err := app.Parse(args); err != nil {
		t.Fatal(err)
	}
	cfg, warnings, err := (&loader{flags: f}).first(true)
	if err == nil {
		return cfg, warnings, ""
	}
	return nil, warnings, strings.ReplaceAll(err.Error(), file, "c.toml")
}

// TestTenMistakes holds the whole text of an error: one line for each mistake,
// with file, key and remedy, and no value.
func TestTenMistakes(t *testing.T) {
	for name, value := range map[string]string{"REDIS_PORT": "tcp://10.0.0.1:6379", "REDIS_HOST": "h", "SMART_CACHE_TTL": "2 minutes"} {
		t.Setenv(name, value)
	}
	var out, log bytes.Buffer
	run(t.Context(), []string{"--config.check", "--config.file=config/testdata/ten_mistakes.toml", "--smartctl.concurrency=0",
		"--smartctl.device=/dev/sda", "--smartctl.device=sdb", "--web.telemetry-path=/volumes"}, &out, &log)
	golden := "config/testdata/ten_mistakes.txt"
	if *update {
		if err := os.WriteFile(golden, log.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), log.String()); diff != "" {
		t.Errorf("rewrite with -update if it is meant:\n%s", diff)
	}
}

// What the owners of the values find in the file.
func TestOwnersFindMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"too short", "[volumes]\nusage_interval = \"1ms\"", "c.toml: volumes.usage_interval: must be 100ms at least"},
		{"device that is an option", "[smart]\ndevices = [\"--scan\"]", `c.toml: smart.devices: must be absolute paths, with a type where one is needed, as in "/dev/bus/0;megaraid,1": entry 1 is not`},
		{"device type that is an option", "[smart]\nscan_device_types = [\"-x\"]", `c.toml: smart.scan_device_types: must be device types of smartctl, such as "nvme": entry 1 is not`},
		{"no column", "[enclosure.0x5]\ncolumns = 0", "c.toml: enclosure.0x5.columns: must be 1 to 100, and is 0"},
		{"node name", "[node]\nname = \"a:b\"", "c.toml: node.name: must be 1 to 63 letters, digits, dots, dashes and underscores: it becomes part of keys"},
		{"address without port", "[redis]\naddresses = [\"localhost\"]", `c.toml: redis.addresses: must be host:port, as in "127.0.0.1:6379": entry 1 is not`},
		{"address as URL", "[redis]\naddresses = [\"redis://u:p@h:1\"]", `c.toml: redis.addresses: must be host:port, as in "127.0.0.1:6379": entry 1 is not`},
		{"two bad entries, one line", "[redis]\nmode = \"cluster\"\naddresses = [\"a\", \"b\"]", `c.toml: redis.addresses: must be host:port, as in "127.0.0.1:6379": entry 1 is not`},
		{"webhook without anything", "[[webhook]]", "c.toml: webhook[1].name: must be 1 to 63 letters, digits, dots, dashes and underscores: it is a label of metrics\n" +
			`c.toml: webhook[1].url: is missing: write url_file = "/…", the file with the webhook's URL`},
		{"webhook's format", "[[webhook]]\nname = \"w\"\nurl = \"https://h\"\nformat = \"slak\"", `c.toml: webhook[1].format: must be one of "json", "slack", "pagerduty"; did you mean slack?`},
		{"webhook's timeout", "[[webhook]]\nname = \"w\"\nurl = \"https://h\"\ntimeout = \"2m\"", "c.toml: webhook[1].timeout: must be above 0 and 1m0s at most"},
		{"a hold of days", "[events]\nhold = \"2d\"", "c.toml: events.hold: must be 24h0m0s at most"},
		{"misspelt mode", "[redis]\nmode = \"sentinal\"\nmaster_name = \"m\"\naddresses = [\"a:1\", \"b:1\"]", `c.toml: redis.mode: must be one of "single", "sentinel", "cluster"; did you mean sentinel?`},
		{"two addresses", "[redis]\naddresses = [\"a:1\", \"b:1\"]", `c.toml: redis.addresses: must be one address in mode "single": write mode = "sentinel" or mode = "cluster" for several`},
		{"sentinel without master", "[redis]\nmode = \"sentinel\"\naddresses = [\"a:1\"]", `c.toml: redis.master_name: is missing for mode = "sentinel": write master_name = "mymaster"`},
		{"master without sentinel", "[redis]\nmaster_name = \"m\"\naddresses = [\"a:1\"]", `c.toml: redis.master_name: has no effect: write mode = "sentinel", or leave it out`},
		{"db of a cluster", "[redis]\nmode = \"cluster\"\ndb = 1\naddresses = [\"a:1\"]", `c.toml: redis.db: must be 0 in mode "cluster", which has no other`},
		{"certificate without key", "[redis.tls]\nenabled = true\ncert_file = \"/c\"", `c.toml: redis.tls.key_file: is missing beside cert_file: write key_file = "/…"`},
		{"volume's interval within the timeout", "[volumes]\nusage_timeout = \"20s\"\n[volume.v]\nbackend = \"vfs\"\npath = \"/v\"\nusage_interval = \"20s\"", "c.toml: volume.v.usage_interval: must be longer than volumes.usage_timeout, which is 20s"},
		{"interval of enclosures", "[enclosures]\ninterval = \"1ms\"", "c.toml: enclosures.interval: must be 100ms at least"},
		{"interval of pools", "[zfs]\ninterval = \"1ms\"", "c.toml: zfs.interval: must be 100ms at least"},
		{"own section in a proxy's file", "[storage-proxy]\n[smart]\nconcurrency = 0", `c.toml: smart.concurrency: must be 1 to 1024`},
		{"type that smartctl does not have", "[smart]\ndevices = [\"/dev/sda;a:b\"]", `c.toml: smart.devices: must be absolute paths, with a type where one is needed, as in "/dev/bus/0;megaraid,1": entry 1 is not`},
		{"threshold of what is not counted", "[smart.thresholds]\nsmart_status = 5", `c.toml: smart.thresholds.smart_status: must be "off": the rule counts nothing, so it can only be switched off`},
		{"socket of a sentinel", "[redis]\nmode = \"sentinel\"\nmaster_name = \"m\"\naddresses = [\"/run/redis.sock\"]", `c.toml: redis.addresses: must be host:port, as in "127.0.0.1:6379": entry 1 is not`},
		{"authority that is not there", "[redis]\naddresses = [\"a:1\"]\n[redis.tls]\nenabled = true\nca_file = \"/nowhere/ca\"", "c.toml: redis.tls.ca_file: cannot be read: no such file or directory"},
		{"cache file in no directory", "[cache]\npath = \"/nowhere/x/cache.db\"", "c.toml: cache.path: cannot be used: its directory does not exist; create it for the exporter's user: no such file or directory"},
		{"proxy without a URL", "[proxy.p]\ntimeout = \"1s\"", `c.toml: proxy.p.url: is missing: write url = "https://HOST:6022"`},
		{"proxy's URL with a password", "[proxy.p]\nurl = \"https://u:p@h\"", "c.toml: proxy.p.url: must not hold a user name or password"},
		{"proxy's URL of a file", "[proxy.p]\nurl = \"file:///x\"", "c.toml: proxy.p.url: is no URL with https:// and a host"},
		{"proxy's user alone", "[proxy.p]\nurl = \"https://h\"\nusername = \"u\"", "c.toml: proxy.p.password: is missing beside proxy.p.username"},
		{"proxy's password alone", "[proxy.p]\nurl = \"https://h\"\npassword = \"x\"", "c.toml: proxy.p.username: is missing beside proxy.p.password"},
		{"proxy's user with a colon", "[proxy.p]\nurl = \"https://h\"\nusername = \"a:b\"\npassword = \"x\"", "c.toml: proxy.p.username: must be without a colon"},
		{"proxy's token of two lines", "[proxy.p]\nurl = \"https://h\"\ntoken = \"a\\nb\"", "c.toml: proxy.p.token: has control characters in it"},
		{"proxy's authority", "[proxy.p]\nurl = \"https://h\"\nca_file = \"/nowhere/ca\"", "c.toml: proxy.p.ca_file: cannot be read: no such file or directory"},
		{"proxy's authority, relative", "[proxy.p]\nurl = \"https://h\"\nca_file = \"ca\"", "c.toml: proxy.p.ca_file: must be absolute: write ca_file = \"/…\""},
		{"proxy's timeout", "[proxy.p]\nurl = \"https://h\"\ninterval = \"5s\"\ntimeout = \"5s\"", "c.toml: proxy.p.timeout: must be below proxy.p.interval, which is 5s"},
		{"proxy's interval", "[proxy.p]\nurl = \"https://h\"\ninterval = \"1ms\"", "c.toml: proxy.p.interval: must be 100ms at least"},
		{"proxy's metrics as a URL", "[proxy.p]\nurl = \"https://h\"\nmetrics = \"http://h:9777\"", `c.toml: proxy.p.metrics: must be host:port, without scheme and path: write metrics = "HOST:9777"`},
		{"proxy's metrics without a host", "[proxy.p]\nurl = \"https://h\"\nmetrics = \":9777\"", `c.toml: proxy.p.metrics: must be host:port, without scheme and path: write metrics = "HOST:9777"`},
		{"proxy's metrics at port 0", "[proxy.p]\nurl = \"https://h\"\nmetrics = \"h:0\"", `c.toml: proxy.p.metrics: must be host:port, without scheme and path: write metrics = "HOST:9777"`},
		{"proxy of our own name", "[proxy.local]\nurl = \"https://h\"", "c.toml: proxy.local: must have another name: that one stands for this exporter's own volumes"},
		{"proxy of the node's name", "[node]\nname = \"n\"\n[proxy.n]\nurl = \"https://h\"", "c.toml: proxy.n: must have another name: that one stands for this exporter's own volumes"},
		{"all volumes' mistakes beside others", "[smart]\nconcurrency = 0\n[volume.v]\nbackend = \"wekka\"\npath = \"/v\"\n[volume.w]\nbackend = \"weka\"\npath = \"/w\"",
			"c.toml: smart.concurrency: must be 1 to 1024\nc.toml: volume.v.backend: \"wekka\" is not supported; did you mean weka?\nc.toml: volume.w.options.weka_endpoint is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := loadFile(t, tt.text); err != tt.want && (!strings.Contains(tt.want, "weka_endpoint") || !strings.HasPrefix(err, tt.want)) {
				t.Errorf("got:\n%s\nwant:\n%s", err, tt.want)
			}
		})
	}
}

// The advice names what the user has set, and how.
func TestAdviceFitsWhereTheValueCameFrom(t *testing.T) {
	tests := []struct {
		name, text string
		env        map[string]string
		args       []string
		want       string
	}{
		{"flag alone", "", nil, []string{"--redis.mode=sentinel", "--redis.address=a:1"}, "redis.master_name: is missing for --redis.mode=sentinel: write --redis.master-name=mymaster"},
		{"flag and file", "[redis]\naddresses = [\"a:1\"]", nil, []string{"--redis.mode=sentinel"}, `c.toml: redis.master_name: is missing for --redis.mode=sentinel: write master_name = "mymaster"`},
		{"flags alone, two addresses", "", nil, []string{"--redis.address=a:1", "--redis.address=b:1"}, `--redis.address: must be one address in mode "single": write --redis.mode=sentinel or --redis.mode=cluster for several`},
		{"flag's store without its path", "", nil, []string{"--cache.store=file"}, "cache.path: is missing for --cache.store=file: write --cache.path=/var/lib/storage_exporter/cache.db"},
		{"flag's store without an address", "", nil, []string{"--cache.store=redis"}, `redis.addresses: is missing for store = "redis": write --redis.address=127.0.0.1:6379`},
		{"variable against a flag", "", map[string]string{"SMART_POLL_INTERVAL": "5"}, []string{"--smartctl.timeout=5s"}, "--smartctl.timeout: must be below SMART_POLL_INTERVAL, which is 5s"},
		{"flag against the file", "[smart]\ninterval = \"5s\"", nil, []string{"--smartctl.timeout=5s"}, "--smartctl.timeout: must be below smart.interval, which is 5s"},
		{"variable out of range", "", map[string]string{"REDIS_DB": "-1"}, nil, "REDIS_DB: must be 0 to 65535"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if _, _, err := loadFile(t, tt.text, tt.args...); err != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDefaultTimeoutGivesWay(t *testing.T) {
	t.Setenv("SMART_POLL_INTERVAL", "10")
	if cfg, _, err := loadFile(t, ""); err != "" || cfg.Smart.Timeout != 9*time.Second {
		t.Errorf("%v %s, want a timeout of 9s", cfg, err)
	}
}

// What is not set of a proxy has a default that fits what is.
func TestProxyDefaults(t *testing.T) {
	cfg, _, err := loadFile(t, "[proxy.b]\nurl = \"https://h/x/\"\n[proxy.a]\nurl = \"http://h\"\ninterval = \"2s\"")
	if err != "" || len(cfg.Proxies) != 2 {
		t.Fatalf("%v %s", cfg, err)
	}
	if a, b := cfg.Proxies[0], cfg.Proxies[1]; a.Name != "a" || a.Timeout != 1800*time.Millisecond || b.Interval != 30*time.Second || b.Timeout != 5*time.Second {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestExampleUncommented: every setting in the example is good.
func TestExampleUncommented(t *testing.T) {
	example, err := os.ReadFile("packaging/storage_exporter.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^#(\S)`).ReplaceAllString(string(example), "$1")
	dir := t.TempDir()
	for _, name := range []string{"redis.password", "sentinel.password", "api.token", "array.token", "proxy1.token", "proxy1.password", "webhook.secret", "pagerduty.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	authority, err := os.ReadFile(certtest.New(t).CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "proxy1-ca.pem"), authority, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "webhook.url"), []byte("https://h/"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The example has the keys of all formats.
	text = regexp.MustCompile(`(?m)^routing_key_file`).ReplaceAllString(text, "#routing_key_file")
	text = strings.NewReplacer("/etc/storage_exporter", dir, "/var/lib/storage_exporter", dir).Replace(text)
	file := writeFile(t, "c.toml", text)
	app, f := newApp(collectorNames())
	if _, err := app.Parse([]string{"--config.file=" + file}); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := (&loader{flags: f}).load(false)
	if err != nil {
		t.Fatal(err)
	}
	// The store that it names is another one.
	if len(warnings) > 1 || len(warnings) == 1 && !strings.HasPrefix(warnings[0].Key, "redis.") {
		t.Errorf("warnings: %v", warnings)
	}
	if len(c.Volumes) != 1 || c.Volumes[0].Options["api_token"] != "x" {
		t.Errorf("volumes: %v", c.Volumes)
	}
	if w := c.Webhooks; len(w) != 1 || w[0].URL.Reveal() != "https://h/" || w[0].Secret.Reveal() != "x" || w[0].Timeout != 10*time.Second {
		t.Errorf("webhooks: %v", c.Webhooks)
	}
	if len(c.Proxies) != 1 || c.Proxies[0].Token.Reveal() != "x" || c.Proxies[0].Metrics == "" {
		t.Errorf("proxies: %v", c.Proxies)
	}
}

// FuzzOwners looks for a secret in what the owners say, wherever it was written.
func FuzzOwners(f *testing.F) {
	const marker = "S3CR3Tmarker"
	f.Add("smart", "device_include = \"(MARKER\"\ndevices = [\"MARKER\"]\npowermode_check = \"MARKER\"\nscan_device_types = [\":MARKER\"]\npath = \"a/MARKER\"")
	f.Add("redis", "mode = \"MARKER\"\naddresses = [\"MARKER\"]\nmaster_name = \"MARKER\"")
	f.Add("redis.tls", "enabled = true\nca_file = \"/MARKER\"\ncert_file = \"MARKER\"\nkey_file = \"/MARKER\"\n[redis]\naddresses = [\"a:1\"]")
	f.Add("cache", "path = \"/MARKER/x\"\nstore = \"file\"")
	f.Add("proxy.x", "url = \"MARKER\"\nca_file = \"/MARKER\"\nmetrics = \"MARKER\"\nusername = \"MARKER:\"\ntoken = \"MARKER\\n\"\npassword_file = \"/MARKER\"")
	f.Add("[webhook]", "name = \"MARKER \"\nurl = \"MARKER\"\nformat = \"MARKER\"\nsecret = \"whsec_MARKER!\"\nrouting_key = \"MARKER\"\nsubjects = [\"MARKER\"]\nstates = [\"MARKER\"]\nsecret_file = \"/MARKER\"")
	f.Add("node", "name = \"MARKER:\"")
	path := filepath.Join(f.TempDir(), "c.toml")
	app, flags := newApp(collectorNames())
	if _, err := app.Parse([]string{"--config.file=" + path}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, section, text string) {
		text = "[" + section + "]\n" + strings.ReplaceAll(text, "MARKER", marker)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := (&loader{flags: flags}).load(false); err != nil && strings.Contains(err.Error(), marker) && !strings.Contains(section, marker) {
			t.Errorf("error: %q", err)
		}
	})
}

// A threshold that is off means the same to the file and to the rules.
func TestThresholdOff(t *testing.T) {
	if config.ThresholdOff != assess.Off {
		t.Errorf("%v in the file is not %v of the rules", config.ThresholdOff, assess.Off)
	}
}
