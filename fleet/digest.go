package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"storage_exporter/internal/outside"
	"storage_exporter/smart/assess"
)

// The bounds of a digest.
const (
	maxDigest  = 3 << 10 // bytes
	maxWorst   = 50
	maxCount   = 1_000_000
	maxText    = 128
	maxReason  = 160
	maxVersion = 64
)

// Digest is what a node says of itself. What is not known is absent.
type Digest struct {
	Node    string    `json:"node"`
	URL     string    `json:"url,omitempty"` // of its exporter
	Version string    `json:"version,omitempty"`
	Counts  Counts    `json:"counts"`
	Worst   []Trouble `json:"worst,omitempty"` // failing first
	LeftOut int       `json:"left_out,omitempty"`
}

// Trouble is one thing of a node that is not well.
type Trouble struct {
	Kind    Kind           `json:"kind"`
	Name    string         `json:"name"`
	Verdict assess.Verdict `json:"verdict"`
	Reason  string         `json:"reason,omitempty"`
	Place   string         `json:"place,omitempty"`
}

// Kind is what is not well.
type Kind string

// The kinds.
const (
	Drive  Kind = "drive"
	Slot   Kind = "slot"
	Pool   Kind = "pool"
	Volume Kind = "volume"
	Proxy  Kind = "proxy"
)

// Kinds lists all kinds, in the order in which they are shown.
var Kinds = []Kind{Volume, Pool, Drive, Slot, Proxy}

// encode makes the digest at most maxDigest bytes long: first its reasons are cut, then
// its list.
func (d *Digest) encode() ([]byte, error) {
	if n := len(d.Worst) - maxWorst; n > 0 {
		d.Worst, d.LeftOut = d.Worst[:maxWorst], d.LeftOut+n
	}
	const least = 20
	for reason := maxReason; ; reason = max(reason/2, least) {
		for i := range d.Worst {
			d.Worst[i].Reason = outside.TextUpTo(d.Worst[i].Reason, reason)
		}
		raw, err := json.Marshal(d)
		switch {
		case err != nil || len(raw) <= maxDigest:
			return raw, err
		case reason > least:
		case len(d.Worst) == 0:
			return nil, fmt.Errorf("digest has %d bytes", len(raw))
		default:
			d.Worst, d.LeftOut = d.Worst[:len(d.Worst)-1], d.LeftOut+1
		}
	}
}

var errDigest = errors.New("digest is invalid")

// decode reads the digest of a node, which anybody may have written. What it does not
// know, of a later version, it leaves out.
func decode(node string, raw []byte) (*Digest, error) {
	d := &Digest{}
	if len(raw) > maxDigest {
		return nil, fmt.Errorf("%w: %d bytes", errDigest, len(raw))
	}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("%w: %w", errDigest, err)
	}
	if d.Node != node {
		return nil, fmt.Errorf("%w: it is of another node", errDigest)
	}
	if d.URL != "" {
		if err := CheckURL(d.URL); err != nil {
			return nil, fmt.Errorf("%w: url %w", errDigest, err)
		}
	}
	if len(d.Worst) > maxWorst || d.LeftOut < 0 || d.LeftOut > maxCount {
		return nil, fmt.Errorf("%w: too many are listed", errDigest)
	}
	for _, n := range d.Counts.all() {
		if *n < 0 || *n > maxCount {
			return nil, fmt.Errorf("%w: it counts %d", errDigest, *n)
		}
	}
	d.Version = outside.TextUpTo(d.Version, maxVersion)
	d.Worst = slices.DeleteFunc(d.Worst, func(t Trouble) bool {
		return !slices.Contains(Kinds, t.Kind) || rank(t.Verdict) == len(ranks)
	})
	for i := range d.Worst {
		t := &d.Worst[i]
		t.Name, t.Place = outside.TextUpTo(t.Name, maxText), outside.TextUpTo(t.Place, maxText)
		t.Reason = outside.TextUpTo(t.Reason, maxReason)
	}
	return d, nil
}

// ranks are the verdicts that are listed, the worst first.
var ranks = [...]assess.Verdict{assess.Failing, assess.Warning, assess.Unknown}

// rank is a verdict's place among them; their number for any other.
func rank(v assess.Verdict) int {
	if i := slices.Index(ranks[:], v); i >= 0 {
		return i
	}
	return len(ranks)
}
