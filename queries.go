package main

import (
	"cmp"
	"hash/fnv"
	"io"
	"strconv"

	"storage_exporter/graphql"
	"storage_exporter/proxy"
	"storage_exporter/volume/observed"
	"storage_exporter/volume/vfolder"
)

// newQueries makes what answers GraphQL: of the volumes of this exporter, which is the
// proxy "local" or has the node's name, and of the proxies that it polls.
func (e *exporter) newQueries() *graphql.Handler {
	return graphql.New(graphql.Config{
		Revision: e.healthRevision, Proxies: e.healthOfProxies, Logger: e.log,
		Folders: vfolder.New(e.mounts, e.mountedVolumes),
	})
}

// healthRevision changes whenever healthOfProxies would return something else.
func (e *exporter) healthRevision() uint64 {
	h := fnv.New64a()
	for _, v := range e.volumes.Volumes() {
		_, _ = io.WriteString(h, v.Name+"\x00"+v.Backend+"\x00")
		if r := v.Health.Peek(); r.Err == nil {
			_, _ = io.WriteString(h, strconv.FormatUint(r.Snapshot.Revision, 36))
		} else {
			_, _ = io.WriteString(h, r.Err.Error())
		}
	}
	for _, r := range e.proxies.List() {
		_, _ = io.WriteString(h, r.Proxy.Name+"\x00"+string(r.Proxy.Status)+"\x00"+r.Proxy.Reason+"\x00"+strconv.FormatUint(r.Revision, 36))
	}
	return h.Sum64()
}

func (e *exporter) healthOfProxies() []graphql.Proxy {
	local := graphql.Proxy{Name: cmp.Or(e.node, ownProxy), Healthy: true}
	for _, v := range e.volumes.Volumes() {
		status, info, at := observed.Shown(v.Health.Peek())
		local.Volumes = append(local.Volumes, graphql.Volume{Name: v.Name, Backend: v.Backend, Status: status, Info: info, LastCheckedAt: at})
	}
	proxies := []graphql.Proxy{local}
	for _, r := range e.proxies.List() {
		proxies = append(proxies, shownProxy(r.Proxy))
	}
	return proxies
}

func shownProxy(p *proxy.Proxy) graphql.Proxy {
	shown := graphql.Proxy{Name: p.Name, Healthy: p.Status == proxy.Healthy, LastCheckedAt: p.LastCheckedAt}
	if !shown.Healthy {
		shown.Error = cmp.Or(p.Reason, "not polled yet")
	}
	for _, v := range p.Volumes {
		shown.Volumes = append(shown.Volumes, graphql.Volume{Name: v.Name, Backend: v.Backend, Status: v.Status, Info: v.Info, LastCheckedAt: v.LastCheckedAt})
	}
	return shown
}

// mountedVolumes are those whose path is mounted here: where folders can be looked for.
func (e *exporter) mountedVolumes() []vfolder.Volume {
	var volumes []vfolder.Volume
	for _, v := range e.volumes.Volumes() {
		if e.kinds[v.Backend].Mounted || v.RequireMount != nil && *v.RequireMount {
			volumes = append(volumes, vfolder.Volume{Name: v.Name, Path: v.Path})
		}
	}
	return volumes
}
