package zpool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/outside"
)

// examples are pools that both forms can print.
func examples() map[string]fake.Pool {
	const day = 86400
	start := int64(1794700000)
	faulted := fake.Disk("/dev/disk/by-id/wwn-0x5000c500aaaa0002-part1", "202")
	faulted.State, faulted.Read, faulted.Write, faulted.Note = "FAULTED", 3, 104, "too many errors"
	spare := fake.Disk("/dev/disk/by-vdev/B9-part1", "209")
	spareInUse, spareIdle, dspare := spare, fake.Disk("/dev/disk/by-vdev/B10-part1", "210"), fake.Vdev{Name: "draid2-0-1", GUID: "412", Type: "dspare", State: "AVAIL"}
	spareInUse.State, spareIdle.State = "INUSE", "AVAIL"
	removedDisk := fake.Disk("/dev/sdq1", "601")
	removedDisk.State, removedDisk.Was, removedDisk.Note = "UNAVAIL", "/dev/sdq1", ""
	pulled := fake.Disk("/dev/disk/by-id/ata-EXAMPLE_HDD_S123-part1", "602")
	pulled.State = "REMOVED"
	counting := fake.Disk("/dev/disk/by-id/dm-name-mpatha-part1", "901")
	counting.Cksum, counting.Slow = 1229, 77
	suspended := fake.Disk("/dev/sdx1", "801")
	suspended.State, suspended.Note, suspended.Write = "FAULTED", "too many errors", 12
	resilvering := fake.Disk("/dev/sdb1", "512")
	resilvering.Note = "(resilvering)"
	dspareInUse := fake.Vdev{Name: "draid2-0-0", GUID: "411", Type: "dspare", State: "ONLINE"}
	dspareListed := dspareInUse
	dspareListed.State = "INUSE"
	draidFaulted := fake.Disk("/dev/disk/by-vdev/D1-part1", "402")
	draidFaulted.State, draidFaulted.Note = "OFFLINE", ""

	return map[string]fake.Pool{
		"mirror": {
			Name: "tank", GUID: "100", State: "ONLINE",
			Scan: &fake.Scan{Function: "SCRUB", State: "FINISHED", Start: start, End: start + 2*day + 3725, Repaired: 0},
			Vdevs: []fake.Vdev{
				fake.Group("mirror", "mirror-0", "110", fake.Disk("/dev/sda1", "111"), fake.Disk("/dev/sdb1", "112")),
				fake.Group("mirror", "mirror-1", "120", fake.Disk("/dev/nvme0n1p1", "121"), fake.Disk("/dev/nvme1n1p1", "122")),
			},
		},
		"raidz2, a faulted disk and a spare in use": {
			Name: "tank", GUID: "200", State: "DEGRADED",
			Status: "One or more devices are faulted in response to persistent errors. Sufficient replicas exist for the pool to continue functioning in a degraded state.",
			Action: "Replace the faulted device, or use 'zpool clear' to mark the device repaired.",
			Scan:   &fake.Scan{Function: "RESILVER", State: "FINISHED", Start: start, End: start + 63, Errors: 2},
			Errors: 12,
			Vdevs: []fake.Vdev{fake.Group("raidz", "raidz2-0", "220",
				fake.Disk("/dev/disk/by-id/wwn-0x5000c500aaaa0001-part1", "201"),
				fake.Group("spare", "spare-1", "221", faulted, spare),
				fake.Disk("/dev/disk/by-id/wwn-0x5000c500aaaa0003-part1", "203"),
				fake.Disk("/dev/disk/by-id/wwn-0x5000c500aaaa0004-part1", "204"),
			)},
			Spares: []fake.Vdev{spareInUse, spareIdle},
		},
		"all classes": {
			Name: "fast pool", GUID: "300", State: "ONLINE",
			Vdevs:   []fake.Vdev{fake.Disk("/dev/sda", "301"), fake.Disk("/dev/sdb", "302")},
			Dedup:   []fake.Vdev{fake.Group("mirror", "mirror-6", "310", fake.Disk("/dev/nvme2n1p1", "311"), fake.Disk("/dev/nvme3n1p1", "312"))},
			Special: []fake.Vdev{fake.Group("mirror", "mirror-2", "320", fake.Disk("/dev/nvme0n1p1", "321"), fake.Disk("/dev/nvme1n1p1", "322"))},
			Logs:    []fake.Vdev{fake.Disk("/dev/nvme0n1p2", "331"), fake.Group("mirror", "mirror-5", "330", fake.Disk("/dev/nvme2n1p2", "332"), fake.Disk("/dev/nvme3n1p2", "333"))},
			Cache:   []fake.Vdev{fake.Disk("/dev/nvme1n1p3", "341")},
			Spares:  []fake.Vdev{spareIdle},
		},
		"draid, a distributed spare in use": {
			Name: "drum", GUID: "400", State: "DEGRADED",
			Vdevs: []fake.Vdev{fake.Group("draid", "draid2:2d:6c:2s-0", "420",
				fake.Disk("/dev/disk/by-vdev/D0-part1", "401"),
				fake.Group("spare", "spare-1", "421", draidFaulted, dspareInUse),
				fake.Disk("/dev/disk/by-vdev/D2-part1", "403"),
			)},
			Spares: []fake.Vdev{dspareListed, dspare},
		},
		"resilver in progress": {
			Name: "tank", GUID: "500", State: "DEGRADED",
			Scan: &fake.Scan{Function: "RESILVER", State: "SCANNING", Start: start, ToExamine: 10 << 40, Examined: 3 << 40, Skipped: 2 << 40, Issued: 1 << 40, Repaired: 100 << 30},
			Vdevs: []fake.Vdev{fake.Group("mirror", "mirror-0", "510",
				fake.Disk("/dev/sda1", "511"),
				fake.Group("replacing", "replacing-1", "520", removedDisk, resilvering),
			)},
		},
		"scrub paused": {
			Name: "tank", GUID: "510", State: "ONLINE",
			Scan:  &fake.Scan{Function: "SCRUB", State: "SCANNING", Start: start, Pause: start + 3600, ToExamine: 8 << 40, Examined: 4 << 40, Issued: 2 << 40},
			Vdevs: []fake.Vdev{fake.Disk("/dev/sda1", "511")},
		},
		"scrub canceled": {
			Name: "tank", GUID: "510", State: "ONLINE",
			Scan:  &fake.Scan{Function: "SCRUB", State: "CANCELED", Start: start, End: start + 60},
			Vdevs: []fake.Vdev{fake.Disk("/dev/sda1", "511")},
		},
		"two vdevs are rebuilt, a scrub behind them": rebuilding(scrub(start, "FINISHED"), nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "ACTIVE", Start: start + 3*day, ToExamine: 8 << 40, Examined: 6 << 40, Issued: 3 << 40, Skipped: 1 << 40, Repaired: 1 << 40}},
			fake.Rebuild{Vdev: "mirror-1", Scan: fake.Scan{State: "ACTIVE", Start: start + 2*day, ToExamine: 8 << 40, Examined: 2 << 40, Issued: 1 << 40, Repaired: 1 << 30}}),
		"one of two rebuilds has ended": rebuilding(nil, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start, End: start + 60, Repaired: 1 << 40}},
			fake.Rebuild{Vdev: "mirror-1", Scan: fake.Scan{State: "ACTIVE", Start: start, ToExamine: 8 << 40, Examined: 2 << 40, Issued: 1 << 40}}),
		"rebuilds that ended after a scrub": rebuilding(scrub(start, "FINISHED"), nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start + 2*day, End: start + 3*day, Repaired: 1 << 40, Errors: 2}},
			fake.Rebuild{Vdev: "mirror-1", Scan: fake.Scan{State: "CANCELED", Start: start + 2*day, End: start + 2*day + 60}}),
		"a scrub after a rebuild": rebuilding(scrub(start+3*day, "FINISHED"), nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start, End: start + day, Repaired: 1 << 40}}),
		"a rebuild canceled": rebuilding(nil, nil, fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "CANCELED", Start: start, End: start + day}}),
		"a rebuild while a scrub is paused": rebuilding(&fake.Scan{Function: "SCRUB", State: "SCANNING", Start: start, Pause: start + 3600, ToExamine: 8 << 40, Examined: 4 << 40, Issued: 2 << 40}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "ACTIVE", Start: start + day, ToExamine: 8 << 40, Examined: 2 << 40, Issued: 1 << 40}}),
		"a scrub paused, a rebuild behind it": rebuilding(&fake.Scan{Function: "SCRUB", State: "SCANNING", Start: start, Pause: start + 3600, ToExamine: 8 << 40, Examined: 4 << 40, Issued: 2 << 40}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start + day, End: start + 2*day}}),
		"a resilver after a rebuild": rebuilding(&fake.Scan{Function: "RESILVER", State: "FINISHED", Start: start + 3*day, End: start + 4*day}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start, End: start + day}}),
		"a rebuild after a resilver": rebuilding(&fake.Scan{Function: "RESILVER", State: "FINISHED", Start: start, End: start + day}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start + 2*day, End: start + 3*day}}),
		"a resilver that runs after a rebuild": rebuilding(&fake.Scan{Function: "RESILVER", State: "SCANNING", Start: start + 3*day, ToExamine: 8 << 40, Examined: 4 << 40, Issued: 2 << 40}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "COMPLETE", Start: start, End: start + day}}),
		"an error scrub, a scrub behind it":        rebuilding(scrub(start, "FINISHED"), &fake.Scan{State: "SCANNING", Start: start + 3*day, Examined: 10, ToExamine: 90}),
		"an error scrub paused":                    rebuilding(nil, &fake.Scan{State: "SCANNING", Start: start, Pause: start + 60, Examined: 1, ToExamine: 3}),
		"an error scrub finished":                  rebuilding(scrub(start, "FINISHED"), &fake.Scan{State: "FINISHED", Start: start + 3*day, End: start + 5*day + 61, Examined: 10}),
		"an error scrub canceled":                  rebuilding(scrub(start, "CANCELED"), &fake.Scan{State: "CANCELED", Start: start + 3*day, End: start + 3*day + 1}),
		"a scrub after an error scrub":             rebuilding(scrub(start+3*day, "FINISHED"), &fake.Scan{State: "FINISHED", Start: start, End: start + 61, Examined: 10}),
		"a scrub after an error scrub that paused": rebuilding(scrub(start+3*day, "FINISHED"), &fake.Scan{State: "SCANNING", Start: start, Pause: start + 60, Examined: 1, ToExamine: 3}),
		"a resilver beside a rebuild": rebuilding(&fake.Scan{Function: "RESILVER", State: "SCANNING", Start: start, ToExamine: 8 << 40, Issued: 2 << 40}, nil,
			fake.Rebuild{Vdev: "mirror-0", Scan: fake.Scan{State: "ACTIVE", Start: start + day, ToExamine: 8 << 40, Examined: 2 << 40, Issued: 1 << 40}}),
		"an error scrub after a scrub that paused":   rebuilding(&fake.Scan{Function: "SCRUB", State: "SCANNING", Start: start, Pause: start + 3600, ToExamine: 8, Examined: 4, Issued: 2}, &fake.Scan{State: "FINISHED", Start: start + day, End: start + 2*day}),
		"an error scrub that runs beside a resilver": rebuilding(&fake.Scan{Function: "RESILVER", State: "SCANNING", Start: start, ToExamine: 8 << 40, Issued: 2 << 40}, &fake.Scan{State: "SCANNING", Start: start + day, Examined: 10, ToExamine: 90}),
		"removed disks": {
			Name: "tank", GUID: "600", State: "DEGRADED",
			Vdevs: []fake.Vdev{fake.Group("raidz", "raidz1-0", "610", removedDisk, pulled, fake.Disk("/dev/sdc1", "603"))},
		},
		"files, one with blanks in its name": {
			Name: "test", GUID: "700", State: "ONLINE",
			Vdevs: []fake.Vdev{
				{Name: "/var/tmp/file vdev ONLINE 0 0 0", GUID: "701", Type: "file", State: "ONLINE"},
				{Name: "/var/tmp/file", GUID: "702", Type: "file", State: "ONLINE"},
			},
		},
		"suspended": {
			Name: "usb", GUID: "800", State: "SUSPENDED", Status: "One or more devices are faulted in response to IO failures.",
			Action: "Make sure the affected devices are connected, then run 'zpool clear'.",
			Vdevs:  []fake.Vdev{suspended}, Errors: 1,
		},
		"84 disks by slot": fake.Slots("slots", 7, 12),
		"multipath": {
			Name: "tank", GUID: "900", State: "ONLINE",
			Vdevs: []fake.Vdev{fake.Group("mirror", "mirror-0", "910", counting, fake.Disk("/dev/mapper/mpathb1", "902"))},
		},
	}
}

func scrub(start int64, state string) *fake.Scan {
	return &fake.Scan{Function: "SCRUB", State: state, Start: start, End: start + 7200}
}

func rebuilding(s, errors *fake.Scan, rebuilds ...fake.Rebuild) fake.Pool {
	return fake.Pool{
		Name: "tank", GUID: "520", State: "ONLINE", Scan: s, ErrorScrub: errors, Rebuilds: rebuilds,
		Vdevs: []fake.Vdev{
			fake.Group("mirror", "mirror-0", "521", fake.Disk("/dev/sda1", "522"), fake.Disk("/dev/sdb1", "523")),
			fake.Group("mirror", "mirror-1", "524", fake.Disk("/dev/sdc1", "525"), fake.Disk("/dev/sdd1", "526")),
		},
	}
}

// inCommon leaves out what only one form has.
func inCommon(pools []Pool) []Pool {
	pools = slices.Clone(pools)
	for i := range pools {
		p := &pools[i]
		p.GUID = ""
		p.Vdevs = slices.Clone(p.Vdevs)
		for j := range p.Vdevs {
			v := &p.Vdevs[j]
			v.DevID, v.PhysPath = "", ""
			if !v.Leaf {
				v.SlowIOs = nil
			}
		}
		if p.Scan == nil {
			continue
		}
		s := *p.Scan
		switch s.State {
		case Finished:
			s.ToExamine, s.Examined, s.Issued = nil, nil, nil
		case Canceled:
			s.StartTime, s.ToExamine, s.Examined, s.Issued, s.Processed, s.Errors = time.Time{}, nil, nil, nil, nil, nil
		default:
			s.Errors = nil
			ratio := float64(int(*s.Done*1000)) / 1000 // the text has two digits of a percentage
			s.Done = &ratio
		}
		p.Scan = &s
	}
	return pools
}

func TestFormsAgree(t *testing.T) {
	for name, pool := range examples() {
		t.Run(name, func(t *testing.T) {
			pools := []fake.Pool{pool, {Name: "other", GUID: "9", State: "ONLINE", Vdevs: []fake.Vdev{fake.Disk("/dev/sdz", "91")}}}
			fromJSON, err := parseJSON([]byte(fake.JSON(pools)))
			if err != nil {
				t.Fatal(err)
			}
			guids := fake.Text(pools, fake.Form{GUIDs: true, Exact: true, Slow: true})
			fromText, err := parseText([]byte(fake.Text(pools, fake.Form{Exact: true, Slow: true})), []byte(guids))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inCommon(fromJSON), inCommon(fromText)); diff != "" {
				t.Errorf("the forms differ (-json +text):\n%s", diff)
			}
			for _, p := range [][]Pool{fromJSON, fromText} {
				check(t, p)
			}
		})
	}
}

// Of several scans: what runs, what is paused, what ended last.
func TestCurrentScan(t *testing.T) {
	for name, want := range map[string]string{
		"two vdevs are rebuilt, a scrub behind them": "resilver scanning 2026-11-16T23:46:40Z errors=0 done=0.5 issued=4398046511104 of 17592186044416",
		"one of two rebuilds has ended":              "resilver scanning 2026-11-14T23:46:40Z errors=0 done=0.25 issued=1099511627776 of 8796093022208",
		"rebuilds that ended after a scrub":          "resilver finished 2026-11-16T23:46:40Z 2026-11-17T23:46:40Z errors=2",
		"a scrub after a rebuild":                    "scrub finished 2026-11-17T23:46:40Z 2026-11-18T01:46:40Z errors=0",
		"a rebuild while a scrub is paused":          "resilver scanning 2026-11-15T23:46:40Z errors=0 done=0.25 issued=1099511627776 of 8796093022208",
		"a scrub paused, a rebuild behind it":        "scrub paused 2026-11-14T23:46:40Z errors=0 done=0.25 issued=2199023255552 of 8796093022208",
		"a resilver that runs after a rebuild":       "resilver scanning 2026-11-17T23:46:40Z errors=0 done=0.25 issued=2199023255552 of 8796093022208",
		"an error scrub, a scrub behind it":          "error_scrub scanning 2026-11-17T23:46:40Z done=0.1",
		"an error scrub paused":                      "error_scrub paused 2026-11-14T23:46:40Z done=0.25",
		"an error scrub that runs beside a resilver": "resilver scanning 2026-11-14T23:46:40Z errors=0 done=0.25 issued=2199023255552 of 8796093022208",
	} {
		pools, err := parseJSON([]byte(fake.JSON([]fake.Pool{examples()[name]})))
		if err != nil {
			t.Fatal(err)
		}
		s := *pools[0].Scan
		if s.State == Finished {
			s.Issued, s.ToExamine = nil, nil
		}
		if got := scanLine(&s); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// check holds pools to what readers may rely on.
func check(t *testing.T, pools []Pool) {
	t.Helper()
	for _, p := range pools {
		if p.Name == "" || p.State == "" || p.Vdevs == nil {
			t.Errorf("pool %+v", p)
		}
		if s := p.Scan; s != nil && (!slices.Contains(ScanStates, s.State) || !slices.Contains(ScanFunctions, s.Function)) {
			t.Errorf("scan %+v", s)
		}
		if s := p.Scan; s != nil && s.Done != nil && !(*s.Done >= 0 && *s.Done <= 1) {
			t.Errorf("scan done %v", *s.Done)
		}
		ids := make(map[string]bool)
		names := map[string]bool{"": true}
		for _, v := range p.Vdevs {
			if ids[v.ID] || v.ID == "" {
				t.Errorf("pool %q: ID %q twice or empty", p.Name, v.ID)
			}
			ids[v.ID] = true
			if !slices.Contains(Roles, v.Role) {
				t.Errorf("role %q", v.Role)
			}
			if !names[v.Parent] {
				t.Errorf("%q stands before its parent %q", v.Name, v.Parent)
			}
			names[v.Name] = true
			if v.Type == "hole" || v.Type == "indirect" {
				t.Errorf("%q is no device", v.Name)
			}
			for _, text := range []string{v.Name, v.Path, v.State, v.Note} {
				if len(text) > outside.MaxText {
					t.Errorf("a text of %d bytes", len(text))
				}
			}
		}
	}
}

// tree shows vdevs in a line each.
func tree(pools []Pool) string {
	var b strings.Builder
	count := func(n *uint64) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	for _, p := range pools {
		fmt.Fprintf(&b, "%s %s %s errors=%s\n", p.Name, p.GUID, p.State, count(p.DataErrors))
		for _, v := range p.Vdevs {
			fmt.Fprintf(&b, "  %s %s %s leaf=%v in=%q top=%s %s %s/%s/%s slow=%s path=%s note=%q%s\n", v.ID, v.Type, v.Role, v.Leaf, v.Parent, v.Top, v.State,
				count(v.ReadErrors), count(v.WriteErrors), count(v.ChecksumErrors), count(v.SlowIOs), v.Path, v.Note, map[bool]string{true: " missing"}[v.NotPresent])
		}
	}
	return b.String()
}

// The documents are as zpool prints them, by hand: what the fake prints is of
// the same mind as the parsers.
func TestDocuments(t *testing.T) {
	tests := []struct{ file, guids, want string }{
		{file: "raidz2-spare-2.3.json", want: `tank 3106163229418573 DEGRADED errors=0
  7105382710018120 raidz data leaf=false in="" top=raidz2-0 DEGRADED 0/0/0 slow=- path= note=""
  1206183310010001 disk data leaf=true in="raidz2-0" top=raidz2-0 ONLINE 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10001-part1 note=""
  8833901230010002 spare data leaf=false in="raidz2-0" top=raidz2-0 DEGRADED 0/0/4 slow=- path= note=""
  1206183310010003 disk data leaf=true in="spare-1" top=raidz2-0 FAULTED 14/212/0 slow=3 path=/dev/disk/by-id/wwn-0x5000c500d3a10003-part1 note="external device fault"
  1206183310010004 disk spare leaf=true in="spare-1" top=raidz2-0 ONLINE 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10004-part1 note=""
  1206183310010005 disk data leaf=true in="raidz2-0" top=raidz2-0 UNAVAIL 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10005-part1 note="was /dev/disk/by-id/wwn-0x5000c500d3a10005-part1" missing
  1206183310010007 disk log leaf=true in="" top=/dev/nvme0n1p2 ONLINE 0/0/0 slow=0 path=/dev/nvme0n1p2 note=""
  1206183310010006 disk spare leaf=true in="" top=/dev/disk/by-id/wwn-0x5000c500d3a10006-part1 AVAIL -/-/- slow=- path=/dev/disk/by-id/wwn-0x5000c500d3a10006-part1 note=""
`},
		{file: "raidz2-spare-2.1.txt", want: `tank  DEGRADED errors=0
  raidz2-0 raidz data leaf=false in="" top=raidz2-0 DEGRADED 0/0/0 slow=- path= note=""
  /dev/disk/by-id/wwn-0x5000c500d3a10001-part1 disk data leaf=true in="raidz2-0" top=raidz2-0 ONLINE 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10001-part1 note=""
  spare-1 spare data leaf=false in="raidz2-0" top=raidz2-0 DEGRADED 0/0/4 slow=- path= note=""
  /dev/disk/by-id/wwn-0x5000c500d3a10003-part1 disk data leaf=true in="spare-1" top=raidz2-0 FAULTED 14/212/0 slow=3 path=/dev/disk/by-id/wwn-0x5000c500d3a10003-part1 note="too many errors"
  /dev/disk/by-id/wwn-0x5000c500d3a10004-part1 disk spare leaf=true in="spare-1" top=raidz2-0 ONLINE 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10004-part1 note=""
  1206183310010005 disk data leaf=true in="raidz2-0" top=raidz2-0 UNAVAIL 0/0/0 slow=0 path=/dev/disk/by-id/wwn-0x5000c500d3a10005-part1 note="was /dev/disk/by-id/wwn-0x5000c500d3a10005-part1" missing
  /dev/nvme0n1p2 disk log leaf=true in="" top=/dev/nvme0n1p2 ONLINE 0/0/0 slow=0 path=/dev/nvme0n1p2 note=""
  /dev/disk/by-id/wwn-0x5000c500d3a10006-part1 disk spare leaf=true in="" top=/dev/disk/by-id/wwn-0x5000c500d3a10006-part1 AVAIL -/-/- slow=- path=/dev/disk/by-id/wwn-0x5000c500d3a10006-part1 note=""
`},
		{file: "humanised-0.7.txt", want: `backup  ONLINE errors=-
  mirror-0 mirror data leaf=false in="" top=mirror-0 ONLINE 0/0/0 slow=- path= note=""
  /dev/sda1 disk data leaf=true in="mirror-0" top=mirror-0 ONLINE 0/1229/2202010 slow=- path=/dev/sda1 note="(resilvering)"
  /dev/sdb1 disk data leaf=true in="mirror-0" top=mirror-0 ONLINE 0/0/0 slow=- path=/dev/sdb1 note="block size: 512B configured, 4096B native"
home  FAULTED errors=-
  12345678901234567890 disk data leaf=true in="" top=12345678901234567890 FAULTED 0/0/0 slow=- path=/dev/sdc1 note="was /dev/sdc1" missing
  /dev/sdd1 disk cache leaf=true in="" top=/dev/sdd1 ONLINE 0/0/0 slow=- path=/dev/sdd1 note=""
`},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			b := document(t, tt.file)
			pools, err := parseText(b, nil)
			if strings.HasSuffix(tt.file, ".json") {
				pools, err = parseJSON(b)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tree(pools)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			check(t, pools)
		})
	}
}

// Both forms of the pools of one host, by hand. The draid of the JSON form has no
// type, state and guid.
func TestRebuildDocuments(t *testing.T) {
	fromJSON, err := parseJSON(document(t, "rebuild-2.3.json"))
	if err != nil {
		t.Fatal(err)
	}
	fromText, err := parseText(document(t, "rebuild-2.3.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	draid := &fromJSON[0].Vdevs[0]
	if draid.State != "" || draid.ID != draid.Name {
		t.Errorf("the draid of the JSON form: %+v", draid)
	}
	draid.State = "DEGRADED"
	for i := range fromJSON {
		for j := range fromJSON[i].Vdevs { // the text form has guids by -g only
			v := &fromJSON[i].Vdevs[j]
			v.ID = v.Name
		}
	}
	if diff := cmp.Diff(inCommon(fromJSON), inCommon(fromText)); diff != "" {
		t.Errorf("the forms differ (-json +text):\n%s", diff)
	}
	for _, pools := range [][]Pool{fromJSON, fromText} {
		check(t, pools)
		for i, want := range []string{
			"resilver scanning 2026-11-18T11:06:40Z done=0.5 issued=3298534883328 of 8796093022208",
			"resilver scanning 2026-11-18T11:06:40Z done=0.25 issued=1099511627776 of 4398046511104",
			"error_scrub scanning 2026-11-18T11:06:40Z done=0.1",
		} {
			s := *pools[i].Scan
			s.Errors = nil
			if got := scanLine(&s); got != want {
				t.Errorf("%s: %s, want %s", pools[i].Name, got, want)
			}
		}
		if v := pools[0].Vdevs[0]; v.Type != "draid" || v.Leaf || *v.ChecksumErrors != 4 {
			t.Errorf("the draid: %+v", v)
		}
	}
}

func document(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Only the columns show where a name ends and a remark begins.
func TestColumns(t *testing.T) {
	pools, err := parseText([]byte(`  pool: tank
 state: DEGRADED
  scan: resilvered (mirror-0) 6.50G in 00:01:03 with 0 errors on Sun Nov  1 02:24:02 2026
  scan: scrub in progress since Sun Nov 15 00:24:01 2026
	0B repaired, 7.81% done, no estimated completion time
config:

	NAME                STATE     READ WRITE CKSUM
	tank                DEGRADED     0     0     0
	  77777777777       UNAVAIL      0     0     0  was /srv/a ONLINE 1 2 3
	  /srv/b FAULTED x  ONLINE       0     0     9
	  /srv/c            ONLINE       0     0     0
	  /srv/c            ONLINE       0     0     0
	  /srv/c            ONLINE       0     0     0

errors: No known data errors
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `tank  DEGRADED errors=0
  77777777777 file data leaf=true in="" top=77777777777 UNAVAIL 0/0/0 slow=- path=/srv/a ONLINE 1 2 3 note="was /srv/a ONLINE 1 2 3" missing
  /srv/b FAULTED x file data leaf=true in="" top=/srv/b FAULTED x ONLINE 0/0/9 slow=- path=/srv/b FAULTED x note=""
  /srv/c file data leaf=true in="" top=/srv/c ONLINE 0/0/0 slow=- path=/srv/c note=""
  /srv/c#2 file data leaf=true in="" top=/srv/c ONLINE 0/0/0 slow=- path=/srv/c note=""
  /srv/c#3 file data leaf=true in="" top=/srv/c ONLINE 0/0/0 slow=- path=/srv/c note=""
`
	if diff := cmp.Diff(want, tree(pools)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Of a rebuild's line and a scrub's, the one that runs.
	if s := pools[0].Scan; s == nil || s.State != Scanning || s.Function != Scrub {
		t.Errorf("scan %+v", s)
	}
}

func TestGUIDsOfOtherVdevsAreNotTaken(t *testing.T) {
	pool := examples()["raidz2, a faulted disk and a spare in use"]
	text := []byte(fake.Text([]fake.Pool{pool}, fake.Form{Exact: true}))
	changed := pool
	changed.Vdevs = slices.Clone(pool.Vdevs)
	changed.Vdevs[0].Children = pool.Vdevs[0].Children[1:]
	for name, guids := range map[string]string{
		"a disk less":     fake.Text([]fake.Pool{changed}, fake.Form{GUIDs: true}),
		"another pool":    fake.Text([]fake.Pool{{Name: "x", GUID: "1", State: "ONLINE"}}, fake.Form{GUIDs: true}),
		"names":           string(text),
		"garbage":         "usage: none\n",
		"half of a table": string(text[:len(text)/2]),
	} {
		t.Run(name, func(t *testing.T) {
			if sameVdevs(text, []byte(guids)) {
				t.Error("taken for the same")
			}
			pools, err := parseText(text, []byte(guids))
			if err != nil {
				t.Fatal(err)
			}
			if got := pools[0].Vdevs[0].ID; got != "raidz2-0" {
				t.Errorf("ID %q", got)
			}
		})
	}
}

func TestBadDocuments(t *testing.T) {
	whole := fake.JSON([]fake.Pool{fake.Slots("tank", 1, 3)})
	for name, doc := range map[string]string{
		"half":        whole[:len(whole)/2],
		"two":         whole + whole,
		"an array":    "[]",
		"no pools":    "{}",
		"a number":    "1",
		"deep":        `{"pools":` + strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000) + `}`,
		"no state":    `{"pools":{"tank":{"name":"tank"}}}`,
		"twice":       `{"pools":{"p":{"state":"ONLINE"},"q":{"name":"p","state":"ONLINE"}}}`,
		"many pools":  `{"pools":{` + strings.Repeat(`"p":{"state":"ONLINE"},`, maxPools) + `"q":{"state":"ONLINE"}}}`,
		"many spares": `{"pools":{"p":{"state":"ONLINE","spares":{` + strings.Repeat(`"x":{},`, maxVdevs) + `"y":{}}}}}`,
	} {
		if pools, err := parseJSON([]byte(doc)); !errors.Is(err, ErrBadOutput) {
			t.Errorf("JSON, %s: %d pools, %v", name, len(pools), err)
		}
	}
	text := fake.Text([]fake.Pool{fake.Slots("tank", 1, 3)}, fake.Form{})
	for name, doc := range map[string]string{
		"empty":       "",
		"broken off":  text[:len(text)/2],
		"other":       "hello\n",
		"no state":    "  pool: tank\nconfig:\n",
		"many pools":  strings.Repeat("  pool: p\n state: ONLINE\n", maxPools+1),
		"many vdevs":  "  pool: p\n state: ONLINE\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n" + strings.Repeat("\tp ONLINE 0 0 0\n", maxVdevs+2),
		"deep spares": "  pool: p\n state: ONLINE\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n\tp ONLINE 0 0 0\n\t" + strings.Repeat(" ", 300) + "x ONLINE 0 0 0\n",
	} {
		if pools, err := parseText([]byte(doc), nil); !errors.Is(err, ErrBadOutput) {
			t.Errorf("text, %s: %d pools, %v", name, len(pools), err)
		}
	}
}

func TestParseCount(t *testing.T) {
	for s, want := range map[string]string{
		"0": "0", "104": "104", "1.2K": "1229", "62.5G": "67108864000", "0B": "0", "512B": "512", "1.20T": "1319413953331",
		"18446744073709551615": "18446744073709551615", "-": "", "": "", "-1": "", "K": "", "1e9": "", "0x10": "", "inf": "", "99Z": "", "1.2.3": "", "B": "",
	} {
		got := ""
		if n := parseCount(s); n != nil {
			got = fmt.Sprint(*n)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestTextScan(t *testing.T) {
	for text, want := range map[string]string{
		"none requested": "",
		"scrub repaired 0B in 1 days 02:00:01 with 3 errors on Sun Nov 15 02:24:02 2026":                                                                              "scrub finished 2026-11-14T00:24:01Z 2026-11-15T02:24:02Z errors=3",
		"resilvered (mirror-0) 6.50G in 00:01:03 with 0 errors on Sun Nov 1 02:24:02 2026":                                                                            "resilver finished 2026-11-01T02:22:59Z 2026-11-01T02:24:02Z errors=0",
		"scrub repaired 0 in 5h3m with 0 errors on Sun Nov 15 02:24:02 2026":                                                                                          "scrub finished 2026-11-14T21:21:02Z 2026-11-15T02:24:02Z errors=0",
		"scrub in progress since Sun Nov 15 00:24:01 2026 1.20T scanned at 1.5G/s, 800G issued at 900M/s, 10.0T total 0B repaired, 7.81% done, 0 days 02:48:21 to go": "scrub scanning 2026-11-15T00:24:01Z done=0.0781 issued=858993459200 of 10995116277760",
		"resilver in progress since Sun Nov 15 00:24:01 2026 1.20T scanned out of 10.0T at 100M/s, 25h0m to go 120G resilvered, 12.00% done":                          "resilver scanning 2026-11-15T00:24:01Z done=0.12 of 10995116277760",
		"scrub in progress since Sun Nov 15 00:24:01 2026 0B / 10.0T scanned, 0B / 10.0T issued 0B repaired, 0.00% done, no estimated completion time":                "scrub scanning 2026-11-15T00:24:01Z done=0 issued=0 of 10995116277760",
		"resilver canceled on Sun Nov 15 00:24:01 2026":                                                                                                               "resilver canceled 2026-11-15T00:24:01Z",
		"scrubbed 100 error blocks in 0 days 00:01:01 on Sun Nov 15 02:24:02 2026":                                                                                    "error_scrub finished 2026-11-15T02:23:01Z 2026-11-15T02:24:02Z",
		"error scrub in progress since Sun Nov 15 00:24:01 2026 9.09% done, issued I/O for 10 error blocks":                                                           "error_scrub scanning 2026-11-15T00:24:01Z done=0.0909",
		"error scrub paused since Sun Nov 15 00:30:00 2026 error scrub started on Sun Nov 15 00:24:01 2026 50.00% done, issued I/O for 5 error blocks":                "error_scrub paused 2026-11-15T00:24:01Z done=0.5",
		"error scrub canceled on Sun Nov 15 00:24:01 2026":                                                                                                            "error_scrub canceled 2026-11-15T00:24:01Z",
		"resilver (mirror-0) canceled on Sun Nov 15 00:24:01 2026":                                                                                                    "resilver canceled 2026-11-15T00:24:01Z",
		"scrub in progress since yesterday":                                                                                                                           "",
		"gibberish":                                                                                                                                                   "",
	} {
		got := scanLine(textScan(text))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// scanLine shows a scan in a line.
func scanLine(s *Scan) string {
	if s == nil {
		return ""
	}
	line := fmt.Sprint(s.Function, " ", s.State)
	for _, at := range []time.Time{s.StartTime, s.EndTime} {
		if !at.IsZero() {
			line += " " + at.Format(time.RFC3339)
		}
	}
	if s.Errors != nil {
		line += fmt.Sprintf(" errors=%d", *s.Errors)
	}
	if s.Done != nil {
		line += fmt.Sprintf(" done=%v", *s.Done)
	}
	if s.Issued != nil {
		line += fmt.Sprintf(" issued=%d", *s.Issued)
	}
	if s.ToExamine != nil {
		line += fmt.Sprintf(" of %d", *s.ToExamine)
	}
	return line
}
