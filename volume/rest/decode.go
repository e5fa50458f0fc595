package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

const (
	maxValues = 2_000_000 // in one answer, also of what is not kept
	maxDepth  = 64        // of lists and objects in one another
	maxPiece  = 64 << 10  // bytes of one text, number or json.RawMessage

	keptAtOnce = 16 << 10 // bytes: as often is counted what is kept
)

// Fields are what Decode reads of an object: the keys as the appliance writes them,
// and pointers to what they go into.
type Fields map[string]any

// bound is an error that says which bound an answer is beyond.
type bound string

func (b bound) Error() string { return string(b) }

// mistaken is the error of JSON that is not what was expected.
type mistaken string

func (m mistaken) Error() string { return string(m) }

var errBehind = errors.New("there is more behind the end")

// decoder reads JSON piece by piece. Of the text it holds one scalar at a time; what
// nobody asked for is skipped.
type decoder struct {
	json   *json.Decoder
	grow   func(bytes int64) error
	owed   int64 // kept, but not counted yet
	values int
	depth  int
	path   int    // keys above the value; a list that is the whole answer is one, too
	key    string // the first of them
	types  map[reflect.Type]map[string][]int
}

// newDecoder reads from a reader; grow counts what is kept and may refuse it.
func newDecoder(from io.Reader, grow func(bytes int64) error) *decoder {
	d := &decoder{grow: grow, types: map[reflect.Type]map[string][]int{}}
	d.json = json.NewDecoder(&piecewise{from: from, d: d})
	d.json.UseNumber()
	return d
}

// piecewise reads on only while the decoder holds no large piece.
type piecewise struct {
	from io.Reader
	d    *decoder
	read int64
}

func (p *piecewise) Read(b []byte) (int, error) {
	if p.read-p.d.json.InputOffset() > maxPiece {
		return 0, bound(fmt.Sprintf("the answer has a text of more than %d KiB", maxPiece>>10))
	}
	n, err := p.from.Read(b)
	p.read += int64(n)
	return n, err
}

// whole reads the one value that the answer is.
func (d *decoder) whole(into any) error {
	if err := d.outermost(into); err != nil {
		return err
	}
	if err := d.count(); err != nil {
		return err
	}
	switch _, err := d.json.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errBehind
}

func (d *decoder) outermost(into any) error {
	fields, ok := into.(Fields)
	if !ok {
		return d.value(reflect.ValueOf(into).Elem())
	}
	t, err := d.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return d.otherType(t)
	}
	return d.members(func(key string) error {
		if v, ok := fields[key]; ok {
			return d.value(reflect.ValueOf(v).Elem())
		}
		return d.skip()
	})
}

// token reads the next one.
func (d *decoder) token() (json.Token, error) {
	if err := d.one(); err != nil {
		return nil, err
	}
	t, err := d.json.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

// one counts the values, and the keys and brackets.
func (d *decoder) one() error {
	if d.values++; d.values > maxValues {
		return bound(fmt.Sprintf("the answer has more than %d values", maxValues))
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// container is whether a value of the type is read piece by piece.
func container(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		return true
	case reflect.Slice:
		return t.Elem().Kind() != reflect.Uint8
	case reflect.Map:
		return t.Key().Kind() == reflect.String
	}
	return false
}

// value reads the next value into v.
func (d *decoder) value(v reflect.Value) error {
	behind := v.Kind() == reflect.Pointer && container(v.Type().Elem())
	if !behind && !container(v.Type()) {
		return d.scalar(v)
	}
	t, err := d.token()
	if err != nil || t == nil {
		if err == nil && v.Kind() != reflect.Struct {
			v.SetZero()
		}
		return err
	}
	if behind {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
		err = d.keep(int64(v.Type().Size()))
	}
	switch {
	case err != nil:
		return err
	case t == json.Delim('{') && v.Kind() == reflect.Struct:
		return d.fields(v)
	case t == json.Delim('{') && v.Kind() == reflect.Map:
		return d.entries(v)
	case t == json.Delim('[') && v.Kind() == reflect.Slice:
		return d.elements(v)
	}
	return d.otherType(t)
}

// scalar reads what is decoded in one piece.
func (d *decoder) scalar(v reflect.Value) error {
	if err := d.one(); err != nil {
		return err
	}
	before := d.json.InputOffset()
	err := d.json.Decode(v.Addr().Interface())
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return d.wrongType(wrong.Value)
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		return d.keep(d.json.InputOffset() - before)
	case reflect.Interface:
		return d.keep(16 * (d.json.InputOffset() - before))
	}
	return nil
}

// members reads the members of an object, whose bracket was read.
func (d *decoder) members(each func(key string) error) error {
	d.path++
	err := d.within(func() error {
		t, err := d.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if d.path == 1 {
			d.key = key
		}
		return each(key)
	})
	d.path--
	return err
}

// within calls each for what is in brackets, of which the first was read.
func (d *decoder) within(each func() error) error {
	if d.depth++; d.depth > maxDepth {
		return errDeep
	}
	for d.json.More() {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := d.token()
	d.depth--
	return err
}

var errDeep = bound(fmt.Sprintf("the answer has more than %d lists and objects in one another", maxDepth))

// fields reads a struct.
func (d *decoder) fields(v reflect.Value) error {
	index := d.index(v.Type())
	return d.members(func(key string) error {
		if at, ok := index[strings.ToLower(key)]; ok {
			return d.value(v.FieldByIndex(at))
		}
		return d.skip()
	})
}

// index has the fields of a struct by their names in lower case.
func (d *decoder) index(t reflect.Type) map[string][]int {
	if known, ok := d.types[t]; ok {
		return known
	}
	index := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && tag != "-" && (!f.Anonymous || tag != "" || f.Type.Kind() != reflect.Struct) {
			if tag == "" {
				tag = f.Name
			}
			index[strings.ToLower(tag)] = f.Index
		}
	}
	d.types[t] = index
	return index
}

// entries reads a map.
func (d *decoder) entries(v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	size := int64(v.Type().Key().Size() + v.Type().Elem().Size())
	return d.members(func(key string) error {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), e)
		return d.keep(2*size + int64(len(key))) // a map has room for more
	})
}

// elements reads a slice.
func (d *decoder) elements(v reflect.Value) error {
	if d.depth == 0 {
		d.path++
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	size := int64(v.Type().Elem().Size())
	return d.within(func() error {
		n, room := v.Len(), v.Cap()
		v.Grow(1)
		if err := d.keep(size * int64(v.Cap()-room)); err != nil {
			return err
		}
		v.SetLen(n + 1)
		return d.value(v.Index(n))
	})
}

// keep counts what is kept, in bytes.
func (d *decoder) keep(n int64) error {
	if d.owed += n; d.owed < keptAtOnce {
		return nil
	}
	return d.count()
}

func (d *decoder) count() error {
	n := d.owed
	d.owed = 0
	return d.grow(n)
}

// skip reads over a value.
func (d *decoder) skip() error {
	t, err := d.token()
	if err != nil {
		return err
	}
	return d.behind(t)
}

// behind reads to the end of the value that a token begins.
func (d *decoder) behind(t json.Token) error {
	if t != json.Delim('{') && t != json.Delim('[') {
		return nil
	}
	return d.within(d.skip)
}

// otherType is for a value of another type than expected that a token begins: an
// error, or it is skipped.
func (d *decoder) otherType(t json.Token) error {
	is := "string"
	switch t.(type) {
	case json.Delim:
		is = "object"
		if t == json.Delim('[') {
			is = "array"
		}
	case json.Number:
		is = "number"
	case bool:
		is = "bool"
	}
	if err := d.wrongType(is); err != nil {
		return err
	}
	return d.behind(t)
}

// wrongType is an error where the value is the outermost or one of its own.
func (d *decoder) wrongType(is string) error {
	switch {
	case d.path > 1:
		return nil
	case d.key != "":
		return mistaken(fmt.Sprintf("%s is a JSON %s", excerpt(d.key), is))
	}
	return mistaken("there is a JSON " + is + " in it")
}
