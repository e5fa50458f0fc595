// Package gpfstest emulates the GUI node of an IBM Storage Scale cluster.
package gpfstest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"storage_exporter/internal/kit"
	"storage_exporter/volume/appliancetest"
)

// How many objects a page has, where a real one has 1000, and the cluster's nodes.
const (
	Page  = 200
	Nodes = 2
)

// GUI is a GUI node of a cluster of two nodes, with file systems fs0, fs1, …
type GUI struct {
	Filesystems int
	Rates       bool   // its collector's values are rates
	Classless   bool   // it does not know node classes
	Keywordless bool   // nor :all: for nodes
	Nodeless    bool   // it does not know any node yet
	Down        int    // that node is; 0 for none
	NamesOnly   bool   // its list of pools has no sizes
	Remote      bool   // the file systems are another cluster's: their pools are not known
	Unlisted    bool   // its list of mounts has no node
	Word        string // the health of the file systems; empty for HEALTHY
	Twice       bool   // its list of pools has each of them twice
	Silent      bool   // its sensor is off
	Failure     int    // the code of the status in its answers, where it is not 200
	Scale       int    // times the sizes of pools are multiplied; 0: not
	// Load is how much of its usual work a file system does at a time; nil: all of it.
	Load func(i int, at time.Time) float64
}

// Start makes a cluster whose file systems are all well.
func Start(t kit.T, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
	return (&GUI{Filesystems: volumes}).Start(t, network)
}

// Start makes its API, and configures all of its file systems.
func (g *GUI) Start(t kit.T, network *appliancetest.Network) *appliancetest.Emulator {
	e := appliancetest.NewEmulator(t, network, g, "gpfs", "gpfs_endpoint", appliancetest.Names(g.Filesystems), func(i int, _ string) map[string]any {
		return map[string]any{
			"gpfs_username": "monitor", "gpfs_password": "scale-secret-password",
			"gpfs_fs_name": fmt.Sprint("fs", i), "gpfs_owner": "1000:1000", "gpfs_fileset_prefix": "vf_",
		}
	})
	e.Secret("scale-secret-password", "monitor:scale-secret-password")
	return e
}

func (g *GUI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "monitor" || password != "scale-secret-password" {
		w.Header().Set("WWW-Authenticate", `Basic realm="defaultRealm"`)
		w.Header().Set("Content-Type", "text/html;charset=ISO-8859-1")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, "Error 401: SRVE0295E: Error reported: 401")
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/scalemgmt/v2/")
	parts := strings.Split(path, "/")
	switch {
	case !ok:
		g.fail(w, http.StatusNotFound, "Resource not found.")
	case path == "perfmon/data":
		g.perfmon(w, r)
	case path == "cluster":
		g.say(w, map[string]any{"cluster": map[string]any{"clusterSummary": map[string]any{"clusterId": 1234567890123456789, "clusterName": "scale-a.example.net"}}})
	case path == "nodes":
		g.list(w, r, "nodes", g.nodes())
	case parts[0] == "nodes" && strings.HasSuffix(path, "/health/states"):
		g.health(w, r, parts[1])
	case parts[0] == "filesystems":
		g.filesystem(w, r, parts[1:])
	default:
		g.fail(w, http.StatusNotFound, "Resource not found.")
	}
}

func (g *GUI) say(w http.ResponseWriter, body map[string]any) {
	body["status"] = map[string]any{"code": cmp.Or(g.Failure, 200), "message": "The request finished successfully."}
	appliancetest.Reply(w, http.StatusOK, body)
}

func (g *GUI) fail(w http.ResponseWriter, status int, message string) {
	appliancetest.Reply(w, status, map[string]any{"status": map[string]any{"code": status, "message": message}})
}

// list answers with a page. The link to the next names a host that is not there.
func (g *GUI) list(w http.ResponseWriter, r *http.Request, key string, all []any) {
	last, _ := strconv.Atoi(r.URL.Query().Get("lastId"))
	body := map[string]any{}
	page, next := appliancetest.Page(all, last, Page)
	if len(page) > 0 {
		body[key] = page
	}
	if next > 0 {
		query := r.URL.Query()
		query.Set("lastId", strconv.Itoa(next))
		body["paging"] = map[string]any{"next": "https://gui.internal:443" + r.URL.Path + "?" + query.Encode(), "lastId": next, "fields": ":all:"}
	}
	g.say(w, body)
}

func nodeName(i int) string { return fmt.Sprintf("n%d.example.net", i+1) }

func (g *GUI) nodes() []any {
	var nodes []any
	if g.Nodeless {
		return nil
	}
	for i := range Nodes {
		word := "active"
		if i+1 == g.Down {
			word = "down"
		}
		nodes = append(nodes, map[string]any{
			"adminNodeName": nodeName(i), "nodeNumber": i + 1,
			"status": map[string]any{"nodeState": "HEALTHY", "gpfsState": word, "productVersion": "5.2.1.0"},
		})
	}
	return nodes
}

func (g *GUI) health(w http.ResponseWriter, r *http.Request, who string) {
	var states []any
	say := func(node int, component, kind, entity, parent string) {
		states = append(states, map[string]any{
			"activeSince": "2026-01-12 09:14:03,412", "component": component, "entityType": kind, "entityName": entity,
			"parentName": parent, "oid": len(states), "reasons": []any{}, "reportingNode": nodeName(node), "state": cmp.Or(g.wordOf(kind), "HEALTHY"),
		})
	}
	for n := range Nodes {
		if (who != "servers" || n > 0) && who != nodeName(n) && (who != "all" || g.Classless) && (who != ":all:" || g.Keywordless) {
			continue
		}
		say(n, "NODE", "NODE", nodeName(n), nodeName(n))
		say(n, "GPFS", "NODE", nodeName(n), nodeName(n))
		say(n, "FILESYSTEM", "NODE", nodeName(n), nodeName(n))
		for fs := range g.Filesystems {
			say(n, "FILESYSTEM", "FILESYSTEM", fmt.Sprint("fs", fs), nodeName(n))
		}
	}
	if states == nil {
		g.fail(w, http.StatusBadRequest, "Invalid value in 'nodeName'")
		return
	}
	for fs := range g.Filesystems {
		say(0, "DISK", "NSD", fmt.Sprintf("nsd%02d", fs), fmt.Sprint("fs", fs))
	}
	g.list(w, r, "states", states)
}

func (g *GUI) wordOf(kind string) string {
	if kind == "FILESYSTEM" {
		return g.Word
	}
	return ""
}

func (g *GUI) filesystem(w http.ResponseWriter, r *http.Request, parts []string) {
	var chosen []int
	for i := range g.Filesystems {
		if parts[0] == ":all:" || parts[0] == fmt.Sprint("fs", i) {
			chosen = append(chosen, i)
		}
	}
	if chosen == nil || g.Remote && len(parts) > 1 {
		g.fail(w, http.StatusBadRequest, "Invalid value in 'filesystemName'")
		return
	}
	var all []any
	for _, i := range chosen {
		name := fmt.Sprint("fs", i)
		if len(parts) == 1 && g.Unlisted {
			all = append(all, map[string]any{"name": name, "mount": map[string]any{
				"status": "not mounted", "nodesMountedReadOnly": []any{}, "nodesMountedInternally": []any{}, "nodesMountedReadWrite": []any{},
			}})
			continue
		}
		if len(parts) == 1 {
			all = append(all, map[string]any{
				"name": name, "uuid": fmt.Sprintf("0A0000015F6B7C10:%02d", i), "version": "33.00", "type": "local",
				"mount": map[string]any{
					"mountPoint": "/gpfs/" + name, "status": "mounted", "nodesMountedReadOnly": []any{}, "nodesMountedInternally": []any{},
					"nodesMountedReadWrite": []any{nodeName(0), nodeName(1)},
				},
			})
			continue
		}
		scale := max(g.Scale, 1)
		for _, pool := range []map[string]any{
			{"storagePoolName": "system", "totalDataInKB": 0, "freeDataInKB": 0, "totalMetaInKB": 4000 * scale, "freeMetaInKB": 3000 * scale},
			{"storagePoolName": "data", "totalDataInKB": (10000 + i) * scale, "freeDataInKB": 4000 * scale, "totalMetaInKB": 0, "freeMetaInKB": 0},
		} {
			if len(parts) > 2 && parts[2] != pool["storagePoolName"] {
				continue
			}
			if len(parts) == 2 && g.NamesOnly {
				pool = map[string]any{"storagePoolName": pool["storagePoolName"]}
			}
			pool["filesystemName"] = name
			all = append(all, pool)
			if g.Twice && len(parts) == 2 {
				more := maps.Clone(pool)
				if pool["freeDataInKB"] == 4000*scale {
					more["freeDataInKB"] = 4001 * scale // more was written meanwhile
				}
				all = append(all, more)
			}
		}
	}
	key := "filesystems"
	if len(parts) > 1 {
		key = "storagePool"
	}
	g.list(w, r, key, all)
}

var queryText = regexp.MustCompile(`^metrics (\S+) bucket_size (\d+) last (\d+) (?:from gpfs_fs_name=(\S+) )?group_by gpfs_fs_name$`)

// perSecond is what file system i does.
func (g *GUI) perSecond(i int, at time.Time) map[string]float64 {
	share := 1.0
	if g.Load != nil {
		share = g.Load(i, at)
	}
	reads, writes := float64(100+i)*share, 40.0*share
	return map[string]float64{
		"gpfs_fs_read_ops": reads, "gpfs_fs_write_ops": writes, "gpfs_fs_bytes_read": 65536 * reads, "gpfs_fs_bytes_written": 4096 * writes,
		"gpfs_fs_tot_disk_wait_rd": 0.002 * reads, "gpfs_fs_tot_disk_wait_wr": 0.003 * writes,
	}
}

// perfmon answers a query. The bucket that has not ended is not complete: the one
// before has only the first node's part, and it has none.
func (g *GUI) perfmon(w http.ResponseWriter, r *http.Request) {
	text, _ := url.QueryUnescape(r.URL.Query().Get("query"))
	m := queryText.FindStringSubmatch(text)
	if m == nil {
		g.fail(w, http.StatusBadRequest, "Invalid query: "+text)
		return
	}
	seconds, _ := strconv.Atoi(m[2])
	count, _ := strconv.Atoi(m[3])
	now := time.Now().Unix() / int64(seconds) * int64(seconds)
	var legend, rows []any
	var columns []func(at time.Time) float64
	for metric := range strings.SplitSeq(m[1], ",") {
		for i := range g.Filesystems {
			if !strings.Contains(fmt.Sprint("fs", i), m[4]) { // as an expression without anchors does
				continue
			}
			bare := strings.TrimSuffix(strings.TrimPrefix(metric, "sum("), ")")
			var keys []any
			for n := range Nodes {
				keys = append(keys, fmt.Sprintf("n%d|GPFSFilesystem|scale-a.example.net|fs%d|%s", n+1, i, bare))
			}
			legend = append(legend, map[string]any{"caption": metric, "semType": 2, "keys": keys})
			columns = append(columns, func(at time.Time) float64 {
				v := g.perSecond(i, at)[bare]
				if !g.Rates {
					v *= float64(seconds)
				}
				return v
			})
		}
	}
	for k := count - 1; k >= 0; k-- {
		at := now - int64(k*seconds)
		var values, samples []any
		for _, column := range columns {
			v := column(time.Unix(at, 0))
			switch k {
			case 0:
				values, samples = append(values, nil), append(samples, 0)
			case 1:
				values, samples = append(values, v/Nodes), append(samples, 1)
			default:
				values, samples = append(values, v), append(samples, Nodes)
			}
		}
		rows = append(rows, map[string]any{"tstamp": at, "values": values, "nsamples": samples})
	}
	if g.Silent {
		legend, rows = []any{}, []any{}
	}
	g.say(w, map[string]any{"performanceData": map[string]any{
		"header": map[string]any{"bcount": count, "bsize": seconds, "t_end": now}, "legend": legend, "rows": rows,
	}})
}
