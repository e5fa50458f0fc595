package main

import (
	"cmp"
	"strings"

	"storage_exporter/cache"
	"storage_exporter/config"
	"storage_exporter/event"
	"storage_exporter/proxy"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume"
)

// newEvents makes the one place where changes of state are found.
func (e *exporter) newEvents(observer string, metrics *event.Metrics) *event.Events {
	return event.New(event.Config{
		Store: e.store, Observer: observer, Host: hostName(e.cfg.Node.Name), External: e.flags.externalURL,
		Metrics: metrics, Logger: e.log, OnEvent: e.eventSent,
	})
}

// applyEvents makes the webhooks those of a configuration.
func (e *exporter) applyEvents(cfg *config.Config) {
	webhooks := make([]event.Webhook, len(cfg.Webhooks))
	for i, w := range cfg.Webhooks {
		webhooks[i] = event.Webhook(w)
	}
	e.events.Apply(cfg.Events.Hold, webhooks)
}

// healthObserved has the health of a volume compared with what it was.
func (e *exporter) healthObserved(name string, ofHost bool, health cache.Snapshot[volume.Health]) {
	o := event.Observation{
		Subject: event.Subject{Kind: event.Volume, Name: name},
		State:   string(health.Value.Status), Reason: health.Value.Info, At: health.ObservedAt,
	}
	if ofHost {
		o.Key = e.host + "\x00" + name
	}
	e.events.Observe(o)
}

// proxyObserved has the health of a proxy compared with what it was.
func (e *exporter) proxyObserved(p *proxy.Proxy) {
	o := event.Observation{Subject: event.Subject{Kind: event.Proxy, Name: p.Name}, State: string(p.Status), Reason: p.Reason}
	if p.LastCheckedAt != nil {
		o.At = *p.LastCheckedAt
	}
	e.events.Observe(o)
}

// driveObserved has the assessment of a drive compared with what it was. The drive is
// the same under another name, and another in the same place.
func (e *exporter) driveObserved(d *smart.Drive, r cache.Snapshot[report.Report]) {
	if r.Value.NotRead {
		return
	}
	assessment := d.Assess(r.Value)
	e.events.Observe(event.Observation{
		Subject: event.Subject{Kind: event.Drive, Name: d.Label()},
		Key:     e.host + "\x00" + cmp.Or(r.Value.Identity().Key(), d.Label()),
		State:   string(assessment.Verdict), Reason: reasons(assessment), At: r.ObservedAt,
	})
}

// reasons are those of an assessment in one text.
func reasons(a assess.Result) string {
	texts := make([]string, len(a.Reasons))
	for i, r := range a.Reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}

// eventSent counts a change of a volume's health in the volume's own series.
func (e *exporter) eventSent(ev event.Event) {
	if ev.Subject.Kind == event.Volume {
		e.volumes.Transitioned(ev.Subject.Name, volume.Status(ev.State))
	}
}
