package event

import (
	"encoding/base64"
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"storage_exporter/internal/nearest"
	"storage_exporter/internal/secret"
)

// The formats of a webhook.
const (
	FormatJSON      = "json"
	FormatSlack     = "slack"
	FormatPagerDuty = "pagerduty"
)

// Formats lists the formats.
var Formats = []string{FormatJSON, FormatSlack, FormatPagerDuty}

const (
	// DefaultTimeout bounds a call of a webhook where nothing is chosen.
	DefaultTimeout = 10 * time.Second
	longestTimeout = time.Minute
	// pagerDutyURL is where PagerDuty takes events.
	pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"
	// whsec stands before a secret that is written in base64.
	whsec = "whsec_"
	// longestHoldOfState bounds the time for which a state must hold.
	longestHoldOfState = 24 * time.Hour
)

// Webhook is one place to send events to.
type Webhook struct {
	Name       string
	URL        secret.Text // whoever has it can post there
	Format     string
	Secret     secret.Text // to sign with; empty: nothing is signed
	RoutingKey secret.Text // of PagerDuty
	Subjects   []string
	States     []string
	Timeout    time.Duration
}

var webhookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Check reports what is wrong with a webhook, by its keys in the configuration. No
// message quotes a secret.
func (w *Webhook) Check(wrong func(key, format string, args ...any)) {
	if !webhookName.MatchString(w.Name) {
		wrong("name", "must be 1 to 63 letters, digits, dots, dashes and underscores: it is a label of metrics")
	}
	if !slices.Contains(Formats, w.Format) {
		wrong("format", `must be one of "%s"%s`, strings.Join(Formats, `", "`), nearest.Hint(w.Format, Formats))
	}
	switch u, err := url.Parse(w.URL.Reveal()); {
	case w.URL.Reveal() == "" && w.Format != FormatPagerDuty:
		wrong("url", "is missing: write `url_file = \"/…\"`, the file with the webhook's URL")
	case w.URL.Reveal() == "":
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		wrong("url", "must be a URL that begins with https:// or http://")
	}
	if _, err := signingKey(w.Secret); err != nil {
		wrong("secret", "must be base64 after %s, as the receiver shows it", whsec)
	}
	switch {
	case w.Secret.Reveal() != "" && w.Format != FormatJSON:
		wrong("secret", "has no effect: write `format = \"json\"`, or leave it out")
	case w.RoutingKey.Reveal() != "" && w.Format != FormatPagerDuty:
		wrong("routing_key", "has no effect: write `format = \"pagerduty\"`, or leave it out")
	case w.RoutingKey.Reveal() == "" && w.Format == FormatPagerDuty:
		wrong("routing_key", "is missing: write `routing_key_file = \"/…\"`, the file with the integration key")
	}
	if w.Timeout <= 0 || w.Timeout > longestTimeout {
		wrong("timeout", "must be above 0 and %v at most", longestTimeout)
	}
	w.filter().Check(wrong)
}

// CheckHold reports a time that is too long to be meant.
func CheckHold(hold time.Duration, wrong func(key, format string, args ...any)) {
	if hold < 0 || hold > longestHoldOfState {
		wrong("hold", "must be %v at most", longestHoldOfState)
	}
}

// CheckExternal checks the URL of this exporter, for links; empty is none.
func CheckExternal(external string) error {
	u, err := url.Parse(external)
	if external != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		return errors.New("must be a URL such as https://storage-01.example.net:9777, without a user and a query")
	}
	return nil
}

func (w *Webhook) filter() Filter { return Filter{w.Subjects, w.States} }

// wants says whether an event is for the webhook. PagerDuty gets every good state, so
// that what was triggered is resolved.
func (w *Webhook) wants(e Event) bool {
	f := w.filter()
	return f.Wants(e) || w.Format == FormatPagerDuty && f.subject(e.Subject) && good(e.Subject.Kind, e.State)
}

// signingKey is what to sign with: the bytes that are written in base64, or the text.
func signingKey(s secret.Text) ([]byte, error) {
	text := s.Reveal()
	if encoded, ok := strings.CutPrefix(text, whsec); ok {
		return base64.StdEncoding.DecodeString(encoded)
	}
	return []byte(text), nil
}

// Apply makes these the webhooks, and hold the time for which a state must hold. What
// waits for a webhook of the same name waits on. The webhooks have been checked.
func (e *Events) Apply(hold time.Duration, webhooks []Webhook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.hold = hold
	next := make(map[string]Webhook, len(webhooks))
	for _, w := range webhooks {
		next[w.Name] = w
	}
	for name := range e.settings {
		if _, stays := next[name]; !stays {
			e.dropped(name, e.queues[name].drain())
			delete(e.queues, name)
			delete(e.settings, name)
			e.cfg.Metrics.remove(name)
		}
	}
	for name, w := range next {
		old := e.queues[name]
		if old != nil && same(e.settings[name], w) && !old.isGone() {
			continue
		}
		q := e.newQueue(name, newPoster(w, e.cfg.transport), w.wants)
		if old != nil {
			for _, j := range old.drain() {
				e.dropped(name, q.add(j))
			}
		}
		e.queues[name], e.settings[name] = q, w
		e.start(q)
	}
}

func same(a, b Webhook) bool {
	equal := a.URL.Equal(b.URL) && a.Secret.Equal(b.Secret) && a.RoutingKey.Equal(b.RoutingKey)
	a.URL, a.Secret, a.RoutingKey = b.URL, b.Secret, b.RoutingKey
	return equal && reflect.DeepEqual(a, b)
}

func (q *queue) isGone() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.gone
}
