package config

import (
	"reflect"
	"strings"
)

// restartSections are read once, at the start.
var restartSections = []string{"node.", "cache.", "redis."}

// RestartNeeded names the keys that differ between two configurations and take
// effect with a restart only, sorted. It tells no values.
func RestartNeeded(from, to *Config) []string {
	before, after := fieldsOf(from, ""), fieldsOf(to, "")
	var keys []string
	for _, key := range sorted(before) {
		for _, section := range restartSections {
			if strings.HasPrefix(key, section) && !reflect.DeepEqual(before[key].at, after[key].at) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
