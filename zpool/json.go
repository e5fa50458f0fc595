package zpool

import (
	"cmp"
	"fmt"
	"strings"

	"storage_exporter/internal/outside"
)

const (
	maxPools = 256
	maxVdevs = 16384 // of all pools
)

// parseJSON reads what `zpool status -j` prints, with numbers or with what -j
// alone makes of them. The document is hostile.
func parseJSON(b []byte) ([]Pool, error) {
	root, err := parseTree(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOutput, err)
	}
	found := root.get("pools")
	if found.items == nil && root.get("output_version").items == nil {
		return nil, fmt.Errorf("%w: neither a version nor pools", ErrBadOutput)
	}
	r := jsonReader{}
	pools := []Pool{}
	err = found.members(func(name string, n node) error {
		if len(pools) == maxPools {
			return fmt.Errorf("%w: more than %d pools", ErrBadOutput, maxPools)
		}
		p, err := r.pool(name, n)
		pools = append(pools, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return normalize(pools)
}

// jsonReader counts the vdevs of all pools.
type jsonReader struct{ vdevs int }

// jsonSections are where a pool's vdevs stand beside those for data.
var jsonSections = []string{"dedup", "special", "logs", "l2cache", "spares"}

func (r *jsonReader) pool(name string, n node) (Pool, error) {
	p := Pool{
		Name: cmp.Or(n.get("name").str(), outside.Text(name)), GUID: cmp.Or(n.get("pool_guid").str(), n.get("guid").str()),
		State: n.get("state").str(), Status: n.get("status").str(), Action: n.get("action").str(),
		Scan: jsonScan(n.get("scan_stats")), DataErrors: n.get("error_count").count(),
	}
	err := n.get("vdevs").members(func(_ string, root node) error {
		return r.children(&p, root.get("vdevs"), Vdev{Role: Data})
	})
	for _, key := range jsonSections {
		if err == nil {
			err = r.children(&p, n.get(key), Vdev{Role: roleOf[key]})
		}
	}
	return p, err
}

// children adds the vdevs of a group, which is the zero one but for its role at
// the top level.
func (r *jsonReader) children(p *Pool, group node, parent Vdev) error {
	return group.members(func(key string, n node) error {
		if r.vdevs++; r.vdevs > maxVdevs {
			return fmt.Errorf("%w: more than %d vdevs", ErrBadOutput, maxVdevs)
		}
		v := Vdev{
			ID: guid(n.get("guid").str()), Name: cmp.Or(n.get("name").str(), outside.Text(key)),
			Role: parent.Role, Parent: parent.Name, Top: parent.Top,
			Path: cmp.Or(n.get("path").str(), n.get("was").str()), PhysPath: n.get("phys_path").str(), DevID: n.get("devid").str(),
			State: n.get("state").str(), NotPresent: notPresent(n.get("not_present")),
			ReadErrors: n.get("read_errors").count(), WriteErrors: n.get("write_errors").count(),
			ChecksumErrors: n.get("checksum_errors").count(), SlowIOs: n.get("slow_ios").count(),
		}
		v.Type = cmp.Or(n.get("vdev_type").str(), groupType(v.Name)) // some versions leave it out of a draid
		if v.Parent == "" {
			v.Top = v.Name
			if role := roleOf[n.get("class").str()]; role != "" && v.Role == Data {
				v.Role = role // it stands among those for data
			}
		}
		inner := n.get("vdevs")
		v.Leaf = len(inner.items) == 0 && !isGroup(v.Type)
		v.Note = remark(&v, n, p.Scan)
		p.Vdevs = append(p.Vdevs, v)
		return r.children(p, inner, v)
	})
}

// remarks are what zpool's text has for the codes of the JSON.
var remarks = map[string]string{
	"OPEN_FAILED": "cannot open", "BAD_GUID_SUM": "missing device", "NO_REPLICAS": "insufficient replicas", "VERSION_NEWER": "newer version",
	"UNSUP_FEAT": "unsupported feature(s)", "ASHIFT_TOO_BIG": "unsupported minimum blocksize", "SPARED": "currently in use", "ERR_EXCEEDED": "too many errors",
	"IO_FAILURE": "experienced I/O failures", "BAD_LOG": "bad intent log", "EXTERNAL": "external device fault", "SPLIT_POOL": "split into new pool",
	"ACTIVE": "currently in use", "CHILDREN_OFFLINE": "all children offline", "BAD_LABEL": "invalid label", "CORRUPT_DATA": "corrupted data",
}

// remark is what zpool's text has behind a vdev.
func remark(v *Vdev, n node, scan *Scan) string {
	code := n.get("aux").str()
	note := cmp.Or(remarks[code], code)
	if v.NotPresent && v.Path != "" {
		note = "was " + v.Path
	}
	if !v.Leaf || scan == nil || scan.State != Scanning {
		return note
	}
	for _, key := range []string{"scan_processed", "rebuild_processed"} {
		if bytes := n.get(key).count(); bytes != nil && *bytes > 0 {
			doing := "(resilvering)"
			if scan.Function == Scrub {
				doing = "(repairing)"
			}
			return strings.TrimSpace(note + " " + doing)
		}
	}
	return note
}

func notPresent(n node) bool {
	count := n.count()
	return count != nil && *count != 0 || n.str() == "true"
}

// guid is a guid in decimal, empty for anything else.
func guid(s string) string {
	if n := parseCount(s); n == nil || *n == 0 || !digits(s) {
		return ""
	}
	return s
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
