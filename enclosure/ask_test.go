package enclosure

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/block"
	"storage_exporter/enclosure/enclosuretest"
)

const (
	first  = "1:0:99:0"
	second = "2:0:99:0"
)

// freeze makes reading the status of a path's first slot block in the kernel, as an
// I/O module that hangs does, until the returned function is called.
func freeze(t *testing.T, tr *enclosuretest.Tree, address string) (release func()) {
	t.Helper()
	path := enclosuretest.BayPath(address, "Slot 00") + "/status"
	tr.Remove(path)
	if err := unix.Mkfifo(tr.Path(path), 0o644); err != nil {
		t.Fatal(err)
	}
	done := false
	release = func() {
		if done {
			return
		}
		done = true
		// Fails while nobody reads.
		f, err := os.OpenFile(tr.Path(path), os.O_WRONLY|unix.O_NONBLOCK, 0)
		tr.Write(path+".new", "OK\n")
		if err := os.Rename(tr.Path(path+".new"), tr.Path(path)); err != nil {
			t.Error(err)
		}
		if err == nil {
			f.Close()
		}
	}
	t.Cleanup(release)
	return release
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func readWithin(t *testing.T, r *Reader, limit time.Duration) []Enclosure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	list, err := r.Read(ctx)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	return list
}

func TestHangingModule(t *testing.T) {
	t.Parallel()
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a00")
	tr.DualEnclosure(3, 3, 4, "0x5003048000000b00", "0x5003048000000b00")
	var stuck atomic.Int64
	r := NewReader(block.System{Sys: tr.Sys(), Udev: tr.Udev()}, func(delta int) { stuck.Add(int64(delta)) }, nil)
	release := freeze(t, tr, first)
	c := count(r)

	list := readWithin(t, r, 4*time.Second)
	if len(list) != 2 || list[0].AnsweredBy != second || list[1].AnsweredBy != "3:0:99:0" {
		t.Fatalf("got %+v", list)
	}
	if got := brief(list[0].Slots[0]); got != "0|OK|fault 0|locate 0|power on|populated 1|sda,sdc|0x5000c50000010000|EX01S0000" {
		t.Errorf("by the other path: %s", got)
	}
	if stuck.Load() != 1 {
		t.Errorf("%d stuck", stuck.Load())
	}

	// The hanging path is not asked again, not even when the other one fails.
	tr.Dir(filepath.Dir(enclosuretest.BayPath(second, "x")) + "/Slot 00/status")
	for _, slot := range []string{"Slot 00", "Slot 01", "Slot 02"} {
		for _, f := range []string{"status", "fault", "locate", "power_status"} {
			tr.Dir(enclosuretest.BayPath(second, slot) + "/" + f)
		}
	}
	c.take()
	list = readWithin(t, r, time.Minute)
	if got := c.take()["status"]; got != 4 { // one of the failing path, three of the other enclosure
		t.Errorf("status was read %d times", got)
	}
	if list[0].AnsweredBy != "" || brief(list[0].Slots[0]) != "0||fault -|locate -|power -|populated 1|sda,sdc|0x5000c50000010000|EX01S0000" {
		t.Errorf("with no path that answers: %q, %s", list[0].AnsweredBy, brief(list[0].Slots[0]))
	}
	if stuck.Load() != 1 {
		t.Errorf("%d stuck", stuck.Load())
	}

	release()
	eventually(t, "the path comes back", func() bool { return stuck.Load() == 0 })
	if list = readWithin(t, r, time.Minute); list[0].AnsweredBy != first || list[0].Slots[0].Status != OK {
		t.Errorf("after its return: %q, %s", list[0].AnsweredBy, brief(list[0].Slots[0]))
	}
}

// Once a path has answered, it is asked first.
func TestAnsweringPathStays(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a00")
	r := reader(tr)
	failing := true
	inner := r.read
	r.read = func(path string) ([]byte, error) {
		if failing && filepath.Base(filepath.Dir(filepath.Dir(path))) == first && filepath.Base(path) != "slot" {
			return nil, unix.EIO
		}
		return inner(path)
	}
	if e := read(t, r)[0]; e.AnsweredBy != second {
		t.Errorf("answered by %q", e.AnsweredBy)
	}
	failing = false
	c := count(r)
	if e := read(t, r)[0]; e.AnsweredBy != second || c.take()["status"] != 3 {
		t.Errorf("answered by %q", e.AnsweredBy)
	}
}

// A module that is only slow reports what it can in its time.
func TestSlowModule(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 24, 0, "0x5003048000000a00", "0x5003048000000a00")
	synctest.Test(t, func(t *testing.T) {
		r := NewReader(block.System{Sys: tr.Sys(), Udev: tr.Udev()}, func(int) { t.Error("taken for one that hangs") }, nil)
		p, err := r.readPath(first)
		if err != nil {
			t.Fatal(err)
		}
		inner := r.read
		r.read = func(path string) ([]byte, error) {
			time.Sleep(time.Second)
			return inner(path)
		}
		readings, heard := r.askPath(t.Context(), p, 50*time.Second)
		// 45 s are for reading, at four seconds a slot.
		if !heard || readings["Slot 10"].power == nil || readings["Slot 11"].status != OK || readings["Slot 11"].power != nil || readings["Slot 12"].status != "" {
			t.Errorf("heard %v, readings %v", heard, readings)
		}
	})
}

// Being cut off by a shutdown says nothing about the path.
func TestCancelledIsNotStuck(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a00")
	release := freeze(t, tr, first)
	var changes atomic.Int64
	r := NewReader(block.System{Sys: tr.Sys(), Udev: tr.Udev()}, func(int) { changes.Add(1) }, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	inner, back := r.read, make(chan struct{})
	r.read = func(path string) ([]byte, error) {
		if !strings.HasSuffix(path, first+"/Slot 00/status") {
			return inner(path)
		}
		defer close(back)
		time.AfterFunc(20*time.Millisecond, cancel)
		return inner(path)
	}
	list, _ := r.Read(ctx)
	if len(list) == 1 && list[0].AnsweredBy != "" {
		t.Errorf("answered by %s", list[0].AnsweredBy)
	}
	release()
	<-back
	if changes.Load() != 0 {
		t.Errorf("%d changes reported", changes.Load())
	}
}
