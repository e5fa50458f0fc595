package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"storage_exporter/internal/outside"
)

// encode is the body for a webhook's format.
func encode(w *Webhook, e Event) ([]byte, error) {
	switch w.Format {
	case FormatSlack:
		return json.Marshal(map[string]string{"text": slackText(e)})
	case FormatPagerDuty:
		return json.Marshal(pagerDutyEvent(w, e))
	default:
		return json.Marshal(e)
	}
}

// slackEscape is all that Slack wants to be escaped.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackText is one text: host, subject, old and new state, reason, link.
func slackText(e Event) string {
	text := slackEscape.Replace(sentence(e))
	if e.Link != "" {
		text += " (<" + strings.NewReplacer("|", "%7C").Replace(slackEscape.Replace(e.Link)) + "|details>)"
	}
	return text
}

// sentence is the event for people.
func sentence(e Event) string {
	text := fmt.Sprintf("%s: %s %s is %s, it was %s", e.Host, e.Subject.Kind, e.Subject.Name, e.State, e.Previous)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

type pagerDuty struct {
	RoutingKey string            `json:"routing_key"`
	Action     string            `json:"event_action"`
	DedupKey   string            `json:"dedup_key"`
	Payload    *pagerDutyPayload `json:"payload,omitempty"`
	Links      []pagerDutyLink   `json:"links,omitempty"`
}

type pagerDutyPayload struct {
	Summary   string `json:"summary"`
	Source    string `json:"source"`
	Severity  string `json:"severity"`
	Timestamp string `json:"timestamp"`
	Component string `json:"component"`
	Group     string `json:"group"`
	Class     string `json:"class"`
	Details   Event  `json:"custom_details"`
}

type pagerDutyLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// longestSummary is what PagerDuty takes.
const longestSummary = 1024

// pagerDutyEvent triggers an incident, or resolves it; both have one key.
func pagerDutyEvent(w *Webhook, e Event) pagerDuty {
	p := pagerDuty{RoutingKey: w.RoutingKey.Reveal(), Action: "resolve", DedupKey: "storage_exporter-" + e.Dedup}
	if good(e.Subject.Kind, e.State) {
		return p
	}
	p.Action = "trigger"
	p.Payload = &pagerDutyPayload{
		Summary: outside.TextUpTo(sentence(e), longestSummary), Source: e.Host, Severity: severity(e.State), Timestamp: e.Time.Format(time.RFC3339Nano),
		Component: e.Subject.Name, Group: string(e.Subject.Kind), Class: e.State, Details: e,
	}
	if e.Link != "" {
		p.Links = []pagerDutyLink{{e.Link, "the exporter"}}
	}
	return p
}

// severity is PagerDuty's word for a state that is not the good one.
func severity(state string) string {
	switch state {
	case "degraded", "warning":
		return "warning"
	case "offline", "failing", "unhealthy":
		return "critical"
	}
	return "error"
}
