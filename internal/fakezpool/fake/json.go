package fake

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// JSON is what `zpool status -j --json-int -P -p -s` prints.
func JSON(pools []Pool) string {
	all := object{}
	for _, p := range pools {
		all = append(all, member{p.Name, p.json()})
	}
	doc := object{
		{"output_version", object{{"command", "zpool status"}, {"vers_major", 0}, {"vers_minor", 1}}},
		{"pools", all},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		panic(err) // texts and numbers
	}
	return b.String()
}

func (p Pool) json() object {
	o := object{
		{"name", p.Name}, {"state", p.State}, {"pool_guid", json.Number(p.GUID)}, {"txg", 4711},
		{"spa_version", 5000}, {"zpl_version", 5},
	}
	if p.Status != "" {
		o = append(o, member{"status", p.Status}, member{"action", p.Action})
	}
	if p.Scan != nil || p.ErrorScrub != nil || len(p.Rebuilds) > 0 {
		o = append(o, member{"scan_stats", p.scans()})
	}
	root := Vdev{Name: p.Name, GUID: p.GUID, Type: "root", State: p.State, Children: p.Vdevs}
	o = append(o, member{"vdevs", object{{p.Name, root.json("normal")}}})
	for _, s := range []struct {
		key, class string
		vdevs      []Vdev
	}{{"dedup", "dedup", p.Dedup}, {"special", "special", p.Special}, {"logs", "log", p.Logs}, {"l2cache", "l2cache", p.Cache}, {"spares", "spare", p.Spares}} {
		if len(s.vdevs) > 0 {
			o = append(o, member{s.key, vdevsJSON(s.vdevs, s.class)})
		}
	}
	return append(o, member{"error_count", p.Errors})
}

func (p Pool) scans() object {
	o := object{}
	if s := p.Scan; s != nil {
		o = append(o, member{"function", s.Function}, member{"state", s.State}, member{"start_time", s.Start}, member{"end_time", s.End},
			member{"to_examine", s.ToExamine}, member{"examined", s.Examined}, member{"skipped", s.Skipped}, member{"processed", s.Repaired},
			member{"errors", s.Errors}, member{"bytes_per_scan", 0}, member{"pass_start", s.Start}, member{"scrub_pause", s.Pause}, member{"issued", s.Issued})
	}
	if s := p.ErrorScrub; s != nil {
		state := s.State
		if state == "SCANNING" {
			state = "ERRORSCRUBBING"
		}
		o = append(o, member{"err_scrub_func", "ERRORSCRUB"}, member{"err_scrub_state", state}, member{"err_scrub_start_time", s.Start},
			member{"err_scrub_end_time", s.End}, member{"err_scrub_examined", s.Examined}, member{"err_scrub_to_examine", s.ToExamine}, member{"err_scrub_pause", s.Pause})
	}
	rebuilds := object{}
	for _, r := range p.Rebuilds {
		rebuilds = append(rebuilds, member{r.Vdev, object{
			{"name", r.Vdev}, {"state", r.State}, {"start_time", r.Start}, {"end_time", r.End}, {"scan_time", (r.End - r.Start) * 1000},
			{"scanned", r.Examined}, {"issued", r.Issued}, {"rebuilt", r.Repaired}, {"to_scan", r.ToExamine}, {"errors", r.Errors}, {"pass_skipped", r.Skipped},
		}})
	}
	if len(rebuilds) > 0 {
		o = append(o, member{"rebuild_stats", rebuilds})
	}
	return o
}

// aux are the codes of the text form's remarks.
var aux = map[string]string{"too many errors": "ERR_EXCEEDED", "cannot open": "OPEN_FAILED", "external device fault": "EXTERNAL"}

func vdevsJSON(vdevs []Vdev, class string) object {
	o := object{}
	for _, v := range vdevs {
		o = append(o, member{v.printed(), v.json(class)})
	}
	return o
}

// printed is the name in the table.
func (v Vdev) printed() string {
	if v.Was != "" {
		return v.GUID
	}
	return v.Name
}

func (v Vdev) json(class string) object {
	o := object{{"name", v.printed()}, {"vdev_type", v.Type}, {"guid", json.Number(v.GUID)}}
	if v.Type == "disk" || v.Type == "file" {
		o = append(o, member{"path", v.Name})
	}
	if v.DevID != "" {
		o = append(o, member{"devid", v.DevID})
	}
	if v.PhysPath != "" {
		o = append(o, member{"phys_path", v.PhysPath})
	}
	state := v.State
	if state == "UNAVAIL" {
		state = "CANT_OPEN"
	}
	o = append(o, member{"class", class}, member{"state", state})
	if state != "AVAIL" && state != "INUSE" {
		o = append(o, member{"alloc_space", 123456789}, member{"read_errors", v.Read}, member{"write_errors", v.Write},
			member{"checksum_errors", v.Cksum})
		if len(v.Children) == 0 {
			o = append(o, member{"slow_ios", v.Slow})
		}
	}
	if code, ok := aux[v.Note]; ok {
		o = append(o, member{"aux", code})
	}
	if v.Note == "(resilvering)" {
		o = append(o, member{"scan_processed", 4096})
	}
	if v.Was != "" {
		o = append(o, member{"not_present", 1}, member{"was", v.Was})
	}
	if len(v.Children) > 0 {
		o = append(o, member{"vdevs", vdevsJSON(v.Children, class)})
	}
	return o
}
