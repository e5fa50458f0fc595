package config

import (
	goflag "flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = goflag.Bool("update", false, "rewrite golden files")

func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "[smart]\nintervall = \"3s\"", "c.toml: smart.intervall: is not known; did you mean interval?"},
		{"unknown key, nothing like it", "[smart]\nzzz = 1", "c.toml: smart.zzz: is not known"},
		{"unknown section", "[reddis]\nx = 1", "c.toml: reddis: is no known section; did you mean [redis]?"},
		{"unknown section keeps what follows quiet", "[reddis]\n[cache]\nstore = \"redis\"", "c.toml: reddis: is no known section; did you mean [redis]?"},
		{"key outside", "store = \"file\"", "c.toml: store: does not stand in a known section: write it below [api], [cache], [enclosures], [events], [node], [redis], [smart], [volumes], [zfs]"},
		{"webhook as section", "[webhook]\nname = \"w\"", "c.toml: webhook: must be a list of tables: write [[webhook]] for each, with a name in it"},
		{"webhook as value", "webhook = [1]", "c.toml: webhook: must be a list of tables: write [[webhook]] for each, with a name in it"},
		{"two webhooks of a name", "[[webhook]]\nname = \"w\"\n[[webhook]]\nname = \"w\"", "c.toml: webhook[2].name: is that of an earlier webhook: each needs its own"},
		{"unknown key of a webhook", "[[webhook]]\nurll = \"x\"", "c.toml: webhook[1].urll: is not known; did you mean url?"},
		{"secret and file of a webhook", "[[webhook]]\nurl = \"x\"\nurl_file = \"/x\"", "c.toml: webhook[1].url_file: stands beside webhook[1].url: write one of the two"},
		{"too many webhooks", strings.Repeat("[[webhook]]\n", 33), "c.toml: webhook: has 33 tables: 32 are taken at most"},
		{"section as value", "cache = 1", "c.toml: cache: must be a section: write [cache]"},
		{"list of sections", "[[cache]]", "c.toml: cache: must be a section: write [cache]"},
		{"subsection as value", "[redis]\ntls = true", "c.toml: redis.tls: must be a section: write [redis.tls]"},
		{"section as key", "[smart.path]\nx = 1", `c.toml: smart.path: must be text in quotes: write "…"`},
		{"volumes for volume", "[volumes.x1]\npath = \"/\"", "c.toml: volumes.x1: is not known: a volume is written [volume.NAME], and [volumes] holds for all of them"},
		{"key in no volume", "[volume]\nusage_interval = \"3s\"", "c.toml: volume.usage_interval: belongs to no volume: write it below [volume.NAME], or below [volumes] for all of them"},
		{"key in no proxy", "[proxy]\nurl = \"https://h\"", "c.toml: proxy.url: belongs to no proxy: write it below [proxy.NAME]"},
		{"proxy as value", "proxy = 1", "c.toml: proxy: must be sections: write [proxy.NAME]"},
		{"proxy's name", "[proxy.\"a:b\"]\nurl = \"https://h\"", `c.toml: proxy."a:b": is no good name: use 1 to 63 letters, digits, dots, dashes and underscores`},
		{"misspelt key of a proxy", "[proxy.p]\ntokn = \"x\"", "c.toml: proxy.p.tokn: is not known; did you mean token?"},
		{"proxy's secret twice", "[proxy.p]\ntoken = \"x\"\ntoken_file = \"/x\"", "c.toml: proxy.p.token_file: stands beside proxy.p.token: write one of the two"},
		{"proxy's secret file", "[proxy.p]\ntoken_file = \"x\"", "c.toml: proxy.p.token_file: must be the absolute path of a file that holds the secret"},
		{"key of no enclosure", "[enclosure]\ncolumns = 12", `c.toml: enclosure.columns: belongs to no enclosure: write it below [enclosure."ID"]`},
		{"enclosure as value", "enclosure = 1", `c.toml: enclosure: must be sections: write [enclosure."ID"]`},
		{"misspelt key of an enclosure", "[enclosure.\"0x5\"]\ncolums = 1", "c.toml: enclosure.0x5.colums: is not known; did you mean columns?"},
		{"enclosure's columns", "[enclosure.\"0x5@0:0:1:0\"]\ncolumns = \"12\"", `c.toml: enclosure."0x5@0:0:1:0".columns: must be a whole number, without quotes`},
		{"misspelt proxy", "[proxi.p]\nx = 1", "c.toml: proxi: is no known section; did you mean [proxy]?"},
		{"volume as value", "volume = 1", "c.toml: volume: must be sections: write [volume.NAME]"},
		{"bare number", "[smart]\ninterval = 90", `c.toml: smart.interval: must have a unit: write "90s" for seconds`},
		{"bare float", "[smart]\ninterval = 1.5", `c.toml: smart.interval: must have a unit: write "1.5s" for seconds`},
		{"number as text", "[smart]\ninterval = \"90\"", `c.toml: smart.interval: must be a duration with a unit, such as "30s", "5m" or "1d"`},
		{"duration of wrong type", "[smart]\ninterval = true", `c.toml: smart.interval: must be a duration with a unit, such as "30s", "5m" or "1d"`},
		{"negative", "[smart]\ninterval = \"-3s\"", "c.toml: smart.interval: must be above zero"},
		{"negative rescan", "[smart]\nrescan = \"-3s\"", "c.toml: smart.rescan: must be above zero"},
		{"two years", "[smart]\nttl = \"2y\"", "c.toml: smart.ttl: must be a year at most"},
		{"text for bool", "[smart]\nscan = \"yes\"", "c.toml: smart.scan: must be true or false, without quotes"},
		{"text for number", "[smart]\nconcurrency = \"8\"", "c.toml: smart.concurrency: must be a whole number, without quotes"},
		{"huge number", "[redis]\ndb = 9223372036854775807", "c.toml: redis.db: must be a whole number, without quotes"},
		{"text for list", "[smart]\ndevices = \"/dev/sda\"", `c.toml: smart.devices: must be a list of texts: write ["…", "…"]`},
		{"threshold as text", "[smart.thresholds]\npending_sectors = \"8\"", `c.toml: smart.thresholds.pending_sectors: must be a number above 0, without quotes, or "off"`},
		{"threshold of zero", "[smart.thresholds]\npending_sectors = 0", `c.toml: smart.thresholds.pending_sectors: must be a number above 0, without quotes, or "off"`},
		{"negative threshold", "[smart.thresholds]\npending_sectors = -2", `c.toml: smart.thresholds.pending_sectors: must be a number above 0, without quotes, or "off"`},
		{"threshold that is no number", "[smart.thresholds]\ntemperature = nan", `c.toml: smart.thresholds.temperature: must be a number above 0, without quotes, or "off"`},
		{"infinite threshold", "[smart.thresholds]\ntemperature = inf", `c.toml: smart.thresholds.temperature: must be a number above 0, without quotes, or "off"`},
		{"misspelt threshold", "[smart.thresholds]\npending_sector = 8", "c.toml: smart.thresholds.pending_sector: is not known; did you mean pending_sectors?"},
		{"thresholds as a value", "[smart]\nthresholds = 8", "c.toml: smart.thresholds: must be a section: write [smart.thresholds]"},
		{"control character", "[smart]\npath = \"/a\\u0000\"", "c.toml: smart.path: has control characters or invisible ones in it"},
		{"bidirectional mark", "[volume.v]\nbackend = \"vfs\"\npath = \"/a\u202e\"", "c.toml: volume.v.path: has control characters or invisible ones in it"},
		{"file store without path", "[cache]\nstore = \"file\"", `c.toml: cache.path: is missing for store = "file": write path = "/var/lib/storage_exporter/cache.db"`},
		{"redis store without address", "[cache]\nstore = \"redis\"", `c.toml: redis.addresses: is missing for store = "redis": write addresses = ["127.0.0.1:6379"]`},
		{"number for a file", "[redis]\npassword_file = 1", `c.toml: redis.password_file: must be text in quotes: write "…"`},
		{"number for a secret", "[redis]\npassword = 4711", `c.toml: redis.password: must be text in quotes: write "…"`},
		{"TLS half on", "[redis]\naddresses = [\"a:1\"]\n[redis.tls]\nca_file = \"/ca\"", "c.toml: redis.tls.ca_file: has no effect without TLS: write enabled = true in [redis.tls], or enabled = false to keep TLS off"},
		{"volume without backend", "[volume.v]\npath = \"/v\"", `c.toml: volume.v.backend: is missing: write backend = "vfs", or what serves the volume`},
		{"volume without path", "[volume.v]\nbackend = \"vfs\"", `c.toml: volume.v.path: is missing: write path = "/…", the mount point`},
		{"relative path", "[volume.v]\nbackend = \"vfs\"\npath = \"v\"", `c.toml: volume.v.path: must be absolute: write path = "/…"`},
		{"slash in a name", "[volume.\"a/b\"]\nbackend = \"vfs\"\npath = \"/v\"", `c.toml: volume."a/b": is no good name: use 1 to 128 printable characters without a slash, and no space at its ends`},
		{"empty name", "[volume.\"\"]\nbackend = \"vfs\"\npath = \"/v\"", `c.toml: volume."": is no good name: use 1 to 128 printable characters without a slash, and no space at its ends`},
		{"options as value", "[volume.v]\nbackend = \"vfs\"\npath = \"/v\"\noptions = 1", "c.toml: volume.v.options: must be a section: write [volume.v.options]"},
		{"option's file", "[volume.v]\nbackend = \"vfs\"\n[volume.v.options]\na_token_file = 4711", "c.toml: volume.v.options.a_token_file: must be the absolute path of a file that holds the secret"},
		{"option in a list of sections", "[volume.v]\nbackend = \"vfs\"\n[[volume.v.options.node]]\nx = \"${NONE}\"", "c.toml: volume.v.options.node.x: the environment variable NONE is not set: set it, or write $${NONE} for the text itself"},
		{"backend that is no name", "[volume.v]\nbackend = \"hunter 2\"\npath = \"/v\"", `c.toml: volume.v.backend: must be the name of a backend, such as "vfs"`},
		{"option and its file", "[volume.v]\nbackend = \"vfs\"\n[volume.v.options]\na_token = \"x\"\na_token_file = \"/x\"", "c.toml: volume.v.options.a_token_file: stands beside a_token: write one of the two"},
		{"seconds of the proxy", "[storage-proxy]\nvolume-stats = { observe-interval = nan }", `c.toml: storage-proxy.volume-stats.observe-interval: must be a number of seconds or a duration such as "30s"`},
		{"zero seconds of the proxy", "[storage-proxy]\nvolume_stats_cache_ttl = 0", `c.toml: storage-proxy.volume_stats_cache_ttl: must be above zero`},
		{"infinite seconds of the proxy", "[storage-proxy]\nvolume_stats_cache_ttl = inf", `c.toml: storage-proxy.volume_stats_cache_ttl: must be a year at most`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, complain(t, tt.text, Options{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.toml"), "cannot be read: no such file or directory"},
		{"folder", dir, "cannot be read: not a regular file"},
		{"device", "/dev/zero", "cannot be read: not a regular file"},
		{"too large", write(t, "large", strings.Repeat("#\n", maxFile/2+1)), "cannot be read: larger than 4096 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(Options{Path: tt.path})
			if err == nil || err.Error() != tt.path+": "+tt.want {
				t.Errorf("got %v, want %s: %s", err, tt.path, tt.want)
			}
		})
	}
}

func TestErrorIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("[smart]\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	got := complain(t, b.String(), Options{})
	if lines := strings.Split(got, "\n"); len(lines) != maxShown+1 || lines[maxShown] != "and 4900 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestReadableKeys(t *testing.T) {
	got := complain(t, "[smart]\n\"a\u202eb\" = 1\n\""+strings.Repeat("x", 1000)+"\" = 1", Options{})
	want := `c.toml: smart."a\u202eb": is not known` + "\n" + `c.toml: smart."` + strings.Repeat("x", 128) + `…": is not known`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
