package enclosure

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
)

var idForm = regexp.MustCompile(`^0x[0-9a-f]{16}$`)

// What is read of a file is absent or what it may be, and it is read the same way
// a second time.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "0\n", "1\n", "2\n", "4\n", "6\n", "7\n", "-1\n", "65535\n", "65536\n", "on\n", "off\n", "OK\n", "not installed\n", "non-critical\n",
		"0x5003048000000abc\n", "5003048000000ABC", "0x0", "0xffffffffffffffff", "0x1_0", "\xff\xfe\n", "SLOT 000  \n", "\x00\x80\x00\x04ABCD",
		strings.Repeat("é", 200), strings.Repeat("x", 5000), "a\tb\r\nc",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := clean(b)
		if !utf8.ValidString(text) || len(text) > maxText || strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("text %q", text)
		}
		if again := clean([]byte(text)); again != text {
			t.Errorf("%q becomes %q", text, again)
		}
		if id := parseID(b); id != "" && (!idForm.MatchString(id) || parseID([]byte(id)) != id || strings.Trim(id[2:], "0") == "" || strings.Trim(id[2:], "f") == "") {
			t.Errorf("id %q", id)
		}
		if n := parseNumber(b); n != nil && (*n < 0 || *n > maxNumber) {
			t.Errorf("number %d", *n)
		}
		if s := parseStatus(b); s != "" && string(s) != text {
			t.Errorf("status %q of %q", s, text)
		}
		if v := parseFault(b); v != nil && *v != (text != "0") {
			t.Errorf("fault %v of %q", *v, text)
		}
		if v := parseLocate(b); v != nil && *v != (text == "1") {
			t.Errorf("locate %v of %q", *v, text)
		}
		if v := parsePower(b); v != nil && *v != text {
			t.Errorf("power %q of %q", *v, text)
		}
	})
}

// Whatever a tree holds: no slot is there twice, no disk in two slots of an enclosure,
// no label that is no text.
func FuzzTree(f *testing.F) {
	f.Add([]byte{3, 2, 3, 1, 2, 4, 3, 1, 2, 4}, []byte("0x5003048000000abc|0|1|OK|not installed|Slot 01|Slot 02|naa.5000c500a0000001"))
	f.Add([]byte{2, 3, 2, 1, 2, 2, 1, 2, 4, 1, 2, 1, 2}, []byte("0x1|-1|OK"))
	f.Add([]byte{4, 3, 4, 1, 1, 1, 1, 4, 2, 2, 2, 2, 4, 1, 2, 4, 5}, []byte("naa.5000c500a0000001"))
	f.Add([]byte{1, 2, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0}, []byte("\x01|\xff|\xfe|  |unnamed|1|1 #2|@|"))
	f.Fuzz(func(t *testing.T, shape, words []byte) {
		if len(shape) > 64 || len(words) > 1024 {
			return
		}
		tr := treeOf(t, shape, bytes.Split(words, []byte("|")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := reader(tr)
		for range 2 { // the second time with what is remembered
			list, err := r.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			check(t, list)
		}
	})
}

func check(t *testing.T, list []Enclosure) {
	t.Helper()
	type slotID struct{ enclosure, slot string }
	seen := make(map[slotID]bool)
	ids := make(map[string]bool)
	for _, e := range list {
		if ids[e.ID] || e.ID == "" || !utf8.ValidString(e.ID) || len(e.Paths) == 0 || e.Slots == nil {
			t.Errorf("enclosure %q of %v, paths %q", e.ID, ids, e.Paths)
		}
		ids[e.ID] = true
		devices := make(map[string]bool)
		for _, s := range e.Slots {
			id := slotID{e.ID, s.Slot}
			if seen[id] || s.Slot == "" || !utf8.ValidString(s.Slot+s.Name) {
				t.Errorf("slot %q", id)
			}
			seen[id] = true
			if slices.Contains(s.Devices, s.Device) != (s.Device != "") || (s.Device == "") != (len(s.Devices) == 0) ||
				s.Device != "" && (s.Populated == nil || !*s.Populated) {
				t.Errorf("slot %q: %q of %q, populated %v", id, s.Device, s.Devices, s.Populated)
			}
			for _, d := range s.Devices {
				if devices[d] {
					t.Errorf("%q is in two slots of %q", d, e.ID)
				}
				devices[d] = true
			}
		}
	}
}

// treeOf makes a small tree: shape says how many disks, enclosures and bays there
// are and which disk sits where, the words are what the files say, in turn.
func treeOf(t *testing.T, shape []byte, words [][]byte) *enclosuretest.Tree {
	t.Helper()
	next := func() int {
		if len(shape) == 0 {
			return 0
		}
		b := shape[0]
		shape = shape[1:]
		return int(b)
	}
	used := 0
	word := func() string {
		used++
		return string(words[used%len(words)])
	}
	tr := enclosuretest.New(t)
	tr.Dir("sys/class/enclosure")
	disks := 1 + next()%5
	for i := range disks {
		tr.AddDisk(blocktest.Disk{Name: blocktest.DiskName(i), Address: blocktest.DiskName(i), WWID: word(), Serial: word()})
	}
	for i := range next() % 4 {
		s := enclosuretest.Enclosure{Address: fileName(word(), i), ID: word(), Vendor: word(), Model: word()}
		for n := range next() % 5 {
			b := enclosuretest.Bay{Name: fileName(word(), n), Slot: word(), Status: word(), Fault: word(), Type: "device"}
			if d := next(); d%3 > 0 {
				b.Disk = blocktest.DiskName(d % disks)
			}
			if b.Status == "" {
				b.Status = "OK"
			}
			s.Bays = append(s.Bays, b)
		}
		tr.AddEnclosure(s)
	}
	return tr
}

// fileName is any text as the name of a directory that no other has.
func fileName(word string, n int) string {
	word = strings.NewReplacer("/", "!", "\x00", "").Replace(word)
	if len(word) > 64 {
		word = word[:64]
	}
	return word + strings.Repeat(" ", n) + "\x01"
}
