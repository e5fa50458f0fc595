package kit_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"storage_exporter/internal/kit"
)

var _ kit.T = testing.TB(nil)

func TestTry(t *testing.T) {
	p := kit.New(t.TempDir())
	cause := errors.New("cause")
	stops := func(t kit.T) {
		t.Helper()
		t.Fatal(cause)
	}
	after := false
	err := p.Try(func(t kit.T) {
		t.Errorf("goes on")
		stops(t)
		after = true
	})
	if after || !errors.Is(err, cause) || err.Error() != "goes on\ncause" {
		t.Errorf("%v, %v", after, err)
	}
	if err := p.Try(func(kit.T) {}); err != nil {
		t.Errorf("what is past is reported again: %v", err)
	}
	if err := p.Try(func(t kit.T) { t.Fatalf("%d", 7) }); err == nil || err.Error() != "7" {
		t.Error(err)
	}
	if err := p.Try(func(t kit.T) { t.Fatal("a", 1) }); err == nil || err.Error() != "a1" {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a panic was taken for an error")
		}
	}()
	_ = p.Try(func(kit.T) { panic("mistake") })
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	p := kit.New(dir)
	var order string
	err := p.Try(func(t kit.T) {
		t.Cleanup(func() { order += "1" })
		t.Cleanup(func() { order += "2" })
		one, two := t.TempDir(), t.TempDir()
		if one == two || filepath.Dir(one) != dir {
			t.Errorf("%s, %s", one, two)
		}
		if _, err := os.Stat(two); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	if order != "21" {
		t.Error(order)
	}
	if err := kit.New(filepath.Join(dir, "none")).Try(func(t kit.T) { t.TempDir() }); err == nil {
		t.Error("a directory in none")
	}
}
