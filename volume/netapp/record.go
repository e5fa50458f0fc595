package netapp

import (
	"strings"

	"storage_exporter/volume/rest"
)

// record is a volume in ONTAP's list, or a member of a FlexGroup.
type record struct {
	Name, UUID, State, Style, Type rest.Text

	SVM        struct{ Name, UUID rest.Text }
	FlexGroup  struct{ UUID rest.Text } // of a member
	Status     []rest.Text              // sentences; absent when there is nothing to say
	NAS        struct{ Path rest.Text }
	Space      struct{ Size, Available, Used rest.Int } // bytes
	Files      struct{ Maximum, Used rest.Int }
	ErrorState struct {
		HasBadBlocks   rest.Flag `json:"has_bad_blocks"`
		IsInconsistent rest.Flag `json:"is_inconsistent"`
	} `json:"error_state"`
	Metric     metric
	Statistics statistics

	answer *rest.Answer // without its body: whose clock the times are by
}

const (
	styleFlexGroup = "flexgroup"
	styleMember    = "flexgroup_constituent"
)

func (v *record) is(style string) bool { return strings.EqualFold(v.Style.String(), style) }

// metric is the mean of the last 15 seconds, in whole numbers.
type metric struct {
	Timestamp  rest.Time // the end
	Status     rest.Text
	IOPS       struct{ Read, Write rest.Float } // per second
	Throughput struct{ Read, Write rest.Float } // bytes per second
	Latency    struct{ Read, Write rest.Float } // microseconds
}

// statistics are counters.
type statistics struct {
	Timestamp  rest.Time // may be absent on some builds
	Status     rest.Text
	IOPS       struct{ Read, Write rest.Int } `json:"iops_raw"`
	Throughput struct{ Read, Write rest.Int } `json:"throughput_raw"` // bytes
	Latency    struct{ Read, Write rest.Int } `json:"latency_raw"`    // microseconds, summed over the operations
}

// node is one of the cluster's.
type node struct {
	Name, State rest.Text
}

// about is what the cluster is.
type about struct {
	Name    rest.Text
	Version struct{ Full rest.Text }
}

// page is a part of a list. A page without records may have a next one.
type page[T any] struct {
	Records []T `json:"records"`
	Links   struct {
		Next struct{ Href rest.Text }
	} `json:"_links"`
}

// decode reads a page.
func decode[T any](a *rest.Answer) (page[T], error) {
	var p page[T]
	if err := a.Decode(&p); err != nil {
		return p, err
	}
	if p.Records == nil && p.Links.Next.Href == "" {
		return p, rest.Nonsense("ONTAP's answer has no records: check the endpoint")
	}
	return p, nil
}
