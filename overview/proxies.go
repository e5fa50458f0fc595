package overview

import (
	"time"

	"storage_exporter/proxy"
	"storage_exporter/volume"
)

// Proxy is one configured proxy; proxy.Proxy says what its fields mean.
type Proxy struct {
	Name   string       `json:"name"`
	Status proxy.Status `json:"status"`
	Reason string       `json:"reason,omitempty"`
	// CheckedAt and AgeSeconds are the last poll's, the age as of the moment that the
	// overview was made; nil: never polled.
	CheckedAt  *time.Time   `json:"last_checked_at,omitempty"`
	AgeSeconds *float64     `json:"age_seconds,omitempty"`
	Volumes    VolumeCounts `json:"volumes"` // as it reports them
}

// ProxyCounts count the proxies.
type ProxyCounts struct {
	Total    int                  `json:"total"`
	ByStatus map[proxy.Status]int `json:"by_status"` // all states
}

// ProxyPart is what is known of one proxy. What is about time stands beside it, zero
// where it is not known.
type ProxyPart struct {
	proxy.Reading
	CheckedAt time.Time
}

// proxies are the parts of the configured proxies, nil where there are none.
func proxies(list []proxy.Reading) []ProxyPart {
	var parts []ProxyPart
	for _, r := range list {
		p := ProxyPart{Reading: r}
		if r.Proxy.LastCheckedAt != nil {
			p.CheckedAt = *r.Proxy.LastCheckedAt
		}
		parts = append(parts, p)
	}
	return parts
}

// about is all zeros of a proxy that is not known.
func (p *ProxyPart) about() about {
	a := about{age: &p.Age, observedAt: &p.CheckedAt, mine: p.Mine}
	if p.Err == nil {
		a.lookup = p.Lookup
	}
	return a
}

func (p *ProxyPart) describe() Proxy {
	out := Proxy{Name: p.Proxy.Name, Status: p.Proxy.Status, Reason: p.Proxy.Reason}
	if p.Proxy.LastCheckedAt != nil {
		out.CheckedAt, out.AgeSeconds = shownTimes(p.CheckedAt, p.Age)
	}
	out.Volumes = countStates(len(p.Proxy.Volumes), func(i int) volume.Status { return p.Proxy.Volumes[i].Status })
	return out
}

func countProxies(list []Proxy) *ProxyCounts {
	if list == nil {
		return nil
	}
	c := &ProxyCounts{Total: len(list), ByStatus: make(map[proxy.Status]int, len(proxy.Statuses))}
	for _, s := range proxy.Statuses {
		c.ByStatus[s] = 0
	}
	for i := range list {
		c.ByStatus[list[i].Status]++
	}
	return c
}
