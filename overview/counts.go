package overview

import "storage_exporter/smart/assess"

// Counts add up what an overview shows.
type Counts struct {
	// What is not known is nil.
	Drives  *DriveCounts  `json:"drives,omitempty"`
	Slots   *SlotCounts   `json:"slots,omitempty"`
	Pools   *PoolCounts   `json:"pools,omitempty"`
	Volumes *VolumeCounts `json:"volumes,omitempty"`
	Proxies *ProxyCounts  `json:"proxies,omitempty"`
}

// DriveCounts count the monitored drives: InSlots and Outside add up to Total,
// and so do the verdicts.
type DriveCounts struct {
	Total     int                    `json:"total"`
	InSlots   int                    `json:"in_slots"`
	Outside   int                    `json:"outside"`
	ByVerdict map[assess.Verdict]int `json:"by_assessment"` // all verdicts
	// NotMonitored are those that only the enclosure knows, beside Total.
	NotMonitored int `json:"not_monitored"`
}

// SlotCounts count the slots. A slot that is neither populated nor empty is one of
// which that is not known.
type SlotCounts struct {
	Total     int `json:"total"`
	Populated int `json:"populated"`
	Empty     int `json:"empty"`
	Fault     int `json:"fault"`
}

// PoolCounts count the pools.
type PoolCounts struct {
	Total   int            `json:"total"`
	ByState map[string]int `json:"by_state"`
}

// Count counts what the overview shows.
func (o *Overview) Count() Counts {
	c := Counts{Drives: o.countDrives(), Volumes: countVolumes(o.Volumes), Proxies: countProxies(o.Proxies)}
	if o.Enclosures != nil {
		c.Slots = new(SlotCounts)
	}
	for i := range o.Enclosures {
		for j := range o.Enclosures[i].Slots {
			c.Slots.add(&o.Enclosures[i].Slots[j])
		}
	}
	if o.Pools != nil {
		c.Pools = &PoolCounts{Total: len(o.Pools), ByState: make(map[string]int)}
		for i := range o.Pools {
			c.Pools.ByState[o.Pools[i].State]++
		}
	}
	return c
}

func (o *Overview) countDrives() *DriveCounts {
	if o.Outside == nil {
		return nil
	}
	c := &DriveCounts{Outside: len(o.Outside), ByVerdict: make(map[assess.Verdict]int, len(assess.Verdicts))}
	for _, v := range assess.Verdicts {
		c.ByVerdict[v] = 0
	}
	for d := range o.Each {
		if d.NotMonitored {
			c.NotMonitored++
			continue
		}
		c.Total++
		c.ByVerdict[d.Assessment.Verdict]++
	}
	c.InSlots = c.Total - c.Outside
	return c
}

func (c *SlotCounts) add(s *Slot) {
	c.Total++
	switch {
	case s.Populated == nil:
	case *s.Populated:
		c.Populated++
	default:
		c.Empty++
	}
	if s.Fault != nil && *s.Fault {
		c.Fault++
	}
}

// Each yields all drives of the overview, those in slots first.
func (o *Overview) Each(yield func(*Drive) bool) {
	all := func(drives []Drive) bool {
		for i := range drives {
			if !yield(&drives[i]) {
				return false
			}
		}
		return true
	}
	for i := range o.Enclosures {
		for j := range o.Enclosures[i].Slots {
			s := &o.Enclosures[i].Slots[j]
			if s.Drive != nil && !yield(s.Drive) || !all(s.More) {
				return
			}
		}
	}
	all(o.Outside)
}
