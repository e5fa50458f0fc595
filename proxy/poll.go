package proxy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	// askAgain is how long what hwinfo said of a volume is kept: the storage proxy asks
	// the vendor for each answer.
	askAgain = 5 * time.Minute
	// keptFor is how long the volumes of a proxy that does not name them are shown.
	keptFor = 24 * time.Hour
)

// snapshot is what is stored of a poll. Its volumes have the states that were last
// reported: how long ago says Carried.
type snapshot struct {
	Status  Status  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Shape   Shape   `json:"shape,omitempty"`
	Says    string  `json:"says,omitempty"`
	Version string  `json:"version,omitempty"`
	Checks  *int    `json:"connectivity_checks,omitempty"`
	Volumes []asked `json:"volumes,omitempty"`
	LeftOut int     `json:"volumes_left_out,omitempty"`
	// Carried is how long ago the volumes were named when the snapshot was made, in
	// milliseconds; nil: in this poll. VolumesAt is for display only.
	Carried       *int64     `json:"volumes_carried_ms,omitempty"`
	VolumesAt     *time.Time `json:"volumes_at,omitempty"`
	VolumesReason string     `json:"volumes_reason,omitempty"`
}

// asked is a volume and how long before the snapshot hwinfo was asked for it, in
// milliseconds; nil for never.
type asked struct {
	Volume
	AgoMS *int64 `json:"asked_ago_ms,omitempty"`
}

// poller asks one proxy.
type poller struct {
	cfg    Config
	client *rest.Client
}

// poll asks how the proxy is. last is the snapshot before, made since ago; nil where
// there is none.
func (p *poller) poll(ctx context.Context, last *snapshot, since time.Duration) *snapshot {
	begun := time.Now()
	found, prefix, err := p.health(ctx)
	next := &snapshot{Status: Healthy, Reason: found.complaint(), Shape: found.shape, Says: found.says, Version: found.version, Checks: found.checks}
	if err != nil {
		next.Reason = err.Error()
	}
	if next.Reason != "" {
		next.Status = Unhealthy
	}
	named := found.volumes
	switch {
	case err != nil:
		next.carry(last, since, begun)
		return next
	case found.shape == ShapeProxy && p.cfg.Token.Reveal() == "":
		return next
	case found.shape == ShapeProxy:
		if named, err = rest.Fetch(ctx, p.client, rest.Request{Path: prefix + "/volumes"}, readVolumes); err != nil {
			next.VolumesReason = err.Error()
			next.carry(last, since, begun)
			return next
		}
	}
	next.VolumesAt, next.LeftOut = new(time.Now().UTC()), named.leftOut
	for _, v := range named.volumes {
		next.Volumes = append(next.Volumes, asked{Volume: v})
	}
	if found.shape == ShapeProxy {
		next.remember(last, since, begun)
		p.details(ctx, prefix, next.Volumes)
	}
	return next
}

// health asks where a health may be, and returns the paths' prefix there.
func (p *poller) health(ctx context.Context) (found answer, prefix string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	for _, prefix := range []string{"/manager-api", ""} {
		found, err := rest.Fetch(ctx, p.client, rest.Request{Path: prefix + "/health"}, readHealth)
		if !errors.Is(err, rest.ErrNotFound) {
			return found, prefix, err
		}
	}
	return answer{}, "", errors.New("neither /manager-api/health nor /health is there (HTTP 404): check the url")
}

// details asks for the volumes that were not asked for lately, one at a time, the
// oldest first. It begins no call once a timeout is over: the rest has its turn in the
// next poll.
func (p *poller) details(ctx context.Context, prefix string, volumes []asked) {
	begun := time.Now()
	var due []*asked
	for i := range volumes {
		if ago := volumes[i].AgoMS; ago == nil || *ago >= askAgain.Milliseconds() {
			due = append(due, &volumes[i])
		}
	}
	slices.SortStableFunc(due, func(a, b *asked) int { return -cmp.Compare(a.ago(), b.ago()) })
	for _, v := range due {
		if time.Since(begun) >= p.cfg.Timeout || ctx.Err() != nil {
			return
		}
		found, err := rest.Fetch(ctx, p.client, rest.Request{Path: prefix + "/volume/hwinfo", Body: map[string]string{"volume": v.Name}}, readHardware)
		if ctx.Err() != nil {
			return // it was cut off: that says nothing about the volume
		}
		if err != nil {
			found.Status, found.Info = volume.Unavailable, rest.Clean(err.Error(), longInfo)
		}
		v.Status, v.Info, v.LastCheckedAt, v.AgoMS = found.Status, found.Info, new(time.Now().UTC()), new(int64(0))
	}
}

// ago is longest for what was never asked.
func (a *asked) ago() time.Duration {
	if a.AgoMS == nil {
		return 2 * keptFor
	}
	return time.Duration(*a.AgoMS) * time.Millisecond
}

// carry takes over the volumes of the snapshot before, unless they are too old.
func (s *snapshot) carry(last *snapshot, since time.Duration, begun time.Time) {
	if last == nil || last.VolumesAt == nil {
		return
	}
	since += time.Since(begun)
	carried := since
	if last.Carried != nil {
		carried += time.Duration(*last.Carried) * time.Millisecond
	}
	if carried > keptFor || carried < 0 {
		return
	}
	s.Volumes, s.LeftOut, s.VolumesAt, s.Carried = slices.Clone(last.Volumes), last.LeftOut, last.VolumesAt, new(carried.Milliseconds())
	for i := range s.Volumes {
		s.Volumes[i].older(since)
	}
}

// remember takes over what hwinfo said before of the volumes that are there still.
func (s *snapshot) remember(last *snapshot, since time.Duration, begun time.Time) {
	if last == nil {
		return
	}
	since += time.Since(begun)
	before := make(map[string]asked, len(last.Volumes))
	for _, v := range last.Volumes {
		before[v.Name] = v
	}
	for i := range s.Volumes {
		v := &s.Volumes[i]
		if was, ok := before[v.Name]; ok && was.AgoMS != nil {
			was.Backend = v.Backend
			was.older(since)
			*v = was
		}
	}
}

func (a *asked) older(since time.Duration) {
	if a.AgoMS != nil {
		a.AgoMS = new(*a.AgoMS + since.Milliseconds())
	}
}
