package weka

import (
	"testing"
	"time"

	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// Whatever the state, what is not healthy says why, in short.
func FuzzHealth(f *testing.F) {
	volumetest.Seed(f, "*.*", `{"data": {"status": "OK", "io_status": "\u0000\n", "drives": {"active": -1, "total": 9223372036854775807}}}`,
		`{"data": {"status": "REBUILDING", "rebuild": {"progressPercent": 1e300, "protectionState": [{"numFailures": 1, "percent": 1e-300}, 3, null]}}}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := clusterOf(volumetest.Answer(content, sampledAt))
		if err != nil {
			c = nil
		}
		alerts, _ := alertsOf(volumetest.Answer(content, sampledAt))
		list, _ := filesystemsOf(volumetest.Answer(content, sampledAt))
		list = merged(list, filesystem{})
		for _, fs := range list {
			var v verdict
			if c != nil {
				v = c.judge()
			}
			v.explain(alerts)
			fs.judge(&v, c == nil)
			volumetest.Explained(t, rest.Judged(v.Verdict, maxInfo, metadata(c, fs, "volume")), maxInfo, maxDetail)
			if n, ok := fs.number(); ok && n < 0 {
				t.Errorf("number %d", n)
			}
		}
	})
}

func merged(list filesystems, fs filesystem) filesystems {
	if list == nil {
		list = filesystems{}
	}
	list[""] = fs
	return list
}

// Whatever the statistics, every figure is possible and has a time.
func FuzzStats(f *testing.F) {
	volumetest.Seed(f, "*.*", `{"data": {"all": {"fs_stats": [{"stats": {"READS[fS: 0]": 1e308, "READ_LATENCY[fS: 0]": -1, "WRITES[fS: -1]": 1}, "timestamp": 1741064760}]}}}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, category := range []string{byFilesystem, ofCluster} {
			by, told, err := figuresOf(volumetest.Answer(content, sampledAt), category)
			if err != nil && by != nil || len(by) > 0 && !told {
				t.Errorf("%d figures with %v, %v", len(by), told, err)
			}
			for number, found := range by {
				p := found.performance
				if number < whole || category == ofCluster && number != whole || present(p) == 0 || found.at.IsZero() {
					t.Errorf("%s %d: %+v", category, number, found)
				}
				if p.LatencyReadUsec != nil && (p.IOPSRead == nil || *p.IOPSRead == 0) {
					t.Errorf("a latency without operations: %+v", p)
				}
				for _, v := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
					if v != nil && !(*v >= 0) {
						t.Errorf("%d: %v", number, *v)
					}
				}
			}
		}
	})
}

// Whatever a login is answered with, there is a token with an end, or an error.
func FuzzLogin(f *testing.F) {
	volumetest.Seed(f, "*.*", `{"data": {"access_token": "a", "expires_in": 9223372036854775807}}`, `{"data": [{"access_token": 7, "expires_in": -1}, 3]}`, `{"data": []}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		token, err := tokenOf(volumetest.Answer(content, sampledAt))
		if err != nil {
			return
		}
		if life := time.Until(token.Expires); token.Header.Get("Authorization") == "Bearer " || life <= 0 || life > longestLife {
			t.Errorf("a token for %v", life)
		}
	})
}
