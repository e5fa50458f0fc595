package netapp

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

const password = "netapp-secret-password"

// ontap is a cluster. Its counters move with time.Now.
type ontap struct {
	begin time.Time

	mu        sync.Mutex // guards the fields below
	volumes   []*fakeVolume
	nodes     []map[string]any
	pageMost  int  // records, whatever the caller wants
	overlap   int  // records of a page that come again on the next
	slow      int  // how many records a second it gathers; 0 for all at once
	old       bool // before 9.11.1
	svmScoped bool // the account may not see the cluster
	calls     int
}

// fakeVolume is a volume with what the list says of it. The reads and writes are
// operations a second, in which every read has 4096 bytes and takes 250 µs and
// every write 512 bytes and 900 µs.
type fakeVolume struct {
	fields        map[string]any
	reads, writes int
	status        string // of the statistics
	undated       bool   // they have no timestamp, and there is no metric
	reset         time.Time
	members       []*fakeVolume // of a FlexGroup
	hidden        bool
}

func newVolume(svm, name string, n, reads, writes int) *fakeVolume {
	return &fakeVolume{reads: reads, writes: writes, status: "ok", fields: map[string]any{
		"name": name, "uuid": fmt.Sprintf("%s-%s-%d", svm, name, n), "svm": map[string]any{"name": svm, "uuid": "uuid-of-" + svm},
		"state": "online", "style": "flexvol", "type": "rw", "nas": map[string]any{"path": "/" + name},
		"space": map[string]any{"size": 1 << 40, "used": 1<<30 + n, "available": 1 << 39, "percent_used": 1},
		"files": map[string]any{"maximum": 1000000, "used": 10 + n},
	}}
}

// newFlexGroup makes one whose members do what it is to do, two of three by the
// first. Its own counters are wrong, as ONTAP's are.
func newFlexGroup(svm, name string, n, reads, writes int) *fakeVolume {
	g := newVolume(svm, name, n, 7*reads, 7*writes)
	g.fields["style"] = "flexgroup"
	for i, share := range []int{2, 1} {
		m := newVolume(svm, fmt.Sprintf("%s__%04d", name, i+1), 10000+10*n+i, share*reads/3, share*writes/3)
		m.fields["style"] = "flexgroup_constituent"
		m.fields["flexgroup"] = map[string]any{"name": name, "uuid": g.fields["uuid"]}
		delete(m.fields, "nas")
		g.members = append(g.members, m)
	}
	return g
}

func newOntap() *ontap {
	// A bubble begins in the year 2000.
	return &ontap{begin: time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC), pageMost: 500, nodes: []map[string]any{
		{"name": "ontap-a-01", "uuid": "n1", "state": "up"}, {"name": "ontap-a-02", "uuid": "n2", "state": "up"},
	}}
}

// reads and writes of the volume of that index; every third is a FlexGroup.
func load(i int) (reads, writes int) { return 30 * (i + 1), 6 }

func startOntap(t testing.TB, network *appliancetest.Network, volumes int) *appliancetest.Emulator {
	o := newOntap()
	for i := range volumes {
		reads, writes := load(i)
		v := newVolume("svm_ai", fmt.Sprintf("vol_%03d", i), i, reads, writes)
		if i%3 == 2 {
			v = newFlexGroup("svm_ai", fmt.Sprintf("vol_%03d", i), i, reads, writes)
		}
		o.volumes = append(o.volumes, v)
	}
	return o.start(t, network)
}

// start configures all of its volumes.
func (o *ontap) start(t testing.TB, network *appliancetest.Network) *appliancetest.Emulator {
	e := appliancetest.NewEmulator(t, network, o, "netapp", "netapp_ontap_endpoint", appliancetest.Names(len(o.volumes)), func(i int, _ string) map[string]any {
		return map[string]any{
			"netapp_ontap_user": "reader", "netapp_ontap_password": password,
			"netapp_volume_name": o.volumes[i].fields["name"], "netapp_nfs_host": "ignored", "netapp_xcp_cmd": []any{"ignored"},
		}
	})
	e.Secret(password, "reader:"+password)
	return e
}

// change lends the state to a test.
func (o *ontap) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *ontap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	user, given, _ := r.BasicAuth()
	query := r.URL.Query()
	switch {
	case user != "reader" || given != password:
		refuse(w, http.StatusUnauthorized, "6691623", "User is not authorized.")
	case o.old && query.Has("ignore_unknown_fields"):
		refuse(w, http.StatusBadRequest, "262179", `Unexpected argument "ignore_unknown_fields".`)
	case query.Get("fields") == "":
		refuse(w, http.StatusBadRequest, "1", "the emulator wants to be asked for fields")
	case r.URL.Path == volumesPath:
		o.list(w, r)
	case o.svmScoped:
		refuse(w, http.StatusForbidden, "6", "not authorized for that command")
	case r.URL.Path == nodesPath:
		var records []any
		for _, n := range o.nodes {
			records = append(records, n)
		}
		say(w, map[string]any{"records": records, "num_records": len(records)})
	case r.URL.Path == aboutPath:
		say(w, map[string]any{"name": "ontap-a", "version": map[string]any{"full": "NetApp Release 9.14.1P4"}})
	default:
		refuse(w, http.StatusNotFound, "4", "entry doesn't exist")
	}
}

// list answers a query for volumes, a page at a time.
func (o *ontap) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	wantedOf := map[string][]string{}
	for _, key := range []string{"name", "svm.name", "flexgroup.uuid"} {
		wantedOf[key] = strings.Split(query.Get(key), "|")
	}
	among := func(key string, value any) bool {
		s, _ := value.(string)
		return !query.Has(key) || slices.Contains(wantedOf[key], s)
	}
	var found []any
	for _, v := range o.volumes {
		candidates := []*fakeVolume{v}
		if query.Get("is_constituent") == "true" {
			candidates = v.members
		}
		for _, c := range candidates {
			group, _ := c.fields["flexgroup"].(map[string]any)
			if !c.hidden && among("name", c.fields["name"]) && among("svm.name", c.fields["svm"].(map[string]any)["name"]) && among("flexgroup.uuid", group["uuid"]) {
				found = append(found, o.record(c, query.Get("fields")))
			}
		}
	}
	wanted, _ := strconv.Atoi(query.Get("max_records"))
	if o.slow > 0 { // records a second, as gathered from the nodes
		seconds, err := strconv.Atoi(query.Get("return_timeout"))
		if err != nil {
			seconds = 15
		}
		from, _ := strconv.Atoi(query.Get("start"))
		if ready := seconds * o.slow; ready < len(found)-from {
			wanted = min(wanted, ready)
		}
		time.Sleep(time.Duration(min(wanted, len(found)-from)/o.slow) * time.Second)
	}
	from, _ := strconv.Atoi(query.Get("start"))
	page, next := appliancetest.Page(found, from, min(wanted, o.pageMost))
	reply := map[string]any{"records": page, "num_records": len(page)}
	if next > 0 && strings.Contains(r.Header.Get("Accept"), "hal+json") {
		query.Set("start", strconv.Itoa(next-o.overlap))
		reply["_links"] = map[string]any{"next": map[string]any{"href": r.URL.Path + "?" + query.Encode()}}
	}
	say(w, reply)
}

// record has the fields that were asked for, and always name and uuid.
func (o *ontap) record(v *fakeVolume, fields string) map[string]any {
	record := map[string]any{"name": v.fields["name"], "uuid": v.fields["uuid"], "_links": map[string]any{"self": map[string]any{"href": "/api"}}}
	for _, field := range strings.Split(fields, ",") {
		top, _, _ := strings.Cut(field, ".")
		if value, ok := v.fields[top]; ok {
			record[top] = value
		}
	}
	if state := v.fields["state"]; state != "online" && state != "mixed" {
		return record
	}
	now := time.Now().UTC().Truncate(time.Second)
	since := o.begin
	if v.reset.After(since) {
		since = v.reset
	}
	seconds := int(now.Sub(since.Truncate(time.Second)).Seconds())
	if strings.Contains(fields, "statistics") {
		record["statistics"] = map[string]any{
			"timestamp": now.Format(time.RFC3339), "status": v.status,
			"iops_raw":       pair(v.reads*seconds, v.writes*seconds),
			"throughput_raw": pair(4096*v.reads*seconds, 512*v.writes*seconds),
			"latency_raw":    pair(250*v.reads*seconds, 900*v.writes*seconds),
		}
	}
	if v.undated {
		delete(record["statistics"].(map[string]any), "timestamp")
	} else if strings.Contains(fields, "metric") {
		record["metric"] = map[string]any{
			"timestamp": now.Truncate(sampling).Format(time.RFC3339), "status": "ok", "duration": "PT15S",
			"iops": pair(v.reads, v.writes), "throughput": pair(4096*v.reads, 512*v.writes), "latency": pair(250, 900),
		}
	}
	return record
}

func pair(read, write int) map[string]any {
	return map[string]any{"read": read, "write": write, "other": 17, "total": read + write + 17}
}

func say(w http.ResponseWriter, v any) { appliancetest.Reply(w, http.StatusOK, v) }

func refuse(w http.ResponseWriter, status int, code, message string) {
	appliancetest.Reply(w, status, map[string]any{"error": map[string]any{"code": code, "message": message}})
}

func TestContract(t *testing.T) {
	volumetest.Contract(t, volumetest.Suite{
		Kind:  Kind,
		Start: startOntap,
		Want: func(i int) volumetest.Want {
			r, w := load(i)
			reads, writes := float64(r), float64(w)
			return volumetest.Want{
				Performance: volume.Performance{
					IOPSRead: &reads, IOPSWrite: &writes, BytesRead: new(4096 * reads), BytesWrite: new(512 * writes),
					LatencyReadUsec: new(250.0), LatencyWriteUsec: new(900.0),
				},
				Usage: volume.Usage{
					CapacityBytes: new(uint64(1 << 40)), UsedBytes: new(uint64(1<<30 + i)), AvailableBytes: new(uint64(1 << 39)),
					Inodes: new(uint64(1000000)), InodesUsed: new(uint64(10 + i)),
				},
			}
		},
		// The list; the FlexGroups' members; now and then the nodes and the cluster.
		Calls:     func(int) volumetest.Calls { return volumetest.Calls{Performance: 2, Health: 3, Usage: 1} },
		Required:  []string{"netapp_ontap_endpoint", "netapp_ontap_user", "netapp_ontap_password", "netapp_volume_name"},
		VerifyKey: "netapp_ontap_verify_ssl",
		States:    []string{"online", "up"},
		Lose:      func(options map[string]any) { options["netapp_volume_name"] = "nowhere" },
	})
}
