package hammerspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
)

// Health is what the cluster says of itself and of the volume's shares, and what
// this host sees of their mounts.
func (b *anvil) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	looked := make(chan map[string]sight, 1)
	go func() { looked <- mount.AtOnce(b.views, func(view *base) sight { return view.sight(ctx) }) }()
	about, err := b.ask(ctx, b.hasShares())
	sights := <-looked
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	whole := about.health()
	metadata := about.metadata()
	return volume.Each(b.volumes, func(name string, o options) (volume.Health, time.Time, error) {
		s := sights[o.path]
		seen, visible := s.health[name]
		if err != nil {
			if !visible {
				return volume.Health{}, time.Time{}, err
			}
			return blind(err, seen.Value), time.Time{}, nil
		}
		h, err := about.volume(whole, o, s.exports)
		if err != nil {
			return volume.Health{}, about.at, err
		}
		if visible {
			h = both(h, seen.Value)
		}
		if h.Metadata == nil {
			h.Metadata = map[string]string{}
		}
		maps.Copy(h.Metadata, metadata)
		return h, about.at, nil
	}), nil
}

// hasShares is whether any volume may be about shares.
func (b *anvil) hasShares() bool {
	for _, o := range b.volumes {
		if o.share != "" || o.path != "" {
			return true
		}
	}
	return false
}

// volume adds to the cluster's health that of a volume's shares: the one that it
// is named after, and those that are mounted.
func (c cluster) volume(whole volume.Health, o options, mounted []string) (volume.Health, error) {
	if o.share != "" {
		if c.exportsErr != nil {
			return volume.Health{}, c.exportsErr
		}
		s, err := c.exports.named(o.share)
		if err != nil {
			return volume.Health{}, err
		}
		return both(whole, s.health()), nil
	}
	var found volume.Verdict
	if c.exportsErr != nil && len(mounted) > 0 && !rest.Refused(c.exportsErr) {
		found.Worsen(volume.Degraded, "the state of the shares is not known: %v", c.exportsErr)
		return both(whole, rest.Judged(found, longestInfo, nil)), nil
	}
	var bad []string
	seen, offline, unknown := map[rest.Text]bool{}, 0, 0
	for _, dir := range mounted {
		s, ok := c.exports.holding(dir)
		switch {
		case !ok: // mounted by another name
			unknown++
			continue
		case seen[s.Path]:
			continue
		}
		seen[s.Path] = true
		h := s.health()
		if h.Status != volume.Healthy {
			bad = append(bad, h.Info)
		}
		if h.Status == volume.Offline {
			offline++
		}
	}
	if len(bad) == 0 {
		return whole, nil
	}
	status := volume.Degraded
	if offline == len(seen) && unknown == 0 {
		status = volume.Offline
	}
	found.Add(status, firstOf(bad))
	return both(whole, rest.Judged(found, longestInfo, nil)), nil
}

// both is the worse of two states, and what either says.
func both(a, b volume.Health) volume.Health {
	h := volume.Health{Status: a.Status, Info: a.Info, Metadata: map[string]string{}, ReadOnly: b.ReadOnly}
	if b.Status.Worse(a.Status) {
		h.Status = b.Status
	}
	if a.ReadOnly != nil {
		h.ReadOnly = a.ReadOnly
	}
	if h.Info != "" && b.Info != "" {
		h.Info += "; "
	}
	h.Info = rest.Clean(h.Info+b.Info, 2*longestInfo)
	maps.Copy(h.Metadata, b.Metadata)
	maps.Copy(h.Metadata, a.Metadata)
	return h
}

// blind is the health of a mounted volume whose cluster cannot be asked: where
// that does not answer but the mount does, data is served.
func blind(err error, seen volume.Health) volume.Health {
	status, info := volume.Diagnose(err)
	served := seen.Status == volume.Healthy || seen.Status == volume.Degraded
	if status == volume.Offline && served {
		status = volume.Degraded
	}
	return both(volume.Health{Status: status, Info: fmt.Sprintf("the management API cannot be asked: %s", info)}, seen)
}
