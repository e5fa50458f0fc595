package ddn

import (
	"regexp"
	"strings"

	"storage_exporter/volume"
)

// devices is what the health_check file says. On a client it is about the
// client's own devices only.
type devices struct {
	said      string // "" where the file cannot be read
	crashed   bool
	unhealthy []string // of this file system
	others    bool     // something of another file system is unhealthy
}

var unhealthy = regexp.MustCompile(`^device (\S+) reported unhealthy$`)

// parseHealthCheck reads `healthy`, `LBUG`, or `NOT HEALTHY` with the devices.
func parseHealthCheck(content []byte, fsname string) devices {
	var d devices
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if m := unhealthy.FindStringSubmatch(line); m != nil {
			line = "NOT HEALTHY" // as one of the next lines says
			if strings.HasPrefix(m[1], fsname+"-") {
				d.unhealthy = append(d.unhealthy, word(m[1]))
			} else {
				d.others = true
			}
		}
		d.crashed = d.crashed || line == "LBUG"
		if line != "" && (d.said == "" || d.said == "healthy") {
			d.said = word(line)
		}
	}
	return d
}

func (d devices) judge(found *volume.Verdict, facts map[string]string) {
	if d.said == "" {
		facts["health_check"] = "unknown"
		return
	}
	facts["health_check"] = d.said
	switch {
	case d.crashed:
		found.Worsen(volume.Offline, "the Lustre client has failed (LBUG): see the kernel log, then restart the host")
	case len(d.unhealthy) > 0:
		found.Worsen(volume.Degraded, "Lustre reports unhealthy: %s: see the kernel log", some(d.unhealthy))
	case d.said == "NOT HEALTHY" && d.others: // of another file system
	case d.said != "healthy":
		found.Worsen(volume.Degraded, "Lustre's health_check says %q", d.said)
	}
}
