package enclosure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"storage_exporter/block"
	"storage_exporter/internal/hang"
	"storage_exporter/internal/outside"
)

// Reader reads the enclosures that the kernel knows. Reading the state of a slot
// costs SES commands, four a slot and path, so a Reader belongs into the
// background and remembers what does not change.
type Reader struct {
	sysfs  string
	system block.System
	read   func(path string) ([]byte, error) // readFile, but in tests
	guard  *hang.Guard                       // of the paths
	log    *slog.Logger

	// Owned by Read, which is never called by two at once.
	known    map[string]layout // by address
	answered map[string]bool   // the paths that answered last time
}

// layout is what an enclosure reports of its bays that does not change as long as it
// has the same bays.
type layout struct {
	of   string // whose bays they are
	bays []bay
}

// NewReader makes a Reader of a system. stuck is called for each path that begins to
// hang (+1) and for each that comes back (-1); it must be quick, and may be nil, as
// logger may.
func NewReader(system block.System, stuck func(delta int), logger *slog.Logger) *Reader {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Reader{
		sysfs: cmp.Or(system.Sys, "/sys"), system: system,
		read: readFile, guard: newGuard(stuck, logger), log: logger,
		known: make(map[string]layout), answered: make(map[string]bool),
	}
}

// Read lists the enclosures by id, with what a slot's files say now. A host
// without any has an empty list. It obeys ctx, which should have a deadline: a
// path that does not come back in time is left behind and not asked again until it
// does; the enclosure's other path is asked. An enclosure of which no path answers
// still has its slots and drives. An error means that nothing is known. It must not
// be called by two at once.
func (r *Reader) Read(ctx context.Context) ([]Enclosure, error) {
	class := filepath.Join(r.sysfs, "class")
	entries, err := readDir(filepath.Join(class, "enclosure"), maxPaths)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !outside.Exists(class):
		return nil, fmt.Errorf("%s is no sysfs, see --path.sysfs: %w", r.sysfs, err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("list enclosures: %w", err)
	case len(entries) == 0:
		clear(r.known)
		return []Enclosure{}, nil
	}
	all := r.system.Disks()
	var paths []*path
	known := make(map[string]layout, len(entries))
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p, err := r.readPath(e.Name())
		if err != nil {
			r.log.Debug("enclosure not read", "path", e.Name(), "err", err)
			continue // unplugged meanwhile, most likely; the others go on
		}
		known[p.address] = layout{p.layoutKey(), p.bays}
		r.match(p, all)
		paths = append(paths, p)
	}
	r.known = known
	groups := gather(paths)
	r.ask(ctx, groups)
	return describe(groups, all), nil
}

// path is one way to an enclosure: an SES device.
type path struct {
	address                                   string // as in 0:0:10:0
	dir                                       string
	id, wwn, vendor, model, revision, devices string
	bays                                      []bay
	// drives are those in the bays, by label.
	drives map[string]occupant
}

// bay is a slot as one path shows it.
type bay struct {
	component string // its directory
	name      string
	number    *int
	label     string // unique on the path
}

// occupant is what the kernel has matched with a bay.
type occupant struct {
	names      []string // of its disks, by this path; mostly one
	identity   block.Identity
	sasAddress string
}

// layoutKey changes when another enclosure stands at the path's address, or when its bays
// change.
func (p *path) layoutKey() string { return p.id + "\x00" + p.devices }

func (r *Reader) readPath(address string) (*path, error) {
	dir := filepath.Join(r.sysfs, "class/enclosure", address)
	entries, err := readDir(dir, maxBays)
	if err != nil {
		return nil, err
	}
	device := filepath.Join(dir, "device")
	p := &path{
		address: address, dir: dir, id: parseID(r.text(dir, "id")),
		vendor: clean(r.text(device, "vendor")), model: clean(r.text(device, "model")), revision: clean(r.text(device, "rev")),
		drives: make(map[string]occupant),
	}
	if p.id == "" {
		for _, sg := range outside.List(filepath.Join(device, "scsi_generic"), maxNames) {
			p.wwn = cmp.Or(p.wwn, r.system.Identify(sg).WWN)
		}
	}
	var components []string
	for _, e := range entries {
		if e.IsDir() && outside.Exists(filepath.Join(dir, e.Name(), "status")) {
			components = append(components, e.Name())
		}
	}
	p.devices = strings.Join(components, "\x00")
	if l, ok := r.known[address]; ok && l.of == p.layoutKey() {
		p.bays = l.bays
		return p, nil
	}
	for _, c := range components {
		if b, ok := r.readBay(dir, c); ok {
			p.bays = append(p.bays, b)
		}
	}
	label(p.bays)
	return p, nil
}

// readBay reads what does not change. It is false for what is no slot: the kernel
// shows slots only, of these two types.
func (r *Reader) readBay(dir, component string) (bay, bool) {
	dir = filepath.Join(dir, component)
	if raw, err := r.read(filepath.Join(dir, "type")); err == nil {
		if t := clean(raw); t != "device" && t != "array device" {
			return bay{}, false
		}
	}
	return bay{component: component, name: clean([]byte(component)), number: parseNumber(r.text(dir, "slot"))}, true
}

// text is a file's content, nil if it cannot be read.
func (r *Reader) text(dir, name string) []byte {
	b, err := r.read(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	return b
}

// match finds the drives in a path's bays: by the link from the bay, else by the
// one from the drive. The kernel has no SAS address of a bay, so there is nothing
// else to go by.
func (r *Reader) match(p *path, all block.Disks) {
	back := make(map[string][]string) // by component
	for name, d := range all {
		if d.Bay.Enclosure == p.address {
			back[d.Bay.Component] = append(back[d.Bay.Component], name)
		}
	}
	for _, b := range p.bays {
		device := filepath.Join(p.dir, b.component, "device")
		linked := outside.Exists(device)
		names := back[b.component]
		if linked {
			names = append(names, outside.List(filepath.Join(device, "block"), maxNames)...)
		}
		if !linked && len(names) == 0 {
			continue
		}
		p.drives[b.label] = r.occupant(device, names, all)
	}
}

func (r *Reader) occupant(device string, names []string, all block.Disks) occupant {
	var o occupant
	o.names = sorted(names)
	for _, name := range o.names {
		if d := all[name]; d != nil && !o.identity.Known() {
			o.identity, o.sasAddress = d.Identity, d.SASAddress
		}
	}
	if !o.identity.Known() { // no disk was made of it
		for _, sg := range outside.List(filepath.Join(device, "scsi_generic"), maxNames) {
			o.identity = r.system.Identify(sg)
		}
	}
	o.sasAddress = cmp.Or(o.sasAddress, parseID(r.text(device, "sas_address")))
	return o
}
