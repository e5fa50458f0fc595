package config

import (
	"fmt"
	"slices"
	"time"

	"storage_exporter/internal/nearest"
	"storage_exporter/internal/secret"
)

// Webhook is one [[webhook]] table.
type Webhook struct {
	Name       string        `toml:"name"`
	URL        secret.Text   `toml:"url"`
	Format     string        `toml:"format"`
	Secret     secret.Text   `toml:"secret"`      // to sign with
	RoutingKey secret.Text   `toml:"routing_key"` // of PagerDuty
	Subjects   []string      `toml:"subjects"`    // empty: all
	States     []string      `toml:"states"`      // empty: all
	Timeout    time.Duration `toml:"timeout"`     // of one call
}

// maxWebhooks bounds what is sent for each change.
const maxWebhooks = 32

// WebhookKey is the table of a webhook, which is the nth.
func WebhookKey(n int) string { return fmt.Sprintf("webhook[%d]", n+1) }

// readWebhooks reads the [[webhook]] tables, in their order.
func (l *loader) readWebhooks(v any) {
	tables, ok := v.([]map[string]any)
	switch {
	case !ok && l.lenient:
		l.warn(l.inFile("webhook"), "is no list of tables and was ignored")
		return
	case !ok:
		l.problem("webhook", "must be a list of tables: write [[webhook]] for each, with a name in it")
		return
	case len(tables) > maxWebhooks:
		l.problem("webhook", "has %d tables: %d are taken at most", len(tables), maxWebhooks)
		return
	}
	names := make(map[string]bool)
	for i, table := range tables {
		w := l.readWebhook(WebhookKey(i), table)
		if names[w.Name] && w.Name != "" {
			l.problem(WebhookKey(i)+".name", "is that of an earlier webhook: each needs its own")
		}
		names[w.Name] = true
		l.cfg.Webhooks = append(l.cfg.Webhooks, w)
	}
}

func (l *loader) readWebhook(key string, table map[string]any) Webhook {
	var w Webhook
	fields := fieldsOf(&w, key+".")
	known := keysWithin(fields, key+".")
	for _, name := range sorted(table) {
		at := key + "." + keyPart(name)
		if slices.Contains(known, name) {
			l.setValue(fields, at, table[name], table)
		} else {
			l.problem(at, "is not known%s", nearest.Hint(name, known))
		}
	}
	return w
}
