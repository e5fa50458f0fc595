//go:build vm

// Package guest is the job of the virtual machine that internal/vmtest starts:
// it sets up drives and volumes there, runs the exporter and takes things away
// from it.
package guest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain keeps its hands off any other machine.
func TestMain(m *testing.M) {
	if line, _ := os.ReadFile("/proc/cmdline"); !bytes.Contains(line, []byte("storage_exporter.guest")) {
		fmt.Println("runs only in the virtual machine of internal/vmtest")
		return
	}
	os.Exit(m.Run())
}

// All times are for a machine that is emulated beside other work. A scrape that
// waits for a dead server would take for ever; one that is served from snapshots
// takes a tenth of this.
const (
	scrapeTime = 5 * time.Second
	patience   = 60 * time.Second
)

func TestGuest(t *testing.T) {
	setUp(t)
	e := startExporter(t)
	run := func(name string, step func(*testing.T, *exporter)) {
		t.Run(name, func(t *testing.T) { step(t, e) })
	}
	run("drives", testDrives)
	local := []*load{startLoad(t, mdPoint), startLoad(t, xfsPoint)}
	run("volumes", testVolumes)
	run("unmounted", testUnmounted)
	run("member-lost", testMemberLost)
	run("drive-taken-away", testDriveTakenAway)
	run("nfs-server-ends", testServerEnds)
	for _, l := range local {
		l.stop(t)
	}
	run("termination", testTermination)
}

// testDrives wants what smartctl says of each drive.
func testDrives(t *testing.T, e *exporter) {
	e.await(t, nil, "four drives", func(p page) string {
		return p.want(
			is(`jbod_drive_info`, 1, `serial_number="NV0001"`), is(`jbod_drive_info`, 1, `serial_number="AT0001"`),
			is(`jbod_drive_info`, 1, `serial_number="SC0001"`), is(`jbod_drive_info`, 1, `model_name="Linux scsi_debug"`),
		)
	})
	p := e.scrape(t)
	if wrong := p.want(
		is(`storage_scrape_collector_success`, 1, `collector="smart"`),
		is(`smartctl_devices`, 4),
		is(`smartctl_device`, 1, `serial_number="NV0001"`, `interface="nvme"`, `protocol="NVMe"`, `model_name="QEMU NVMe Ctrl"`),
		is(`smartctl_device`, 1, `serial_number="AT0001"`, `interface="sat"`, `protocol="ATA"`, `model_name="QEMU HARDDISK"`),
		is(`smartctl_device`, 1, `serial_number="SC0001"`, `interface="scsi"`, `protocol="SCSI"`, `scsi_vendor="QEMU"`, `scsi_product="QEMU HARDDISK"`),
		is(`smartctl_device`, 1, `interface="scsi"`, `scsi_vendor="Linux"`, `scsi_product="scsi_debug"`),
		is(`smartctl_device_smart_status`, 1, nvmeLabel), is(`smartctl_device_smart_status`, 1, ataLabel),
		is(`smartctl_device_smartctl_exit_status`, 0, nvmeLabel),
		is(`smartctl_device_capacity_bytes`, 64<<20, ataLabel),
		is(`smartctl_device_critical_warning`, 0, nvmeLabel),
		is(`smartctl_device_available_spare`, 0, nvmeLabel), is(`smartctl_device_media_errors`, 0, nvmeLabel),
		is(`smartctl_device_percentage_used`, 0, nvmeLabel), is(`smartctl_device_num_err_log_entries`, 0, nvmeLabel),
		positive(`smartctl_device_temperature`, nvmeLabel, `temperature_type="current"`),
		positive(`smartctl_device_bytes_read`, nvmeLabel),
		positive(`smartctl_device_temperature`, ataLabel, `temperature_type="current"`),
		positive(`smartctl_device_attribute`, ataLabel, `attribute_name="Airflow_Temperature_Cel"`, `attribute_value_type="value"`),
	); wrong != "" {
		t.Error(wrong)
	}
}

// testVolumes wants performance while there are requests, health and usage. The
// counters of an array and of the NVMe drive stand still: those below them count.
func testVolumes(t *testing.T, e *exporter) {
	still := map[string]bool{"md0": false, "md1": true, filepath.Base(await(t, nvme)): true}
	before := map[string]string{}
	for name := range still {
		before[name] = read(t, "/sys/block/"+name+"/stat")
	}
	for _, point := range []string{nfsPoint, stripePoint} {
		l := startLoad(t, point)
		defer l.stop(t)
	}
	for volume, collector := range map[string]string{"md": "vfs", "stripe": "vfs", "xfs": "xfs", "nfs": "nfs"} {
		label := `volume="` + volume + `"`
		e.await(t, nil, "performance, health and usage of "+volume, func(p page) string {
			return p.want(
				positive(`backendai_storage_volume_iops_read`, label), positive(`backendai_storage_volume_iops_write`, label),
				positive(`backendai_storage_volume_throughput_bytes_read`, label), positive(`backendai_storage_volume_throughput_bytes_write`, label),
				positive(`backendai_storage_volume_latency_usec_read`, label), positive(`backendai_storage_volume_latency_usec_write`, label),
				is(`backendai_storage_volume_health_status`, 1, label, `status="healthy"`),
				is(`backendai_storage_volume_health_status`, 0, label, `status="offline"`),
				is(`backendai_storage_volume_read_only`, 0, label),
				positive(`backendai_storage_volume_used_bytes`, label), positive(`backendai_storage_volume_available_bytes`, label),
				within(`backendai_storage_volume_capacity_bytes`, 16<<20, 1<<30, label),
				is(`storage_scrape_collector_success`, 1, `collector="`+collector+`"`),
			)
		})
	}
	for name, want := range still {
		if is := read(t, "/sys/block/"+name+"/stat") == before[name]; is != want {
			t.Errorf("the counters of %s stand still: %v", name, is)
		}
	}
}

// testUnmounted wants a volume whose file system is not mounted any more to be
// offline, until it is again.
func testUnmounted(t *testing.T, e *exporter) {
	const volume = `volume="stripe"`
	keep := e.scrape(t).steady(volume)
	if err := unix.Unmount(stripePoint, 0); err != nil {
		t.Fatal(err)
	}
	e.await(t, keep, "the volume offline", func(p page) string {
		return p.want(is(`backendai_storage_volume_health_status`, 1, volume, `status="offline"`))
	})
	mount(t, "/dev/md1", "ext4", stripePoint)
	e.await(t, keep, "the volume healthy again", func(p page) string {
		return p.want(is(`backendai_storage_volume_health_status`, 1, volume, `status="healthy"`))
	})
}

// testMemberLost wants an array that has lost a disk to make its volume degraded,
// although it has no redundancy that could be.
func testMemberLost(t *testing.T, e *exporter) {
	const volume = `volume="stripe"`
	keep := e.scrape(t).steady(volume)
	device, err := filepath.EvalSymlinks("/sys/block/vdd/device") // the virtio device on its PCI device
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(device), "remove"), "1")
	e.await(t, keep, "the volume degraded", func(p page) string {
		return p.want(is(`backendai_storage_volume_health_status`, 1, volume, `status="degraded"`))
	})
}

// testDriveTakenAway wants the series of a drive that is gone to vanish, those of
// all others to stay in every scrape, and it back when the drive is.
func testDriveTakenAway(t *testing.T, e *exporter) {
	before := e.scrape(t)
	name := before.device(`serial_number="SC0001"`)
	label := `device="` + name + `"`
	keep := before.steady(label)
	adapter, place := scsiAddress(t, name)
	write(t, "/sys/block/"+name+"/device/delete", "1")
	e.await(t, keep, "no series of the drive", func(p page) string { return p.grep(label) })
	write(t, "/sys/class/scsi_host/"+adapter+"/scan", place)
	e.await(t, keep, "the drive again", func(p page) string {
		return p.want(is(`smartctl_device`, 1, `serial_number="SC0001"`, `protocol="SCSI"`))
	})
}

// testServerEnds wants a hung mount to cost its own volume's health and nothing
// else.
func testServerEnds(t *testing.T, e *exporter) {
	const volume = `volume="nfs"`
	offline := is(`backendai_storage_volume_health_status`, 1, volume, `status="offline"`)
	keep := e.scrape(t).steady(volume)
	command(t, "rpc.nfsd", "0")
	e.await(t, keep, "the volume offline", func(p page) string { return p.want(offline) })

	const rounds = 3
	threads := e.threads(t)
	for end := time.Now().Add(rounds * probeInterval); time.Now().Before(end); time.Sleep(time.Second) {
		p := e.scrape(t)
		p.keeps(t, keep)
		if wrong := p.want(offline, stuck(1)); wrong != "" {
			t.Fatalf("%s\n%s", wrong, p.grep("storage_observe_stuck"))
		}
	}
	// Three probes in each round would have kept a thread each.
	if now := e.threads(t); now > threads+rounds {
		t.Errorf("%d threads, %d when the mount began to hang", now, threads)
	}

	command(t, "rpc.nfsd", nfsdArgs...)
	e.await(t, keep, "the volume healthy again", func(p page) string {
		return p.want(is(`backendai_storage_volume_health_status`, 1, volume, `status="healthy"`), stuck(0))
	})
}

// testTermination ends the exporter while a probe hangs.
func testTermination(t *testing.T, e *exporter) {
	command(t, "rpc.nfsd", "0")
	e.await(t, nil, "a hung mount", func(p page) string { return p.want(stuck(1)) })
	took, err := e.terminate()
	if err != nil || took > 3*scrapeTime {
		t.Errorf("ended after %v: %v", took, err)
	}
	t.Logf("ended after %v", took)
}
