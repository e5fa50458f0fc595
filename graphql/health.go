// Package graphql answers queries about the health of storage proxies, their volumes,
// and the volumes that folders are on. It reads snapshots only, waits for none of
// them, and changes nothing.
package graphql

import (
	"strings"
	"time"

	"storage_exporter/volume"
)

// Proxy is one storage proxy, or this exporter itself, with its volumes.
type Proxy struct {
	Name          string
	Healthy       bool
	LastCheckedAt *time.Time
	Error         string // why it is not healthy
	Volumes       []Volume
}

// Volume is one volume of a proxy.
type Volume struct {
	Name          string
	Backend       string
	Status        volume.Status
	Info          string
	LastCheckedAt *time.Time
}

// dateTime is an instant as text.
type dateTime struct{ time.Time }

// ImplementsGraphQLType says of which scalar this is.
func (dateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }

// UnmarshalGraphQL is never called: no argument is an instant.
func (*dateTime) UnmarshalGraphQL(any) error { return nil }

func instant(t *time.Time) *dateTime {
	if t == nil {
		return nil
	}
	return &dateTime{t.UTC()}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// proxyRow is a proxy as it is shown. Its fields are those of the schema.
type proxyRow struct {
	ProxyName     string
	Status        string
	IsHealthy     bool
	LastCheckedAt *dateTime
	ErrorMessage  *string
	rows          []*volumeRow
}

// volumeRow is a volume as it is shown.
type volumeRow struct {
	ProxyName     string
	VolumeId      string //nolint:revive,staticcheck // the library finds a field by the schema's name
	BackendType   string
	Status        string
	StatusInfo    *string
	IsHealthy     bool
	LastCheckedAt *dateTime
	cursor        string
}

// view is all that is known at one moment. It never changes.
type view struct {
	revision uint64
	proxies  []*proxyRow
	volumes  []*volumeRow // of all proxies, in their order
	byHost   map[string]*volumeRow
}

func newView(revision uint64, proxies []Proxy) *view {
	v := &view{revision: revision, byHost: make(map[string]*volumeRow)}
	for _, p := range proxies {
		row := &proxyRow{ProxyName: p.Name, Status: "UNHEALTHY", IsHealthy: p.Healthy, LastCheckedAt: instant(p.LastCheckedAt), ErrorMessage: orNull(p.Error)}
		if p.Healthy {
			row.Status = "HEALTHY"
		}
		for _, vol := range p.Volumes {
			host := p.Name + ":" + vol.Name
			r := &volumeRow{
				ProxyName: p.Name, VolumeId: vol.Name, BackendType: vol.Backend, Status: statusOf(vol.Status), StatusInfo: orNull(vol.Info),
				IsHealthy: vol.Status == volume.Healthy, LastCheckedAt: instant(vol.LastCheckedAt), cursor: cursorOf(host),
			}
			if r.BackendType == "" {
				r.BackendType = "unknown"
			}
			row.rows = append(row.rows, r)
			if _, taken := v.byHost[host]; !taken {
				v.byHost[host] = r
			}
		}
		v.proxies = append(v.proxies, row)
		v.volumes = append(v.volumes, row.rows...)
	}
	return v
}

// statusOf is the state in the schema's words. One that does not exist is not known.
func statusOf(s volume.Status) string {
	for _, known := range volume.Statuses {
		if s == known {
			return strings.ToUpper(string(s))
		}
	}
	return "UNKNOWN"
}

// unknownVolume is what is shown of a volume of which nothing is known.
func unknownVolume(proxy, name string) *volumeRow {
	return &volumeRow{ProxyName: proxy, VolumeId: name, BackendType: "unknown", Status: "UNKNOWN"}
}
