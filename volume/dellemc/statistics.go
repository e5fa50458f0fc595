package dellemc

import (
	"context"
	"net/url"
	"strings"
	"time"

	"storage_exporter/volume/rest"
)

// The cluster's statistics that are asked for.
const (
	keyTotal     = "ifs.bytes.total"
	keyUsed      = "ifs.bytes.used"
	keyAvailable = "ifs.bytes.avail"
	keyHealth    = "cluster.health"
	keyNodes     = "cluster.node.count.all"
	keyNodesDown = "cluster.node.count.down"
)

// healthDown is the value of keyHealth for a cluster that is down.
const healthDown = 2

// statistics are current values by their keys. What is in error is not there.
type statistics struct {
	values map[string]rest.Int
	at     time.Time // when the oldest of the space was measured, by our clock; zero is now
}

func (b *backend) fetchStatistics(ctx context.Context) (statistics, error) {
	keys := []string{keyTotal, keyUsed, keyAvailable, keyHealth, keyNodes, keyNodesDown}
	query := url.Values{"keys": {strings.Join(keys, ",")}, "degraded": {"true"}}
	return rest.Fetch(ctx, b.client, rest.Request{Path: "/platform/3/statistics/current", Query: query}, decodeStatistics)
}

func decodeStatistics(a *rest.Answer) (statistics, error) {
	var said struct {
		Stats []struct {
			Key, Error rest.Text
			Code       rest.Int `json:"error_code"`
			Time       rest.Time
			Value      rest.Int
		}
	}
	if err := a.Decode(&said); err != nil {
		return statistics{}, err
	}
	if said.Stats == nil {
		return statistics{}, rest.Nonsense("the answer has no statistics")
	}
	s := statistics{values: map[string]rest.Int{}}
	var oldest time.Time
	for _, stat := range said.Stats {
		if stat.Error != "" || stat.Code.Value > 0 || !stat.Value.Valid {
			continue
		}
		s.values[stat.Key.String()] = stat.Value
		if strings.HasPrefix(stat.Key.String(), "ifs.bytes.") && !stat.Time.IsZero() && (oldest.IsZero() || stat.Time.Before(oldest)) {
			oldest = stat.Time.Time
		}
	}
	s.at = a.SampledAt(oldest)
	return s, nil
}
