package netapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"storage_exporter/volume/rest"
)

const (
	volumesPath = "/api/storage/volumes"
	nodesPath   = "/api/cluster/nodes"
	aboutPath   = "/api/cluster"

	// metric, statistics and files are expensive and come only when they are named.
	volumeFields = "name,uuid,svm.name,svm.uuid,state,style,type,status,nas.path,space.size,space.available,space.used," +
		"files.maximum,files.used,error_state,metric,statistics"
	memberFields = "name,uuid,svm.name,state,style,flexgroup,statistics"

	pageSize = "500" // records, as NetApp's own exporter asks
	// longestFilter bounds the names in one call's query, in bytes, and
	// longestSVMs those of the SVMs, which only make the answer smaller.
	longestFilter = 4000
	longestSVMs   = 1000
	// longestPage is how long ONTAP gathers a page by itself.
	longestPage = 15 * time.Second
)

// gatherFor is for how many seconds ONTAP may gather a page, then it answers with
// what it has and the link to the rest: less than a call may take, for an answer
// that comes too late is none.
func gatherFor(call time.Duration) string {
	seconds := min(call*4/5, longestPage).Truncate(time.Second).Seconds()
	return strconv.Itoa(max(int(seconds), 1))
}

// inventory is the volumes that were asked for.
type inventory struct {
	named map[string][]record // by name: several SVMs may have one of the same
	svms  map[object]string   // the UUID of the SVM that each was on when it was found last
}

// mirrored is what a MetroCluster adds to the name of an SVM that the partner has
// taken over. Its UUID stays.
const mirrored = "-mc"

// on are the volumes that may be one of an SVM: by the SVM's name, else by its UUID,
// else by the name that a MetroCluster gives it. Empty is any SVM.
func (i inventory) on(o object) []record {
	byUUID, known := i.svms[o]
	for _, same := range []func(record) bool{
		func(v record) bool { return o.svm == "" || v.SVM.Name.String() == o.svm },
		func(v record) bool { return known && v.SVM.UUID.String() == byUUID },
		func(v record) bool {
			return strings.TrimSuffix(v.SVM.Name.String(), mirrored) == strings.TrimSuffix(o.svm, mirrored)
		},
	} {
		found := slices.DeleteFunc(slices.Clone(i.named[o.name]), func(v record) bool { return !same(v) })
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// find returns the record of a volume.
func (i inventory) find(o object) (record, error) {
	found := i.on(o)
	switch {
	case len(found) == 0 && o.svm == "":
		return record{}, rest.Absent("volume %s", o.name)
	case len(found) == 0:
		return record{}, rest.Absent("volume %s of SVM %s", o.name, o.svm)
	case len(found) > 1:
		svms := make([]string, len(found))
		for i, v := range found {
			svms[i] = v.SVM.Name.String()
		}
		slices.Sort(svms)
		return record{}, fmt.Errorf("%d SVMs have a volume %s (%s): set netapp_svm_name to one of them", len(found), o.name, rest.Clean(strings.Join(svms, ", "), 200))
	}
	return found[0], nil
}

// fetchVolumes asks for all volumes, by name each time: one that was made anew has
// another UUID. Where one is not on its SVM, it is looked for on all of them: a
// failover may have given the SVM another name.
func (b *backend) fetchVolumes(ctx context.Context) (inventory, error) {
	found := inventory{svms: b.svms}
	which := b.whichSVMs()
	for {
		named, err := b.fetchNamed(ctx, which)
		if err != nil {
			return inventory{}, err
		}
		found.named = named
		svms, missing := map[object]string{}, false
		for _, o := range b.objects {
			v, err := found.find(o)
			missing = missing || err != nil
			if uuid := cmp.Or(v.SVM.UUID.String(), b.svms[o]); uuid != "" {
				svms[o] = uuid
			}
		}
		if which == "" || !missing {
			b.svms, found.svms = svms, svms
			return found, nil
		}
		which = ""
	}
}

// whichSVMs is a filter for the SVMs of the volumes; empty where it would say nothing,
// or be too long.
func (b *backend) whichSVMs() string {
	svms := map[string]bool{}
	for _, o := range b.objects {
		svms[o.svm] = true
	}
	if all := batches(svms); !svms[""] && len(all) == 1 && len(all[0]) <= longestSVMs {
		return all[0]
	}
	return ""
}

// fetchNamed are the volumes of those SVMs by name.
func (b *backend) fetchNamed(ctx context.Context, which string) (map[string][]record, error) {
	names := map[string]bool{}
	for _, o := range b.objects {
		names[o.name] = true
	}
	found := map[string][]record{}
	for _, batch := range batches(names) {
		query := url.Values{"name": {batch}, "fields": {volumeFields}}
		if which != "" {
			query.Set("svm.name", which)
		}
		err := list(ctx, b, volumesPath, query, func(v record, a *rest.Answer) {
			name := v.Name.String()
			if !names[name] || v.UUID == "" || v.is(styleMember) {
				return
			}
			v.answer = a
			same := func(other record) bool { return other.UUID == v.UUID }
			found[name] = append(slices.DeleteFunc(found[name], same), v) // pages may overlap
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// list asks for all pages of a list. Only from ONTAP 9.11.1 on the parameter
// ignore_unknown_fields is known, and older systems refuse what they do not know.
func list[T any](ctx context.Context, b *backend, path string, query url.Values, take func(T, *rest.Answer)) error {
	query.Set("max_records", pageSize)
	query.Set("return_timeout", b.gather)
	ask := func() error {
		return b.client.Pages(ctx, rest.Request{Path: path, Query: query, Optional: path == nodesPath}, func(a *rest.Answer) (string, error) {
			p, err := decode[T](a)
			for _, r := range p.Records {
				take(r, a)
			}
			return p.Links.Next.Href.String(), err
		})
	}
	if b.old.Load() {
		return ask()
	}
	query.Set("ignore_unknown_fields", "true")
	err := ask()
	if !isUnknownField(err) {
		return err
	}
	query.Del("ignore_unknown_fields")
	if err = ask(); err == nil {
		b.old.Store(true)
	}
	return err
}

// isUnknownField is whether ONTAP refused a field (262197) or a parameter
// (262179) because it does not know it.
func isUnknownField(err error) bool {
	e, ok := errors.AsType[*rest.Error](err)
	return ok && (e.Code == "262197" || e.Code == "262179")
}

// batches joins names to the alternatives of a query, as few as fit.
func batches(names map[string]bool) []string {
	const or, orEscaped = "|", len("%7C")
	var all []string
	size := longestFilter
	for _, name := range slices.Sorted(maps.Keys(names)) {
		more := orEscaped + len(name)
		if size+more > longestFilter {
			all, size = append(all, name), more
			continue
		}
		all[len(all)-1] += or + name
		size += more
	}
	return all
}

// fetchNodes asks for the cluster's nodes, which accounts of an SVM may not see.
func (b *backend) fetchNodes(ctx context.Context) ([]node, error) {
	var nodes []node
	err := list(ctx, b, nodesPath, url.Values{"fields": {"name,state"}}, func(n node, _ *rest.Answer) {
		nodes = append(nodes, n)
	})
	return nodes, err
}

// fetchAbout asks what the cluster is.
func (b *backend) fetchAbout(ctx context.Context) (about, error) {
	var a about
	err := b.client.GetOptional(ctx, aboutPath, url.Values{"fields": {"name,version"}}, &a)
	return a, err
}
