package demo

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// shortFor is how long an alert's condition must hold here, at most.
const shortFor = time.Minute

// startPrometheus runs a Prometheus that scrapes the exporters, where one is wanted and
// installed. It does not wait for it.
func (d *Demo) startPrometheus() error {
	if !d.opts.Prometheus {
		return nil
	}
	program, err := exec.LookPath("prometheus")
	if err != nil {
		d.say("Without Prometheus there are no alerts to see. To have them: apt-get install prometheus")
		return nil
	}
	rules, err := d.copyRules()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(d.opts.Dir, "prometheus")
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`global: {scrape_interval: 5s, scrape_timeout: 4s, evaluation_interval: 5s}
rule_files: [%q]
scrape_configs:
- job_name: storage
  static_configs: [{targets: [%q, %q]}]
`, rules, d.firstPort.address, d.secondPort.address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	at, err := hold()
	if err != nil {
		return err
	}
	d.prometheus, err = d.startProcess("prometheus", at, syscall.SIGKILL, program, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=6h", "--storage.tsdb.retention.size=256MB",
		"--web.listen-address="+at.address, "--web.enable-lifecycle", "--log.level=warn")
	if err != nil {
		return err
	}
	d.run.Go(func() {
		select {
		case <-d.ctx.Done():
		case <-d.prometheus.done:
			d.say("Prometheus has ended:\n%s", d.prometheus.tail())
		}
	})
	return nil
}

var (
	groups    = regexp.MustCompile(`(?m)^groups:`)
	forClause = regexp.MustCompile(`(?m)^(\s*(?:- )?for:\s*)["']?([0-9a-z]+)["']?`)
)

// copyRules copies the rules for people who do not wait for half an hour, and returns
// the pattern of the copies.
func (d *Demo) copyRules() (string, error) {
	to, err := os.MkdirTemp(d.opts.Dir, "rules")
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(d.opts.Rules, "*.yml"))
	if err != nil || d.opts.Rules == "" {
		files = nil
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if !groups.Match(text) { // such as tests of rules
			continue
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), shorten(text), 0o600); err != nil { //nolint:gosec // to is ours
			return "", err
		}
	}
	return filepath.Join(to, "*.yml"), nil
}

// shorten cuts what a condition must hold for.
func shorten(rules []byte) []byte {
	return forClause.ReplaceAllFunc(rules, func(clause []byte) []byte {
		m := forClause.FindSubmatch(clause)
		if hold, err := time.ParseDuration(string(m[2])); err == nil && hold <= shortFor {
			return clause
		}
		return append(bytes.Clone(m[1]), "1m"...)
	})
}
