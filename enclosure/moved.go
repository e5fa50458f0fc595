package enclosure

// moved empties the slots that their enclosure says are not installed where another
// slot has the same drive: the kernel's link to a drive that was moved may still
// stand. Without another slot the link counts.
func moved(list []Enclosure) {
	claimed := make(map[string]bool)
	slots := func(visit func(*Slot)) {
		for i := range list {
			for j := range list[i].Slots {
				visit(&list[i].Slots[j])
			}
		}
	}
	slots(func(s *Slot) {
		if s.Status != NotInstalled {
			for _, key := range s.drive() {
				claimed[key] = true
			}
		}
	})
	slots(func(s *Slot) {
		for _, key := range s.drive() {
			if s.Status == NotInstalled && claimed[key] {
				s.empty()
			}
		}
	})
}

// drive is what no other drive than the slot's has: its names, and its WWN with the
// serial number, as cheap drives share a WWN.
func (s *Slot) drive() (keys []string) {
	if s.WWN != "" && s.Serial != "" {
		keys = append(keys, s.WWN+" "+s.Serial)
	}
	return append(keys, s.Devices...)
}

// empty takes the drive out of the slot.
func (s *Slot) empty() {
	s.Device, s.Devices, s.SASAddress, s.WWN, s.Model, s.Serial = "", nil, "", "", "", ""
	s.Populated = populated(false, s.Status)
}
