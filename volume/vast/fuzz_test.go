package vast

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// short checks what is shown of a health.
func short(t *testing.T, v verdict, facts map[string]string) {
	t.Helper()
	volumetest.Explained(t, rest.Judged(v.Verdict, maxInfo, rest.Facts(facts, maxDetail)), maxInfo, maxDetail)
}

// Whatever a cluster says of itself, its figures are possible, and what is not
// healthy says why, in short.
func FuzzCluster(f *testing.F) {
	volumetest.Seed(f, "*.json", `{"state": "ONLINE", "rd_iops": 1e300, "wr_iops": -1, "rd_latency": 7, "physical_space": 5, "physical_space_in_use": 9223372036854775807}`,
		`{"state": "\u0000\n", "ssd_raid_state": "A", "ssd_raid_rebuild_progress": 1e99}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := clusterOf(volumetest.Answer(content, sampledAt))
		if err != nil {
			return
		}
		p, err := c.performance()
		volumetest.PossibleOr(t, p, err)
		u := c.usage()
		if u.AvailableBytes != nil && *u.AvailableBytes > *u.CapacityBytes {
			t.Errorf("%d of %d bytes are free", *u.AvailableBytes, *u.CapacityBytes)
		}
		short(t, c.judge(), c.facts())
	})
}

// Whatever the statistics, every figure is possible, and of a window that was.
func FuzzStatistics(f *testing.F) {
	volumetest.Seed(f, "*.json", `{"prop_list": ["timestamp", "object_id", "ViewMetrics,read_iops__num_samples"], "data": [["2025-03-04T05:07:00Z", "7", 9223372036854775807], [1741064760, 7, 0], [null, 7], {}]}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := rowsOf(volumetest.Answer(content, sampledAt))
		if err != nil && all != nil {
			t.Errorf("rows with %v", err)
		}
		for id, rows := range all {
			for _, per := range []unit{0, microseconds, nanoseconds} {
				s, ok := sampleOf(rows, per)
				if !ok {
					continue
				}
				volumetest.Possible(t, s.performance)
				if s.at.IsZero() || s.window < shortest || s.performance == (volume.Performance{}) {
					t.Errorf("%d: %+v", id, s)
				}
				if per == 0 && (s.performance.LatencyReadUsec != nil || s.performance.LatencyWriteUsec != nil) {
					t.Errorf("a latency of an unknown unit: %+v", s.performance)
				}
			}
		}
	})
}

// Whatever the lists, a view is found by its path alone, and its usage is possible.
func FuzzLists(f *testing.F) {
	volumetest.Seed(f, "*.json", `[{"path": "/ai/data/../data", "hard_limit": 1, "used_capacity": 9223372036854775807, "state": "\n"}, {"path": "//", "id": -1}, 3]`,
		`{"results": [{"path": ["/"], "severity": {}}], "next": 7}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		answer := volumetest.Answer(content, sampledAt)
		all, limits := views{}, quotas{}
		if list, _, err := pageOf[view](answer); err == nil {
			for _, v := range list {
				all[clean(v.Path)] = append(all[clean(v.Path)], v)
			}
		}
		if list, _, err := pageOf[quota](answer); err == nil {
			for _, q := range list {
				limits[clean(q.Path)] = append(limits[clean(q.Path)], q)
			}
		}
		for p := range all {
			v, err := all.find(options{view: p})
			if err != nil {
				continue
			}
			judged, facts := verdict{}, map[string]string{}
			v.describe(facts)
			for _, q := range limits.of(v) {
				q.judge(&judged)
				q.describe(facts)
				if u := q.usage(); u.AvailableBytes != nil && *u.AvailableBytes > *u.CapacityBytes {
					t.Errorf("%d of %d bytes are free", *u.AvailableBytes, *u.CapacityBytes)
				}
			}
			short(t, judged, facts)
		}
		var raised alarms
		if list, _, err := pageOf[alarm](answer); err == nil {
			for _, a := range list {
				raised.add(a)
			}
		}
		var told verdict
		told.Note("%s", raised.words())
		short(t, told, map[string]string{"alarms": raised.String()})
		var u latencyUnit
		if list, _, err := pageOf[metric](answer); err == nil {
			for _, m := range list {
				u.add(m)
			}
		}
		if per := u.unit(); per != microseconds && per != nanoseconds {
			t.Errorf("unit %v", per)
		}
	})
}

// Whatever a login is answered with, there is a token that ends in the time to
// come, or never, or an error.
func FuzzLogin(f *testing.F) {
	token := func(claims string) string {
		return fmt.Sprintf(`{"access": "a.%s.b"}`, base64.RawURLEncoding.EncodeToString([]byte(claims)))
	}
	volumetest.Seed(f, "*.json", token(`{"exp": 9223372036854775807}`), token(`{"exp": -1, "iat": -9223372036854775808}`), token(`{"exp": "1741064900.5", "iat": 1741064700}`), `{"access": 7, "refresh": []}`)
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, header := range []http.Header{{"Date": {sampledAt.Format(http.TimeFormat)}}, {}} {
			answer := volumetest.Answer(content, sampledAt)
			answer.Header = header
			token, err := tokenOf(answer)
			if err != nil {
				continue
			}
			life := token.Expires.Sub(answer.ReceivedAt)
			if token.Header.Get("Authorization") == "Bearer " || !token.Expires.IsZero() && (life <= 0 || life > longestLife) {
				t.Errorf("a token for %v", life)
			}
		}
	})
}
