package collector

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"storage_exporter/collector/exposition"
	"storage_exporter/internal/cachetest"
	"storage_exporter/internal/fakesmartctl/faketest"
	fakefleet "storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/smart/report/reporttest"
	"storage_exporter/smart/smartctl"
)

// askedAs are the devices as they were asked for where the document's own name
// and type do not show.
var askedAs = map[string]smart.Device{
	"ata-behind-megaraid-7.3":  {Name: "/dev/bus/6", Type: "megaraid,14"},
	"scsi-behind-megaraid-7.4": {Name: "/dev/bus/0", Type: "megaraid,8"},
	"ata-behind-areca-7.4":     {Name: "/dev/sg2", Type: "areca,3/1"},
	"scsi-behind-cciss-7.4":    {Name: "/dev/sg1", Type: "cciss,2"},
}

// shown is what a source's collector shows, as Prometheus reads it.
func shown(t *testing.T, src exposition.Source) string {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(exposition.NewCollector(src))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// driveSource shows one report.
func driveSource(label string, r *report.Report) exposition.Source {
	all := newDriveFamilies()
	observedAt := time.UnixMilli(1780000000500)
	return fixed("smart", all.list, exposition.Part{ID: label, Emit: func(s exposition.Sink) {
		all.emit(s, label, r, observedAt)
		all.emitAssessment(s, label, r.SerialNumber, assess.Drive(r, nil))
	}})
}

func TestDriveSeriesGolden(t *testing.T) {
	covered := make(map[string]bool)
	for name, doc := range reporttest.Documents(t) {
		t.Run(name, func(t *testing.T) {
			r, err := report.Parse(doc)
			if err != nil {
				t.Fatal(err)
			}
			if r.Smartctl.ExitStatus&(report.ExitCommandLine|report.ExitOpen) != 0 {
				return // a document without a report: it never gets here
			}
			d, ok := askedAs[name]
			if !ok {
				d = smart.Device{Name: r.Device.Name, Type: smartctl.Auto}
			}
			got := shown(t, driveSource(d.AnswerLabel(r.Device.Type), r))
			golden(t, "smart/"+name, got)
			cover(covered, got)
		})
	}
	all := newDriveFamilies()
	for i, name := range names(all.list) {
		if f := all.list[i]; f != all.version && f != all.devices && f != all.observations && f != all.observeError && f != all.path && !covered[name] {
			t.Errorf("no document shows %s", name)
		}
	}
}

// The table is smartctl_exporter's contract: name, type, labels in their order.
func TestSmartctlExporterFamilies(t *testing.T) {
	const dev = "device"
	want := []string{
		"smartctl_version gauge json_format_version smartctl_version svn_revision build_info",
		"smartctl_devices gauge",
		"smartctl_device gauge device interface protocol model_family model_name serial_number ata_additional_product_id firmware_version ata_version sata_version form_factor scsi_vendor scsi_product scsi_revision scsi_version",
		"smartctl_device_capacity_blocks gauge " + dev,
		"smartctl_device_capacity_bytes gauge " + dev,
		"smartctl_device_nvme_capacity_bytes gauge " + dev,
		"smartctl_device_block_size gauge device blocks_type",
		"smartctl_device_interface_speed gauge device speed_type",
		"smartctl_device_attribute gauge device attribute_name attribute_flags_short attribute_flags_long attribute_value_type attribute_id",
		"smartctl_device_power_on_seconds counter " + dev,
		"smartctl_device_rotation_rate gauge " + dev,
		"smartctl_device_temperature gauge device temperature_type",
		"smartctl_device_power_cycle_count counter " + dev,
		"smartctl_device_percentage_used counter " + dev,
		"smartctl_device_available_spare counter " + dev,
		"smartctl_device_available_spare_threshold counter " + dev,
		"smartctl_device_critical_warning counter " + dev,
		"smartctl_device_media_errors counter " + dev,
		"smartctl_device_num_err_log_entries counter " + dev,
		"smartctl_device_bytes_read counter " + dev,
		"smartctl_device_bytes_written counter " + dev,
		"smartctl_device_smart_status gauge " + dev,
		"smartctl_device_smartctl_exit_status gauge " + dev,
		"smartctl_device_state gauge " + dev,
		"smartctl_device_statistics gauge device statistic_table statistic_name statistic_flags_short statistic_flags_long",
		"smartctl_device_error_log_count gauge device error_log_type",
		"smartctl_device_self_test_log_count gauge device self_test_log_type",
		"smartctl_device_self_test_log_error_count gauge device self_test_log_type",
		"smartctl_device_erc_seconds gauge device op_type",
		"smartctl_scsi_grown_defect_list gauge " + dev,
		"smartctl_read_errors_corrected_by_rereads_rewrites gauge " + dev,
		"smartctl_read_errors_corrected_by_eccfast gauge " + dev,
		"smartctl_read_errors_corrected_by_eccdelayed gauge " + dev,
		"smartctl_read_total_uncorrected_errors gauge " + dev,
		"smartctl_write_errors_corrected_by_rereads_rewrites gauge " + dev,
		"smartctl_write_errors_corrected_by_eccfast gauge " + dev,
		"smartctl_write_errors_corrected_by_eccdelayed gauge " + dev,
		"smartctl_write_total_uncorrected_errors gauge " + dev,
		"jbod_drive_info gauge device serial_number wwn model_name",
		"jbod_drive_power_mode gauge device mode",
		"jbod_drive_last_observed_timestamp_seconds gauge device",
		"jbod_drive_assessment gauge device serial_number verdict",
		"jbod_drive_assessment_reason gauge device serial_number rule severity",
		"jbod_drive_observe_error_info gauge device reason",
		"jbod_drive_observe_total counter device status",
		"jbod_drive_path_info gauge device path",
	}
	var got []string
	for _, f := range newDriveFamilies().list {
		got = append(got, f.String())
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("families differ (-want +got):\n%s", diff)
	}
}

func TestDriveSeriesOfSleepers(t *testing.T) {
	asleep := &report.Report{NotRead: true, PowerMode: report.Standby, SerialNumber: "EX1"}
	want := `# HELP jbod_drive_assessment 1 for the verdict on the drive by its last report (ok, warning, failing, unknown), 0 for the others; unknown without a report.
# TYPE jbod_drive_assessment gauge
jbod_drive_assessment{device="sda",serial_number="EX1",verdict="failing"} 0
jbod_drive_assessment{device="sda",serial_number="EX1",verdict="ok"} 0
jbod_drive_assessment{device="sda",serial_number="EX1",verdict="unknown"} 1
jbod_drive_assessment{device="sda",serial_number="EX1",verdict="warning"} 0
# HELP jbod_drive_info Always 1: who the drive is, whatever the kernel calls it.
# TYPE jbod_drive_info gauge
jbod_drive_info{device="sda",model_name="",serial_number="EX1",wwn=""} 1
# HELP jbod_drive_power_mode Always 1: the power mode at the last background observation (active, idle, standby, sleep); active also for an idle drive where smartctl does not distinguish the two.
# TYPE jbod_drive_power_mode gauge
jbod_drive_power_mode{device="sda",mode="standby"} 1
`
	if diff := cmp.Diff(want, shown(t, driveSource("sda", asleep))); diff != "" {
		t.Errorf("series of a drive that was never read (-want +got):\n%s", diff)
	}
}

// newDrives is a monitored set of fake drives in a memory store.
func newDrives(t *testing.T, drives ...fakefleet.Drive) (*smart.Drives, *fakefleet.Fleet) {
	t.Helper()
	path, f := faketest.New(t, drives...)
	tool, err := smartctl.New(smartctl.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	ds, err := smart.NewDrives(smart.DrivesConfig{Cache: cachetest.New(t), Tool: tool, Host: "host", Metrics: smart.NewMetrics(prometheus.NewRegistry())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ds.Close)
	ds.Start()
	return ds, f
}

func TestSmartCollector(t *testing.T) {
	drives := fakefleet.Mixed(8, 4, 0)
	ds, _ := newDrives(t, drives...)
	c := newSmartCollector(ds)
	parts, ok := c.Read(t.Context())
	if !ok || len(parts) != len(drives)+1 {
		t.Fatalf("%d parts, ok %v", len(parts), ok)
	}
	again, _ := c.Read(t.Context())
	for i := range parts {
		if parts[i].ID != again[i].ID || parts[i].Version != again[i].Version {
			t.Errorf("part %v changed although nothing was observed: %v", parts[i], again[i])
		}
	}
	got := shown(t, c)
	for _, want := range []string{
		fmt.Sprintf("smartctl_devices %d\n", len(drives)),
		`smartctl_version{build_info="(local build)",json_format_version="1.0",smartctl_version="7.4",svn_revision="5530"} 1`,
		`smartctl_device_percentage_used{device="nvme0"}`,
		`smartctl_scsi_grown_defect_list{device="sdg"}`,
		`smartctl_device_temperature{device="sda",temperature_type="current"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestSmartCollectorCountsABrokenDrive(t *testing.T) {
	garbage := "smartctl: Bus error\n"
	broken := fakefleet.ATA("/dev/sdb", 2, 4)
	broken.Print = &garbage
	ds, _ := newDrives(t, fakefleet.ATA("/dev/sda", 1, 4), broken)
	parts, ok := newSmartCollector(ds).Read(t.Context())
	if ok || len(parts) != 4 {
		t.Errorf("%d parts, ok %v; want the summary, the good drive, the broken one and its trouble, and a failure", len(parts), ok)
	}
}

func TestSmartCollectorTakesASleeperForASuccess(t *testing.T) {
	sleeper := fakefleet.ATA("/dev/sda", 1, 4)
	sleeper.PowerMode = "STANDBY"
	ds, _ := newDrives(t, sleeper)
	c := newSmartCollector(ds)
	if parts, ok := c.Read(t.Context()); !ok || len(parts) != 2 {
		t.Errorf("%d parts, ok %v", len(parts), ok)
	}
	if got := shown(t, c); !strings.Contains(got, `jbod_drive_power_mode{device="sda",mode="standby"} 1`) || strings.Contains(got, "smartctl_device{") {
		t.Errorf("series of the sleeper:\n%s", got)
	}
}

// A list that is not known is no empty list.
func TestSmartCollectorWithoutList(t *testing.T) {
	for _, err := range []error{smartctl.ErrNotInstalled, context.DeadlineExceeded} {
		parts, ok := newSmartCollector(noDrives{err}).Read(t.Context())
		if ok || len(parts) != 0 {
			t.Errorf("%v: %d parts, ok %v", err, len(parts), ok)
		}
	}
	parts, ok := newSmartCollector(noDrives{}).Read(t.Context())
	if !ok || len(parts) != 1 {
		t.Errorf("a host without drives: %d parts, ok %v", len(parts), ok)
	}
}

type noDrives struct{ err error }

func (n noDrives) List(context.Context) ([]*smart.Drive, error) { return nil, n.err }
