package config

import (
	"reflect"
	"strings"

	"storage_exporter/internal/secret"
)

// restartSections are read once, at the start.
var restartSections = []string{"node.", "cache.", "redis.", "enclosures.", "zfs."}

// RestartNeeded names the keys that differ between two configurations and take
// effect with a restart only, sorted. It shows no values.
func RestartNeeded(from, to *Config) []string {
	before, after := fieldsOf(from, ""), fieldsOf(to, "")
	var keys []string
	for _, key := range sorted(before) {
		for _, section := range restartSections {
			if strings.HasPrefix(key, section) && !same(before[key].at, after[key].at) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// same compares two values. Secrets from the same file are the same: what is in
// it now is read at each connect.
func same(a, b any) bool {
	from, isSecret := a.(*secret.Text)
	to, _ := b.(*secret.Text)
	if isSecret && from.File() != "" {
		return from.File() == to.File()
	}
	return reflect.DeepEqual(a, b)
}
