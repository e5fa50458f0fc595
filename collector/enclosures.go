package collector

import (
	"context"
	"strconv"
	"strings"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/enclosure"
)

// enclosureCollector shows the shelves of drives and their slots.
type enclosureCollector struct {
	enclosures enclosureList
	device     func(devices []string) string
	all        enclosureFamilies
}

// enclosureList is the observed shelves, as *enclosure.Enclosures has them.
type enclosureList interface {
	Get(ctx context.Context) (cache.Snapshot[[]enclosure.Enclosure], error)
}

// NewEnclosures makes the collector of the enclosures; its name is "enclosures".
// device, if not nil, is the label that the smart collector gives to the drive that
// has these kernel names, empty if it has none; so a slot can be joined with its
// drive where the drive is monitored under another name. It must not block.
func NewEnclosures(enclosures *enclosure.Enclosures, device func(devices []string) string) *exposition.Collector {
	return exposition.NewCollector(newEnclosureCollector(enclosures, device))
}

func newEnclosureCollector(enclosures enclosureList, device func(devices []string) string) *enclosureCollector {
	return &enclosureCollector{enclosures: enclosures, device: device, all: newEnclosureFamilies()}
}

func (c *enclosureCollector) Name() string { return "enclosures" }

func (c *enclosureCollector) Families() exposition.Families { return c.all.list }

// read fails too where a shelf has slots but told nothing of them on any path.
func (c *enclosureCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	snap, err := c.enclosures.Get(ctx)
	if err != nil {
		return nil, false
	}
	list := *snap.Value
	parts := make([]exposition.Part, len(list))
	ok := true
	for i := range list {
		parts[i] = c.part(&list[i], snap.Revision)
		ok = ok && (list[i].AnsweredBy != "" || len(list[i].Slots) == 0)
	}
	return parts, ok
}

func (c *enclosureCollector) part(e *enclosure.Enclosure, revision uint64) exposition.Part {
	type version struct {
		revision uint64
		devices  string
	}
	devices := make([]string, len(e.Slots))
	for i := range e.Slots {
		devices[i] = c.label(&e.Slots[i])
	}
	return exposition.Part{
		ID:      "enclosure " + e.ID,
		Version: version{revision, strings.Join(devices, "/")}, // no slash is in a label
		Emit:    func(s exposition.Sink) { c.all.emit(s, e, devices) },
	}
}

// label is the drive's label in the smart collector's series, as far as it is known.
func (c *enclosureCollector) label(s *enclosure.Slot) string {
	if c.device != nil && len(s.Devices) > 0 {
		if label := c.device(s.Devices); label != "" {
			return label
		}
	}
	return s.Device
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
			"Always 1: a shelf of drives by its logical id, with the number of its slots, however many paths lead to it.",
			"enclosure", "vendor", "model", "revision", "slots"),
		slotInfo: all.Gauge("jbod_slot_info",
			"Always 1: a slot with a drive in it, as last observed in the background; device is the same as in the drive's own series, and empty where the kernel made no disk of the drive.",
			"enclosure", "slot", "device", "serial_number", "wwn"),
		populated: all.Gauge("jbod_slot_populated",
			"Whether there is a drive in the slot (1) or not (0); absent where the shelf does not tell.", "enclosure", "slot"),
		fault: all.Gauge("jbod_slot_fault",
			"Whether the shelf senses a fault in the slot, or the host asked for its fault light (1), or neither (0), at the last background observation.", "enclosure", "slot"),
		locate: all.Gauge("jbod_slot_locate",
			"Whether the light that shows where the slot is is on (1) or off (0), at the last background observation.", "enclosure", "slot"),
		status: all.Gauge("jbod_slot_status",
			"Always 1: the slot's SES element status at the last background observation, in the kernel's words (unsupported, OK, critical, non-critical, unrecoverable, not installed, unknown, unavailable).",
			"enclosure", "slot", "status"),
	}
	f.list = all
	return f
}

// emit sends a shelf's series; devices are the labels of the drives in its slots.
func (f *enclosureFamilies) emit(s exposition.Sink, e *enclosure.Enclosure, devices []string) {
	s.Add(f.info, 1, e.ID, e.Vendor, e.Model, e.Revision, strconv.Itoa(len(e.Slots)))
	for i := range e.Slots {
		slot := &e.Slots[i]
		if slot.Populated != nil {
			if *slot.Populated {
				s.Add(f.slotInfo, 1, e.ID, slot.Slot, devices[i], slot.Serial, slot.WWN)
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
