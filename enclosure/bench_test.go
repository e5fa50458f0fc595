package enclosure

import (
	"fmt"
	"testing"

	"storage_exporter/enclosure/enclosuretest"
)

func BenchmarkRead(b *testing.B) {
	tr := enclosuretest.New(b)
	for i := range 3 {
		id := fmt.Sprintf("0x5003048000000%d00", i)
		tr.DualEnclosure(1+2*i, 26, 50*i, id, id)
	}
	r := reader(tr)
	b.ReportAllocs()
	for b.Loop() {
		if list, err := r.Read(b.Context()); err != nil || len(list) != 3 || len(list[2].Slots) != 26 {
			b.Fatal(list, err)
		}
	}
}
