// Package smartctl runs smartctl: it reads a drive, and scans for drives.
package smartctl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"storage_exporter/internal/command"
	"storage_exporter/internal/outside"
	"storage_exporter/smart/report"
)

// PowerModeChecks lists what --smartctl.powermode-check takes: the least deep
// power mode in which a drive is left alone.
var PowerModeChecks = []string{"never", "sleep", "standby", "idle"}

// What holds where nothing is chosen.
const (
	DefaultPath           = "/usr/sbin/smartctl"
	DefaultPowerModeCheck = "standby"
)

// Tool runs smartctl. It may be used by many goroutines.
type Tool struct {
	path           string
	powerModeCheck string
	scanTypes      []string
	// plain is set once smartctl has refused one of our logs: from then on
	// none but the error log is asked for.
	plain atomic.Bool
}

// Config is what a Tool is made of.
type Config struct {
	Path           string   // DefaultPath if empty
	PowerModeCheck string   // one of PowerModeChecks; DefaultPowerModeCheck if empty
	ScanTypes      []string // passed to the scan as --device; may be empty
}

// New makes a Tool. Whether smartctl is there shows only when it runs.
func New(cfg Config) (*Tool, error) {
	t := &Tool{
		path:           cmp.Or(cfg.Path, DefaultPath),
		powerModeCheck: cmp.Or(cfg.PowerModeCheck, DefaultPowerModeCheck),
		scanTypes:      cfg.ScanTypes,
	}
	if !slices.Contains(PowerModeChecks, t.powerModeCheck) {
		return nil, fmt.Errorf("power mode %q is none of %s", t.powerModeCheck, strings.Join(PowerModeChecks, ", "))
	}
	for _, typ := range t.scanTypes {
		if !ValidType(typ) {
			return nil, fmt.Errorf("%q is no device type of smartctl", typ)
		}
	}
	return t, nil
}

// ScanTypes are the types of the scan.
func (t *Tool) ScanTypes() []string { return t.scanTypes }

// Document is what one run of smartctl printed.
type Document struct {
	// JSON is smartctl's own document, compact and valid UTF-8.
	JSON   json.RawMessage
	Report *report.Report
	// Asleep says that the drive was left alone because of its power mode. The
	// report then has little more than that mode.
	Asleep bool
	// Missing are logs that were asked for and that the drive does not have.
	Missing Logs
}

// netTimeout bounds a run for a caller that forgot to.
const netTimeout = time.Minute

// Read asks smartctl for all that a drive reports cheaply, but for the logs of
// without. The error is ErrNotInstalled, a *ReportError, report.ErrBadOutput
// or ctx's, wrapped.
//
// A log that the drive does not have makes smartctl set report.ExitCommand. That
// would look like a fault of the drive, so then the drive is read again without
// the logs that are missing; pass Missing as without the next time.
func (t *Tool) Read(ctx context.Context, d Device, without Logs) (*Document, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("device %q of type %q: not a name that smartctl can be given", d.Name, d.Type)
	}
	ctx, cancel := withNet(ctx)
	defer cancel()
	logs := allLogs &^ without
	if t.plain.Load() {
		logs = 0
	}
	doc, err := t.read(ctx, d, logs)
	if refused := (*ReportError)(nil); logs != 0 && errors.As(err, &refused) && strings.Contains(refused.Message, "INVALID ARGUMENT TO -l") {
		t.plain.Store(true)
		return t.read(ctx, d, 0)
	}
	if err != nil || doc.Asleep || doc.Report.Smartctl.ExitStatus&report.ExitCommand == 0 {
		return doc, err
	}
	missing := logs & relevantLogs(doc.Report) &^ foundLogs(doc.Report)
	if missing == 0 {
		return doc, nil
	}
	if again, err := t.read(ctx, d, logs&^missing); err == nil && !again.Asleep {
		doc = again
	}
	doc.Missing = missing
	return doc, nil
}

// read runs smartctl once.
func (t *Tool) read(ctx context.Context, d Device, logs Logs) (*Document, error) {
	args := []string{
		"--json", "--info", "--health", "--attributes", "--tolerance=verypermissive",
		"--nocheck=" + t.powerModeCheck, "--format=brief", "--log=error",
	}
	args = append(args, logs.args()...)
	args = append(args, "--device="+d.Type, d.Name)
	doc, err := t.run(ctx, args...)
	if err != nil {
		if errors.Is(err, ErrNotInstalled) {
			return nil, err // of no drive: what all have in common is one line of the log
		}
		return nil, fmt.Errorf("smartctl %s: %w", d.Name, err)
	}
	r := doc.Report
	if _, doc.Asleep = r.Asleep(); doc.Asleep {
		return doc, nil
	}
	refused := &ReportError{Device: d.Name, Type: d.Type, ExitStatus: r.Smartctl.ExitStatus}
	switch {
	case refused.ExitStatus&(report.ExitCommandLine|report.ExitOpen) != 0:
		refused.Message = complaint(r)
	case r.Device.Protocol == "":
		refused.Message = "the answer names no device"
	default:
		return doc, nil
	}
	return nil, refused
}

// run executes smartctl and reads what it prints.
func (t *Tool) run(ctx context.Context, args ...string) (*Document, error) {
	out, err := command.Run(ctx, command.Command{Path: t.path, Args: args, MaxOutput: report.MaxDocument})
	switch {
	case errors.Is(err, command.ErrCannotRun):
		return nil, fmt.Errorf("%w: %w; install the package smartmontools, or name the program with --smartctl.path", ErrNotInstalled, err)
	case errors.Is(err, command.ErrTooMuchOutput):
		return nil, fmt.Errorf("%w: %w", report.ErrBadOutput, err)
	case err != nil:
		return nil, err
	}
	return parseOutput(out)
}

// parseOutput reads the printed JSON and joins it with the exit status.
func parseOutput(out command.Output) (*Document, error) {
	b := bytes.TrimSpace(out.Stdout)
	// Before 7.3, smartctl printed this line of text in front of the JSON for
	// some SAS drives.
	if bytes.HasPrefix(b, []byte("Pending defect count:")) {
		if i := bytes.IndexByte(b, '{'); i > 0 {
			b = b[i:]
		}
	}
	b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	r, err := report.Parse(b)
	if err != nil {
		line := outside.Text(out.FirstLine())
		if line != "" {
			line = fmt.Sprintf(", %q", line)
		}
		return nil, fmt.Errorf("%w (exit status %d%s)", err, out.ExitStatus, line)
	}
	if r.Smartctl.ExitStatus == 0 && out.ExitStatus > 0 {
		r.Smartctl.ExitStatus = out.ExitStatus & 0xff
		if mode, ok := r.Asleep(); ok {
			r.PowerMode = mode
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return nil, fmt.Errorf("%w: %w", report.ErrBadOutput, err)
	}
	return &Document{JSON: outside.PrintableJSON(compact.Bytes()), Report: r}, nil
}

// complaint is smartctl's first error, or else its first remark.
func complaint(r *report.Report) string {
	for _, m := range r.Smartctl.Messages {
		if m.Severity == "error" {
			return m.Text
		}
	}
	if len(r.Smartctl.Messages) > 0 {
		return r.Smartctl.Messages[0].Text
	}
	return ""
}

// withNet gives a context a deadline if it has none.
func withNet(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, netTimeout)
}
