package volume

import (
	"cmp"
	"context"
	"fmt"
	"maps"
)

// Mounted is what a host sees of the mount of a volume that an appliance serves.
type Mounted struct {
	Health Health `json:"health"`
	// Serves is whether the mount answers and is of a type by which clients mount
	// what the appliance serves.
	Serves bool `json:"serves,omitempty"`
	// Usage is that of the mount's file system; nil where it is not known.
	Usage *Usage `json:"usage,omitempty"`
}

// Look looks at a mount. It returns before ctx ends.
type Look func(ctx context.Context) Mounted

// Beside joins what an appliance says of a volume with what a host sees of its mount.
// Both have to be well, and where they are not the words are those of both. Where
// nothing answered for the appliance but the mount serves, only the management is away.
func (h Health) Beside(m Mounted, host string) Health {
	at := fmt.Sprintf("the mount at %s (%s)", m.Health.Metadata["mount_point"], m.Health.Metadata["fstype"])
	var found Verdict
	switch {
	case h.Silent && m.Serves:
		found.Worsen(Degraded, "the management API does not answer (%s), but %s on %s does", h.Info, at, host)
		if m.Health.Info != "" {
			found.Worsen(m.Health.Status, "on %s, %s", host, m.Health.Info)
		}
	case h.Status == Healthy && m.Health.Status == Healthy:
		found.Add(Healthy, h.Info, m.Health.Info)
	default:
		found.Worsen(h.Status, "%s", cmp.Or(h.Info, "the appliance reports the volume as "+string(h.Status)))
		found.Worsen(m.Health.Status, "on %s, %s", host, cmp.Or(m.Health.Info, at+" answers"))
	}
	joined := Health{Status: found.Status(), Info: found.Words(), Backend: h.Backend, Metadata: map[string]string{}, ReadOnly: h.ReadOnly}
	maps.Copy(joined.Metadata, h.Metadata)
	maps.Copy(joined.Metadata, m.Health.Metadata)
	if m.Health.ReadOnly != nil {
		joined.ReadOnly = m.Health.ReadOnly
	}
	return joined
}
