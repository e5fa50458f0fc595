package purestorage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"storage_exporter/internal/few"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	longestInfo = 600 // characters
	longestWord = 40
	mostNamed   = 3 // parts that are named
)

// Health is the file system's own state and, for all alike, that of the array.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	files, at, err := b.files.Get(ctx)
	if err != nil {
		return nil, err
	}
	f, err := b.about(ctx)
	if err != nil {
		return nil, err
	}
	troubles := f.troubles()
	metadata := f.metadata(b.endpoint)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Health, time.Time, error) {
		fs, err := find(files, o)
		if err != nil {
			return volume.Health{}, at, err
		}
		found := fs.judge(o)
		if found.Status() != volume.Offline {
			found.Add(volume.Degraded, troubles...)
			f.alertsFor(o.fs, &found)
		}
		facts := maps.Clone(metadata)
		facts["performance_protocol"] = cmp.Or(o.protocol, all)
		return rest.Judged(found, longestInfo, facts), at, nil
	}), nil
}

// judge is what the file system says of itself.
func (f fileSystem) judge(o options) volume.Verdict {
	var found volume.Verdict
	if f.Destroyed.Value {
		info := fmt.Sprintf("the file system %s is destroyed", o.fs)
		if f.TimeRemaining.Valid && f.TimeRemaining.Value > 0 {
			info += fmt.Sprintf(": it can be recovered for %.1f hours", float64(f.TimeRemaining.Value)/float64(time.Hour/time.Millisecond))
		}
		found.Add(volume.Offline, info)
		return found
	}
	switch p := strings.ToLower(f.Promotion.String()); p {
	case "promoted", "": // 1.x does not say
	case "demoted", "promoting", "demoting":
		found.Worsen(volume.Degraded, "the file system is %s", p)
	default:
		found.Worsen(volume.Degraded, "the file system has an unknown promotion status %q", rest.Clean(p, longestWord))
	}
	if f.Writable.Valid && !f.Writable.Value && !o.readOnly {
		found.Worsen(volume.Degraded, "the file system is read-only")
	}
	return found
}

// troubles are those of the whole array.
func (f facts) troubles() []string {
	var troubles []string
	if p := f.space.Parity.Amount(); p != nil && *p < 1 {
		troubles = append(troubles, fmt.Sprintf("rebuilding: parity %v, so that not all data is fully redundant", *p))
	}
	if bad := wrong(f.blades, nil); len(bad) > 0 {
		troubles = append(troubles, fmt.Sprintf("%d of %d blades healthy: %s", len(f.blades)-len(bad), len(f.blades), few.Of(bad, mostNamed, ", ")))
	}
	if bad := wrong(f.hardware, f.blades); len(bad) > 0 {
		troubles = append(troubles, "hardware: "+few.Of(bad, mostNamed, ", "))
	}
	return append(troubles, f.unknown...)
}

// wrong are the components that are not well, without those that are shown already.
func wrong(components, shown []component) []string {
	seen := map[rest.Text]bool{}
	for _, c := range shown {
		seen[c.Name] = true
	}
	var bad []string
	for _, c := range components {
		if text := c.trouble(); text != "" && !seen[c.Name] {
			bad = append(bad, text)
		}
	}
	return bad
}

// trouble says what is wrong with a component; empty for nothing.
func (c component) trouble() string {
	status := strings.ToLower(c.Status.String())
	switch status {
	case "healthy", "identifying", "unused", "evacuated":
		return ""
	case "critical", "unhealthy", "evacuating":
	case "unknown":
		status = "in unknown state"
	case "":
		status = "tells no state"
	default:
		status = fmt.Sprintf("in a state that is not known here, %q", rest.Clean(c.Status.String(), longestWord))
	}
	text := rest.Clean(c.Name.String(), longestWord) + " " + status
	if c.Details != "" {
		text += " (" + rest.Clean(c.Details.String(), 80) + ")"
	}
	return text
}

// alertsFor judges the alerts about a file system, or about the array as a whole. The
// first that is not critical is noted only where nothing is wrong.
func (f facts) alertsFor(fs string, found *volume.Verdict) {
	var critical []string
	var notice string
	for _, a := range f.alerts {
		about := a.ComponentName + a.Component
		if strings.HasPrefix(strings.ToLower(a.ComponentType.String()), "file") && about.String() != fs {
			continue
		}
		text := a.Summary + a.Subject
		if text == "" {
			text = "no text, about " + about
		}
		severity := strings.ToLower(a.Severity.String())
		switch severity {
		case "info", "warning":
			if notice == "" {
				notice = fmt.Sprintf("open alert (%s): %s", severity, text)
			}
			continue
		case "critical":
		default:
			severity = fmt.Sprintf("severity %q", rest.Clean(a.Severity.String(), longestWord))
		}
		critical = append(critical, fmt.Sprintf("open alert (%s): %s", severity, rest.Clean(text.String(), 200)))
	}
	found.Add(volume.Degraded, critical[:min(len(critical), mostNamed)]...)
	if found.Status() == volume.Healthy {
		found.Add(volume.Healthy, notice)
	}
}
