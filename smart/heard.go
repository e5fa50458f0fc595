package smart

import "storage_exporter/block"

// said is what a device's last report says of it.
type said struct {
	identity block.Identity
	label    string         // the drive's own
	stood    block.Identity // who stood under the name by the system's account
}

// heard takes what a drive's report says of it: its own label, from the first one,
// and who it is. So two devices may turn out to be one drive: a RAID controller's
// member that the kernel has as a disk, too.
func (ds *Drives) heard(d *Drive, r *Report) {
	told := r.Identity()
	before, settled := d.heard()
	if r.NotRead || settled && told == before {
		return
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed || ds.byKey[d.Key] != d {
		return
	}
	label := d.label // changed with ds.mu held only
	if !settled || another(before.WWN, told.WWN) || another(before.Serial, told.Serial) {
		label = d.Device.AnswerLabel(r.Device.Type)
		if owner := ds.labels[label]; owner != nil && owner != d {
			label = d.Key
		}
		delete(ds.labels, d.label)
		ds.labels[label] = d
		d.tally.rename(label)
	}
	d.hear(told, label)
	ds.reports[d.Key] = said{told, label, d.Device.Identity}
	ds.index.Store(nil)
	owner := ds.whose[told.Key()]
	switch {
	case before.Key() != "" && before.Key() != told.Key(),
		owner != nil && owner != d && (owner.Device.Identity.Key() == "" || d.Device.Identity.Key() == ""):
		ds.arrange()
	case owner == nil && told.Key() != "":
		ds.whose[told.Key()] = d
	}
}

// Identity is who the drive is by its own account.
func (r *Report) Identity() block.Identity {
	return block.Identity{WWN: r.WWN, Model: r.ModelName, Serial: r.SerialNumber}
}

// another says that two names are known and differ.
func another(a, b string) bool { return a != "" && b != "" && a != b }

func (d *Drive) heard() (told block.Identity, settled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, d.settled
}

func (d *Drive) hear(told block.Identity, label string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told, d.label, d.settled = told, label, true
}
