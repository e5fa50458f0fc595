package mount

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Bounds of the way from a device down to the arrays below it.
const (
	maxLayers = 8
	maxArrays = 64
)

// degradedArrays says what is wrong with the Linux software RAIDs (md) that a
// block device is, or lies on, through partitions, LVM, dm-crypt and the like. It
// reads sysfs only; a device that is no array, or has all its disks, is not told.
func (h *Host) degradedArrays(device blockDevice) []string {
	seen := make(map[string]bool)
	var told []string
	var walk func(dir string, layers int)
	walk = func(dir string, layers int) {
		name := filepath.Base(dir)
		if layers == 0 || seen[name] || len(seen) >= maxArrays {
			return
		}
		seen[name] = true
		if text := degradedArray(dir, name); text != "" {
			told = append(told, text)
		}
		below, err := filepath.Glob(filepath.Join(dir, "slaves", "*"))
		if err != nil {
			return
		}
		if _, err := readFile(filepath.Join(dir, "partition")); err == nil {
			below = append(below, filepath.Dir(dir)) // of a partition, the disk that it is on
		}
		for _, b := range below {
			if device, err := filepath.EvalSymlinks(b); err == nil {
				walk(device, layers-1)
			}
		}
	}
	if dir, err := filepath.EvalSymlinks(device.dir); err == nil {
		walk(dir, maxLayers)
	}
	return told
}

// degradedArray says how many disks an array lacks, and how far a rebuild is;
// empty for an array that has all, and for what is no array.
func degradedArray(dir, name string) string {
	number := func(file string) (int, bool) {
		content, err := readFile(filepath.Join(dir, "md", file))
		if err != nil {
			return 0, false
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(content)))
		return n, err == nil && n > 0
	}
	lacking, ok := number("degraded")
	if !ok {
		return ""
	}
	text := fmt.Sprintf("RAID %s lacks %d of its disks", clean(name), lacking)
	if all, ok := number("raid_disks"); ok {
		text = fmt.Sprintf("RAID %s lacks %d of its %d disks", clean(name), lacking, all)
	}
	if action, err := readFile(filepath.Join(dir, "md", "sync_action")); err == nil && strings.TrimSpace(string(action)) == "recover" {
		text += ", a rebuild is under way"
	}
	return text
}
