package proxy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// What is taken from a proxy. The texts are in characters.
const (
	maxBody    = 1 << 20
	maxVolumes = 1000
	longName   = 128
	longWord   = 64
	longInfo   = 200
)

// answer is what a proxy says of itself.
type answer struct {
	shape   Shape
	says    string
	version string
	checks  *int
	volumes list // of the shapes that have some
}

// list is the volumes that a proxy named, by name.
type list struct {
	volumes []Volume
	leftOut int
}

// complaint is why the proxy is not healthy by its own word; empty where it is.
func (a *answer) complaint() string {
	if a.says == "error" || a.says == "unhealthy" {
		return fmt.Sprintf("it calls itself %q", a.says)
	}
	return ""
}

// readHealth reads an answer of one of the three shapes. Anything else is an error.
func readHealth(reply *rest.Answer) (answer, error) {
	var doc struct {
		Status       rest.Text                   `json:"status"`
		Version      rest.Text                   `json:"version"`
		Component    rest.Text                   `json:"component"`
		Volumes      *map[string]json.RawMessage `json:"volumes"`
		Connectivity *struct {
			Checks []json.RawMessage `json:"connectivity_checks"`
		} `json:"connectivity"`
	}
	if err := reply.Decode(&doc); err != nil {
		return answer{}, err
	}
	a := answer{says: word(doc.Status), version: rest.Clean(string(doc.Version), longWord)}
	component := word(doc.Component)
	switch {
	case !slices.Contains([]string{"healthy", "unhealthy", "ok", "degraded", "error"}, a.says):
		return answer{}, rest.Nonsense("the answer is not that of a storage proxy's health: its status is %q", a.says)
	case doc.Volumes == nil && component != "" && component != "storage-proxy":
		return answer{}, rest.Nonsense("the answer is the health of a %q, not of a storage proxy: check the url", component)
	case doc.Volumes == nil && component == "" && doc.Connectivity == nil:
		return answer{}, rest.Nonsense("the answer is not that of a storage proxy's health: it has neither volumes nor connectivity")
	case doc.Volumes == nil:
		a.shape = ShapeProxy
		if doc.Connectivity != nil {
			a.checks = new(len(doc.Connectivity.Checks))
		}
		return a, nil
	case a.says == "healthy" || a.says == "unhealthy":
		a.shape = ShapeManager
	default:
		a.shape = ShapeExporter
	}
	for _, name := range slices.Sorted(maps.Keys(*doc.Volumes)) {
		a.volumes.add(name, func() Volume { return readVolume((*doc.Volumes)[name]) })
	}
	a.volumes.sort()
	return a, nil
}

// add takes a volume of that name, unless there are enough, or its name is none.
func (l *list) add(name string, read func() Volume) {
	name = rest.Clean(name, longName)
	taken := func(v Volume) bool { return v.Name == name }
	if name == "" || len(l.volumes) >= maxVolumes || slices.ContainsFunc(l.volumes, taken) {
		l.leftOut++
		return
	}
	v := read()
	v.Name = name
	l.volumes = append(l.volumes, v)
}

func (l *list) sort() {
	slices.SortFunc(l.volumes, func(a, b Volume) int { return cmp.Compare(a.Name, b.Name) })
}

// readVolume reads what a health answer has of one volume; what is of no use in it is
// unknown.
func readVolume(raw json.RawMessage) Volume {
	var doc struct {
		Status      rest.Text `json:"status"`
		Info        rest.Text `json:"status_info"`
		Backend     rest.Text `json:"backend"`
		LastChecked rest.Text `json:"last_checked_at"`
	}
	_ = json.Unmarshal(raw, &doc) // what fits is taken
	v := Volume{Backend: rest.Clean(string(doc.Backend), longWord), LastCheckedAt: readTime(string(doc.LastChecked))}
	v.Status, v.Info = readStatus(doc.Status, doc.Info)
	return v
}

// readStatus is a volume's state with what is said of it.
func readStatus(status, info rest.Text) (volume.Status, string) {
	said, text := word(status), rest.Clean(string(info), longInfo)
	switch s := volume.Status(said); {
	case slices.Contains(volume.Statuses, s):
		return s, text
	case said == "":
		return volume.Unknown, cmp.Or(text, "the proxy names no state")
	default:
		return volume.Unknown, rest.Clean(strings.TrimSuffix(fmt.Sprintf("the proxy names a state that is not known, %q: %s", said, text), ": "), longInfo)
	}
}

// word is a text of one of the other side's enums.
func word(t rest.Text) string { return strings.ToLower(rest.Clean(string(t), longWord)) }

// readTime is nil for what is no time, or one that cannot be meant.
func readTime(s string) *time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err != nil || t.Year() < 1971 || t.Year() > 9998 {
		return nil
	}
	return &t
}

// readVolumes reads the answer of /volumes.
func readVolumes(reply *rest.Answer) (list, error) {
	var doc struct {
		Volumes *[]json.RawMessage `json:"volumes"`
	}
	if err := reply.Decode(&doc); err != nil {
		return list{}, err
	}
	if doc.Volumes == nil {
		return list{}, rest.Nonsense("the answer lists no volumes")
	}
	var l list
	for _, raw := range *doc.Volumes {
		var v struct {
			Name    rest.Text `json:"name"`
			Backend rest.Text `json:"backend"`
		}
		_ = json.Unmarshal(raw, &v) // one without a name is left out
		l.add(string(v.Name), func() Volume {
			return Volume{Backend: rest.Clean(string(v.Backend), longWord), Status: volume.Unknown, Info: "not asked yet"}
		})
	}
	l.sort()
	return l, nil
}

// readHardware reads the answer of /volume/hwinfo.
func readHardware(reply *rest.Answer) (Volume, error) {
	var doc struct {
		Status rest.Text `json:"status"`
		Info   rest.Text `json:"status_info"`
	}
	if err := reply.Decode(&doc); err != nil {
		return Volume{}, err
	}
	var v Volume
	v.Status, v.Info = readStatus(doc.Status, doc.Info)
	return v, nil
}
