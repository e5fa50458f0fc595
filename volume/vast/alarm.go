package vast

import (
	"context"
	"fmt"
	"strings"

	"storage_exporter/volume/rest"
)

// severities of alarms, worst first. A word that is not known comes last.
var severities = [...]string{"CRITICAL", "MAJOR", "MINOR", "INFO", "other"}

// alarm is something that the cluster finds wrong.
type alarm struct {
	Severity     rest.Text
	Message      rest.Text `json:"alarm_message"`
	Acknowledged rest.Flag
}

// alarms sums up those that nobody acknowledged.
type alarms struct {
	count [len(severities)]int
	first [len(severities)]string // message
}

func (a *alarms) add(one alarm) {
	if one.Acknowledged.Value {
		return
	}
	at := len(severities) - 1
	for i, s := range severities {
		if strings.EqualFold(one.Severity.String(), s) {
			at = i
		}
	}
	a.count[at]++
	if a.first[at] == "" {
		a.first[at] = rest.Clean(one.Message.String(), maxDetail)
	}
}

// String counts them: "1 CRITICAL, 2 MAJOR".
func (a alarms) String() string {
	var parts []string
	for i, n := range a.count {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severities[i]))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ", ")
}

// words counts them and names the worst; empty where all of them only inform.
func (a alarms) words() string {
	for i, n := range a.count {
		if n == 0 || severities[i] == "INFO" {
			continue
		}
		words := "alarms: " + a.String()
		if a.first[i] != "" {
			words += fmt.Sprintf(" (%s)", a.first[i])
		}
		return words
	}
	return ""
}

// fetchAlarms gets them.
func (b *backend) fetchAlarms(ctx context.Context) (alarms, error) {
	var all alarms
	r := rest.Request{Path: "/alarms/", Optional: true, Query: fields("severity", "alarm_message", "acknowledged")}
	err := each(ctx, b.client, r, all.add)
	return all, err
}
