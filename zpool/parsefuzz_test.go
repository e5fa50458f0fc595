package zpool

import (
	"testing"

	"storage_exporter/internal/fakezpool/fake"
)

// seeds are the small examples: a large one keeps the fuzzer busy for long.
func seeds() []fake.Pool {
	var pools []fake.Pool
	for _, p := range examples() {
		if p.Name != "slots" {
			pools = append(pools, p)
		}
	}
	return pools
}

func FuzzParseJSON(f *testing.F) {
	for _, p := range seeds() {
		f.Add([]byte(fake.JSON([]fake.Pool{p})))
	}
	f.Add(document(f, "raidz2-spare-2.3.json"))
	f.Add(document(f, "rebuild-2.3.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pools, err := parseJSON(b); err == nil {
			check(t, pools)
		}
	})
}

func FuzzParseText(f *testing.F) {
	for _, p := range seeds() {
		f.Add([]byte(fake.Text([]fake.Pool{p}, fake.Form{Slow: true})), []byte(fake.Text([]fake.Pool{p}, fake.Form{Slow: true, GUIDs: true})))
	}
	for _, file := range []string{"raidz2-spare-2.1.txt", "humanised-0.7.txt", "rebuild-2.3.txt"} {
		f.Add(document(f, file), []byte{})
	}
	f.Fuzz(func(t *testing.T, b, guids []byte) {
		if pools, err := parseText(b, guids); err == nil {
			check(t, pools)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	pools := []fake.Pool{fake.Slots("tank", 7, 12)}
	doc := []byte(fake.JSON(pools))
	text, guids := []byte(fake.Text(pools, fake.Form{Exact: true, Slow: true})), []byte(fake.Text(pools, fake.Form{Exact: true, Slow: true, GUIDs: true}))
	b.Run("form=json/disks=84", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if _, err := parseJSON(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("form=text/disks=84", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text) + len(guids)))
		for b.Loop() {
			if _, err := parseText(text, guids); err != nil {
				b.Fatal(err)
			}
		}
	})
}
