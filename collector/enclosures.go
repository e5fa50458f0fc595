package collector

import (
	"context"
	"strconv"
	"sync/atomic"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
)

// enclosureCollector shows the enclosures of drives and their slots.
type enclosureCollector struct {
	enclosures enclosureList
	drives     func() *smart.Lookup
	all        enclosureFamilies
	last       atomic.Pointer[labelled]
}

// enclosureList is the observed enclosures, as *enclosure.Enclosures has them.
type enclosureList interface {
	Get(ctx context.Context) (cache.Snapshot[[]enclosure.Enclosure], error)
}

// labelled is a snapshot with the labels of the drives in its slots. It never changes.
type labelled struct {
	revision uint64
	lookup   *smart.Lookup
	labels   [][][]string // by enclosure and slot; several for a drive of several units
}

// NewEnclosures makes the collector of the enclosures; its name is "enclosures".
// drives finds the monitored drives, whose labels the slots have; it must not block,
// and has a nil Lookup where no drives are monitored.
func NewEnclosures(enclosures *enclosure.Enclosures, drives func() *smart.Lookup) *exposition.Collector {
	return exposition.NewCollector(newEnclosureCollector(enclosures, drives))
}

func newEnclosureCollector(enclosures enclosureList, drives func() *smart.Lookup) *enclosureCollector {
	return &enclosureCollector{enclosures: enclosures, drives: drives, all: newEnclosureFamilies()}
}

func (c *enclosureCollector) Name() string { return "enclosures" }

func (c *enclosureCollector) Families() exposition.Families { return c.all.list }

// Read also fails where an enclosure has slots but reports nothing of them on any path.
func (c *enclosureCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	snap, err := c.enclosures.Get(ctx)
	if err != nil {
		return nil, false
	}
	list := *snap.Value
	l := c.label(list, snap.Revision)
	parts := make([]exposition.Part, len(list))
	ok := true
	for i := range list {
		e := &list[i]
		parts[i] = exposition.Part{ID: "enclosure " + e.ID, Version: l, Emit: func(s exposition.Sink) { c.all.emit(s, e, l.labels[i]) }}
		ok = ok && (e.AnsweredBy != "" || len(e.Slots) == 0)
	}
	return parts, ok
}

// label finds the labels of the drives in the slots, once for each snapshot and
// lookup.
func (c *enclosureCollector) label(list []enclosure.Enclosure, revision uint64) *labelled {
	lookup := c.drives()
	if l := c.last.Load(); l != nil && l.revision == revision && l.lookup == lookup {
		return l
	}
	l := &labelled{revision: revision, lookup: lookup, labels: make([][][]string, len(list))}
	var seen []smart.Sighting
	for i := range list {
		for j := range list[i].Slots {
			s := &list[i].Slots[j]
			seen = append(seen, smart.Sighting{Names: s.Names(), WWN: s.WWN, Serial: s.Serial})
		}
	}
	placed := lookup.Place(seen)
	for i := range list {
		for j := range list[i].Slots {
			var labels []string
			for _, drive := range placed[j] {
				labels = append(labels, lookup.Label(drive))
			}
			if labels == nil {
				labels = []string{lookup.Unmonitored(list[i].Slots[j].Device)}
			}
			l.labels[i] = append(l.labels[i], labels)
		}
		placed = placed[len(list[i].Slots):]
	}
	c.last.Store(l)
	return l
}

// enclosureFamilies are the families of the enclosures.
type enclosureFamilies struct {
	list exposition.Families // all of them

	info, slotInfo, populated, fault, locate, status *exposition.Family
}

func newEnclosureFamilies() enclosureFamilies {
	var all exposition.Families
	f := enclosureFamilies{
		info: all.Gauge("jbod_enclosure_info",
			"Always 1: an enclosure of drives by its logical id, with the number of its slots, however many paths lead to it.",
			"enclosure", "vendor", "model", "revision", "slots"),
		slotInfo: all.Gauge("jbod_slot_info",
			"Always 1: a slot with a drive in it, as last observed in the background; device is the same as in the drive's own series, and empty where the kernel made no disk of the drive.",
			"enclosure", "slot", "device", "serial_number", "wwn"),
		populated: all.Gauge("jbod_slot_populated",
			"Whether there is a drive in the slot (1) or not (0); absent where the enclosure does not report it.", "enclosure", "slot"),
		fault: all.Gauge("jbod_slot_fault",
			"Whether the enclosure senses a fault in the slot, or the host asked for its fault light (1), or neither (0), at the last background observation.", "enclosure", "slot"),
		locate: all.Gauge("jbod_slot_locate",
			"Whether the light that shows where the slot is is on (1) or off (0), at the last background observation.", "enclosure", "slot"),
		status: all.Gauge("jbod_slot_status",
			"Always 1: the slot's SES element status at the last background observation, in the kernel's words (unsupported, OK, critical, non-critical, unrecoverable, not installed, unknown, unavailable).",
			"enclosure", "slot", "status"),
	}
	f.list = all
	return f
}

// emit sends an enclosure's series; labels are those of the drives in its slots.
func (f *enclosureFamilies) emit(s exposition.Sink, e *enclosure.Enclosure, labels [][]string) {
	s.Add(f.info, 1, e.ID, e.Vendor, e.Model, e.Revision, strconv.Itoa(len(e.Slots)))
	for i := range e.Slots {
		slot := &e.Slots[i]
		if slot.Populated != nil {
			if *slot.Populated {
				for _, device := range labels[i] {
					s.Add(f.slotInfo, 1, e.ID, slot.Slot, device, slot.Serial, slot.WWN)
				}
			}
			s.Add(f.populated, boolValue(*slot.Populated), e.ID, slot.Slot)
		}
		if slot.Fault != nil {
			s.Add(f.fault, boolValue(*slot.Fault), e.ID, slot.Slot)
		}
		if slot.Locate != nil {
			s.Add(f.locate, boolValue(*slot.Locate), e.ID, slot.Slot)
		}
		if slot.Status != "" {
			s.Add(f.status, 1, e.ID, slot.Slot, string(slot.Status))
		}
	}
}
