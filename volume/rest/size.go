package rest

import "reflect"

// sizeOf is about how many bytes a value takes with all that it points to.
func sizeOf(v any) int64 {
	s := sizer{}
	at := reflect.ValueOf(v)
	if !at.IsValid() {
		return 0
	}
	return int64(at.Type().Size()) + s.behind(at)
}

// sizer has the pointers that were followed.
type sizer map[uintptr]bool

// behind is what a value points to.
func (s sizer) behind(v reflect.Value) int64 {
	var n int64
	switch v.Kind() {
	case reflect.String:
		n = int64(v.Len())
	case reflect.Slice:
		n = int64(v.Cap()) * int64(v.Type().Elem().Size())
		if pointless(v.Type().Elem().Kind()) {
			break
		}
		for i := range v.Len() {
			n += s.behind(v.Index(i))
		}
	case reflect.Map:
		// A map has room for more.
		n = 2 * int64(v.Len()) * int64(v.Type().Key().Size()+v.Type().Elem().Size())
		for each := v.MapRange(); each.Next(); {
			n += s.behind(each.Key()) + s.behind(each.Value())
		}
	case reflect.Pointer:
		if v.IsNil() || s[v.Pointer()] {
			break
		}
		s[v.Pointer()] = true
		n = int64(v.Type().Elem().Size()) + s.behind(v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			n = int64(v.Elem().Type().Size()) + s.behind(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += s.behind(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			n += s.behind(v.Index(i))
		}
	}
	return n
}

// pointless is whether values of a kind point to nothing.
func pointless(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128
}
