package smart

import (
	"storage_exporter/block"
	"storage_exporter/smart/report"
)

// said is what a device's last report says of it.
type said struct {
	identity block.Identity
	label    string         // the drive's own
	stood    block.Identity // who stood under the name by the system's account
}

// identify takes what a drive's report says of it: who it is, and its own label from
// the first report. Two devices may so turn out to be one drive, such as a RAID
// controller's member that is also a disk of the kernel.
func (ds *Drives) identify(d *Drive, r *report.Report) {
	reported := r.Identity()
	before, labelled := d.identity()
	if r.NotRead || labelled && reported == before {
		return
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed || ds.byKey[d.Key] != d {
		return
	}
	label := d.label // changed with ds.mu held only
	other := another(before.WWN, reported.WWN) || another(before.Serial, reported.Serial)
	if !labelled || other {
		label = d.Device.AnswerLabel(r.Device.Type)
		if owner := ds.labels[label]; owner != nil && owner != d {
			label = d.Key
		}
		delete(ds.labels, d.label)
		ds.labels[label] = d
	}
	d.setIdentity(reported, label, other)
	ds.reports[d.Key] = said{reported, label, d.Device.Identity}
	ds.index.Store(nil)
	owner := ds.whose[reported.Key()]
	switch {
	case before.Key() != "" && before.Key() != reported.Key(),
		owner != nil && owner != d && (owner.Device.Identity.Key() == "" || d.Device.Identity.Key() == ""):
		ds.arrange()
	case owner == nil && reported.Key() != "":
		ds.whose[reported.Key()] = d
	}
}

// another says that two names are known and differ.
func another(a, b string) bool { return a != "" && b != "" && a != b }

func (d *Drive) identity() (reported block.Identity, labelled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reported, d.labelled
}

// setIdentity takes what a report says; other says that another drive answers now.
func (d *Drive) setIdentity(reported block.Identity, label string, other bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reported, d.label, d.labelled = reported, label, true
	if !d.numbered || other {
		d.serial, d.numbered = reported.Serial, true
	}
}
