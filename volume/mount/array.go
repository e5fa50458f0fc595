package mount

import (
	"fmt"

	"storage_exporter/block"
)

// lacks says what is wrong with the software RAIDs that a device is, or lies on.
func lacks(arrays []block.Array) []string {
	var wrong []string
	for _, a := range arrays {
		text := fmt.Sprintf("RAID %s lacks %d of its disks", clean(a.Name), a.Lacks)
		if a.Disks > 0 {
			text = fmt.Sprintf("RAID %s lacks %d of its %d disks", clean(a.Name), a.Lacks, a.Disks)
		}
		if a.Rebuilding {
			text += ", a rebuild is under way"
		}
		wrong = append(wrong, text)
	}
	return wrong
}
