package zpool

import (
	"cmp"
	"fmt"
	"time"

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
			ID: guid(n.get("guid").str()), Name: cmp.Or(n.get("name").str(), outside.Text(key)), Type: n.get("vdev_type").str(),
			Role: parent.Role, Parent: parent.Name, Top: parent.Top,
			Path: cmp.Or(n.get("path").str(), n.get("was").str()), PhysPath: n.get("phys_path").str(), DevID: n.get("devid").str(),
			State: n.get("state").str(), Note: n.get("aux").str(), NotPresent: notPresent(n.get("not_present")),
			ReadErrors: n.get("read_errors").count(), WriteErrors: n.get("write_errors").count(),
			ChecksumErrors: n.get("checksum_errors").count(), SlowIOs: n.get("slow_ios").count(),
		}
		if v.Parent == "" {
			v.Top = v.Name
			if role := roleOf[n.get("class").str()]; role != "" && v.Role == Data {
				v.Role = role // it stands among those for data
			}
		}
		inner := n.get("vdevs")
		v.Leaf = len(inner.items) == 0 && !isGroup(v.Type)
		p.Vdevs = append(p.Vdevs, v)
		return r.children(p, inner, v)
	})
}

func notPresent(n node) bool {
	count := n.count()
	return count != nil && *count != 0 || n.str() == "true"
}

func jsonScan(n node) *Scan {
	s := Scan{
		StartTime: jsonTime(n.get("start_time")), EndTime: jsonTime(n.get("end_time")),
		ToExamine: n.get("to_examine").count(), Examined: n.get("examined").count(), Issued: n.get("issued").count(),
		Processed: n.get("processed").count(), Errors: n.get("errors").count(),
	}
	switch n.get("function").str() {
	case "SCRUB":
		s.Function = Scrub
	case "RESILVER", "REBUILD":
		s.Function = Resilver
	case "ERRORSCRUB":
		s.Function = ErrorScrub
	default:
		return nil
	}
	switch n.get("state").str() {
	case "SCANNING", "ERRORSCRUBBING", "ACTIVE":
		s.State = Scanning
		if !jsonTime(n.get("scrub_pause")).IsZero() || !jsonTime(n.get("pass_scrub_pause")).IsZero() {
			s.State = Paused
		}
		s.EndTime = time.Time{} // of the scan before
		s.Done = done(s.Issued, s.ToExamine, n.get("skipped").count())
	case "FINISHED", "COMPLETE":
		s.State = Finished
	case "CANCELED":
		s.State = Canceled
	default:
		return nil
	}
	return &s
}

// done is the share that zpool's own text shows: of what is to be examined, what
// was skipped needs no reading.
func done(issued, toExamine, skipped *uint64) *float64 {
	if issued == nil || toExamine == nil {
		return nil
	}
	total := *toExamine
	if skipped != nil {
		total -= min(total, *skipped)
	}
	if total == 0 {
		return nil
	}
	// What is written meanwhile is read as well: the figures may pass the total.
	ratio := min(float64(*issued)/float64(total), 1)
	return &ratio
}

// jsonTime reads Unix seconds or, without --json-int, a date. Zero: none.
func jsonTime(n node) time.Time {
	seconds := n.count()
	if seconds == nil {
		return textTime(n.str())
	}
	if *seconds == 0 || *seconds > maxSeconds {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), 0).UTC()
}

// maxSeconds is the end of the year 9999: later times cannot be encoded.
const maxSeconds = 253402300799

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
