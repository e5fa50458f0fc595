package volumetest

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"

	"storage_exporter/volume"
)

// What the configuration says, and what is wrong with it.

func untrusted(r *run) {
	r.start(1, func(cfg *volume.Config) { delete(cfg.Options, "ca_file") })
	for name, s := range r.observe() {
		if s.health.Status != volume.Unavailable || !strings.Contains(s.health.Info, "ca_file") {
			r.errorf("%s is %s (%s)", name, s.health.Status, s.health.Info)
		}
	}
	if n := len(r.e.Calls()); n > 0 {
		r.errorf("%d calls to an appliance that is not trusted", n)
	}
}

// unverified: it works, and is warned of once.
func unverified(r *run) {
	for _, key := range []string{r.VerifyKey, "verify_ssl"} {
		r.start(2, func(cfg *volume.Config) {
			delete(cfg.Options, "ca_file")
			cfg.Options[key] = false
		})
		r.good("not verified", r.warm())
		if !r.heard("is not verified") {
			r.errorf("no warning that certificates are not verified")
		}
		r.next()
	}
}

// options: each mistake is named, with its remedy, and shows no secret.
func options(r *run) {
	r.start(1)
	kind := r.Kind(r.network.Dial)
	wrong := func(key string, value any) {
		cfg := r.e.Volumes[0]
		cfg.Options, cfg.Strict = maps.Clone(cfg.Options), true
		cfg.Options[key] = value
		if value == nil {
			delete(cfg.Options, key)
		}
		_, err := kind.Identify(cfg)
		r.say(err)
		switch spelt := fmt.Sprintf("volume.%s.options.%s", cfg.Name, key); {
		case err == nil:
			r.errorf("%s = %v is no mistake", key, value)
		case !strings.Contains(err.Error(), spelt) || strings.Contains(err.Error(), "\n"):
			r.errorf("%s = %v: no line that names %s: %v", key, value, spelt, err)
		}
	}
	for _, key := range r.Required {
		wrong(key, nil)
		wrong(key, "")
		wrong(key, map[string]any{"a": 1})
	}
	wrong("some_other_key", 1)
	lax := r.e.Volumes[0]
	lax.Options = maps.Clone(lax.Options)
	lax.Options["some_other_key"] = 1
	if _, err := kind.Identify(lax); err != nil {
		r.errorf("a key of somebody else: %v", err)
	}
	wrong("ca_file", []any{1})
	wrong(r.VerifyKey, "perhaps")
	wrong("request_timeout", "soon")
	cfg := r.e.Volumes[0]
	cfg.Options = maps.Clone(cfg.Options)
	cfg.Options["ca_file"] = "/nowhere/ca.pem"
	if _, err := kind.New([]volume.Config{cfg}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "ca_file") {
		r.errorf("a CA file that is not there: %v", err)
	}
}
