package collector

import (
	"reflect"
	"slices"
	"testing"

	"storage_exporter/collector/exposition"
)

// A family that has a place in a subject's struct is made, and on the list that
// the collector serves.
func TestFamiliesAreMadeAndListed(t *testing.T) {
	for _, subject := range []any{newDriveFamilies(), newEnclosureFamilies(), newZFSFamilies(), newVolumeFamilies(), newProxyFamilies()} {
		v := reflect.ValueOf(subject)
		var list []uintptr
		for i := range v.FieldByName("list").Len() {
			list = append(list, v.FieldByName("list").Index(i).Pointer())
		}
		n := 0
		var check func(v reflect.Value)
		check = func(v reflect.Value) {
			for i := range v.NumField() {
				switch f := v.Field(i); {
				case f.Type() == reflect.TypeFor[*exposition.Family]():
					n++
					if !slices.Contains(list, f.Pointer()) {
						t.Errorf("%s: %s is not on the list", v.Type(), v.Type().Field(i).Name)
					}
				case f.Kind() == reflect.Struct:
					check(f)
				}
			}
		}
		check(v)
		if n != len(list) || n == 0 {
			t.Errorf("%s has places for %d families, and %d on its list", v.Type(), n, len(list))
		}
	}
}
