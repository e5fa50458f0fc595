package observed

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"storage_exporter/volume"
)

// gather is how long changes of many volumes are waited for, so that they are one line
// of the log.
const gather = time.Second

// change is what the volumes of one line have in common.
type change struct {
	status volume.Status
	why    string // what the Backend says, where that is not well
}

// news logs which of a Backend's volumes are not healthy when they are known first:
// those of one cause together, however many volumes it has.
type news struct {
	log *slog.Logger

	mu      sync.Mutex // guards the fields below
	pending map[change][]told
	order   []change
	timer   *time.Timer // nil while nothing is pending
}

// told is a volume's part of a change.
type told struct{ volume, info string }

// add takes a change, to be logged in a moment.
func (n *news) add(c change, t told) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending == nil {
		n.pending = map[change][]told{}
	}
	if n.pending[c] == nil {
		n.order = append(n.order, c)
	}
	n.pending[c] = append(n.pending[c], t)
	if n.timer == nil {
		n.timer = time.AfterFunc(gather, n.flush)
	}
}

// flush logs what is pending.
func (n *news) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	for _, c := range n.order {
		all := n.pending[c]
		slices.SortFunc(all, func(a, b told) int { return cmp.Compare(a.volume, b.volume) })
		names := make([]string, len(all))
		for i, t := range all {
			names[i] = t.volume
		}
		n.log.Warn("volume is not healthy", "volume", volume.Few(names, mostNamed, " and "), "status", c.status, "status_info", all[0].info)
	}
	n.pending, n.order = nil, nil
}
