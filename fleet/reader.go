package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/outside"
)

const (
	// fresh is how long a view is shown before the store is read again.
	fresh = 5 * time.Second
	// patience bounds a reading of the store.
	patience = 10 * time.Second
	// remembered is how long the digest of a node that cannot be read, or that the
	// store has lost with its name, is held.
	remembered = 5 * time.Minute
	// maxOverview bounds a node's overview, in bytes: it is that of 4,000 drives.
	maxOverview = 2 << 20
)

var (
	errNoneLive = errors.New("no node of the fleet is live")
	errClosed   = errors.New("the exporter is stopping")

	// ErrNoNode says that no such node is listed.
	ErrNoNode = errors.New("no such node")
)

// ReaderConfig is what a Reader is made of.
type ReaderConfig struct {
	Store cachestore.Store
	Cache *cache.Cache
	// Overview is where a node's overview lies in the store, and its origin there.
	Overview func(node string) (key, origin string)
	Metrics  *Metrics
	Logger   *slog.Logger
}

// Reader reads the digests of all nodes: for who asks, at most every 5 s, and every 30 s
// for the metrics.
type Reader struct {
	cfg    ReaderConfig
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	closed bool
	newest *view
	flight *flight // the reading that is under way

	held map[string]held // of the one reading that is under way
}

// view is a fleet as it was read.
type view struct {
	fleet  *Fleet
	at     time.Time // when the reading began
	number uint64
}

// flight is one reading, for all who wait for it.
type flight struct {
	done chan struct{}
	err  error // may be read when done is closed
}

// held is a digest that was read; nil for a node without.
type held struct {
	digest *Digest
	until  time.Time // when it expires
}

// NewReader makes it. It starts nothing.
func NewReader(cfg ReaderConfig) *Reader {
	r := &Reader{cfg: cfg}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Start begins to read for the metrics. It must be called once.
func (r *Reader) Start() {
	r.run.Go(func() {
		every := time.NewTicker(interval)
		defer every.Stop()
		for {
			_, _ = r.Get(r.ctx) // the store's trouble is logged there
			select {
			case <-r.ctx.Done():
				return
			case <-every.C:
			}
		}
	})
}

// Close ends all readings and waits for them.
func (r *Reader) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.run.Wait()
}

// Get is the fleet. It is read anew where it was read more than 5 s ago; while that
// fails, what was read last is shown for as long as a digest lives.
func (r *Reader) Get(ctx context.Context) (cache.Snapshot[Fleet], error) {
	r.mu.Lock()
	if v := r.newest; v != nil && time.Since(v.at) < fresh {
		r.mu.Unlock()
		return v.snapshot(cache.Hit), nil
	}
	f, err := r.take()
	r.mu.Unlock()
	if err != nil {
		return cache.Snapshot[Fleet]{}, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return cache.Snapshot[Fleet]{}, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch v := r.newest; {
	case f.err == nil:
		return v.snapshot(cache.Miss), nil
	case v != nil && time.Since(v.at) < life:
		return v.snapshot(cache.Stale), nil
	}
	return cache.Snapshot[Fleet]{}, f.err
}

func (v *view) snapshot(lookup cache.Lookup) cache.Snapshot[Fleet] {
	return cache.Snapshot[Fleet]{Value: v.fleet, ObservedAt: v.at, Age: time.Since(v.at), Lookup: lookup, Revision: v.number}
}

// take joins the reading that is under way, or begins one.
func (r *Reader) take() (*flight, error) {
	if r.closed {
		return nil, errClosed
	}
	if r.flight == nil {
		f := &flight{done: make(chan struct{})}
		r.flight = f
		r.run.Go(func() { r.fly(f) })
	}
	return r.flight, nil
}

func (r *Reader) fly(f *flight) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	began := time.Now()
	fleet, err := r.read(ctx)
	r.cfg.Metrics.show(fleet)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flight = nil
	if f.err = err; err != nil {
		return
	}
	v := &view{fleet: fleet, at: began, number: 1}
	if r.newest != nil {
		v.number = r.newest.number + 1
	}
	r.newest = v
}

// read reads the names, and the digests in pieces: those that were put anew.
func (r *Reader) read(ctx context.Context) (*Fleet, error) {
	members, err := r.cfg.Store.Marked(ctx, set, maxNodes+1)
	if err != nil {
		return nil, fmt.Errorf("read the names of the nodes: %w", err)
	}
	leftOut := max(0, len(members)-maxNodes)
	members = slices.DeleteFunc(members[:len(members)-leftOut], func(m cachestore.Member) bool {
		bad := m.Err != nil || !IsName(m.Name)
		if bad {
			r.drop("", m.Err)
		}
		return bad
	})
	nodes := make([]Node, 0, len(members))
	next := make(map[string]held, len(members))
	var unread error
	for some := range slices.Chunk(members, piece) {
		known := make([]cachestore.Known, len(some))
		for i, m := range some {
			known[i] = cachestore.Known{Key: key(m.Name), Until: r.held[m.Name].until, Most: maxDigest}
		}
		items, err := r.cfg.Store.Changed(ctx, known...)
		if err != nil {
			return nil, fmt.Errorf("read the digests: %w", err)
		}
		for i, m := range some {
			next[m.Name] = held{}
			n, err := r.node(m, items[i], next)
			nodes = append(nodes, n)
			if err != nil {
				unread = fmt.Errorf("read the digest of %s: %w", m.Name, err)
			}
		}
	}
	nodes = append(nodes, r.lost(next, maxNodes-len(nodes))...)
	slices.SortFunc(nodes, byName)
	r.held = next
	fleet := assemble(nodes, nil)
	fleet.NodesLeftOut, fleet.unread = leftOut, unread
	return fleet, nil
}

// node judges what lies under a node's key, and notes in next what is to be held. An
// error says that the digest could not be read, and that none is held.
func (r *Reader) node(m cachestore.Member, item cachestore.Item, next map[string]held) (Node, error) {
	last, now := r.held[m.Name], time.Now()
	switch {
	case cachestore.IsKeyError(item.Err):
		return r.invalid(m, item.Err), nil
	case item.Err != nil && last.digest != nil && now.Sub(last.until) < remembered:
		next[m.Name] = last
		return last.unknown(m.Name, item.Err.Error()), nil
	case item.Err != nil:
		n := newNode(m.Name, Unknown, m.Age, nil)
		n.Error = outside.Text(item.Err.Error())
		return n, item.Err
	case item.TTL <= 0:
		return newNode(m.Name, Silent, m.Age, nil), nil
	case item.TTL > life+time.Second:
		return r.invalid(m, fmt.Errorf("%w: it would live for %v", errDigest, item.TTL)), nil
	}
	digest := last.digest
	if item.Value != nil || digest == nil {
		var err error
		if digest, err = decode(m.Name, item.Value); err != nil {
			return r.invalid(m, err), nil
		}
	}
	next[m.Name] = held{digest, now.Add(item.TTL)}
	return newNode(m.Name, Live, life-item.TTL, digest), nil
}

func (r *Reader) invalid(m cachestore.Member, err error) Node {
	r.drop(m.Name, err)
	n := newNode(m.Name, Unknown, m.Age, nil)
	n.Error = outside.Text(err.Error())
	return n
}

func (r *Reader) drop(node string, err error) {
	r.cfg.Metrics.dropped.Inc()
	r.cfg.Logger.Debug("digest not used", "node", node, "err", err)
}

// lost are the nodes whose names the store no longer has, at most so many: it keeps them
// for longer, so it has lost them, as when it was restarted empty. They are about to come
// back.
func (r *Reader) lost(next map[string]held, most int) (nodes []Node) {
	for name, last := range r.held {
		if _, ok := next[name]; ok || len(nodes) >= most || last.digest == nil || time.Since(last.until) > remembered {
			continue
		}
		next[name] = last
		nodes = append(nodes, last.unknown(name, "the store no longer has its name"))
	}
	return nodes
}

// unknown shows what was last known of a node.
func (h held) unknown(name, reason string) Node {
	n := newNode(name, Unknown, time.Since(h.until)+life, h.digest)
	n.Error = outside.Text(reason)
	return n
}

// Detail is one node.
type Detail struct {
	Node  Node  `json:"node"`
	Worst []Row `json:"worst"`
	// Page is the node's own page.
	Page string `json:"page,omitempty"`
	// Overview is the node's, as it put that into the store; absent where it does not.
	Overview json.RawMessage `json:"overview,omitempty"`

	Age    time.Duration `json:"-"` // of the overview; else of the reading
	Lookup cache.Lookup  `json:"-"` // of the reading
}

// Node is a listed node with its overview.
func (r *Reader) Node(ctx context.Context, name string) (*Detail, error) {
	snap, err := r.Get(ctx)
	if err != nil {
		return nil, err
	}
	n, ok := snap.Value.Find(name)
	if !ok {
		return nil, ErrNoNode
	}
	d := &Detail{Node: *n, Worst: n.Worst(), Age: snap.Age, Lookup: snap.Lookup}
	if n.URL != "" {
		d.Page = n.URL + "/"
	}
	key, origin := r.cfg.Overview(name)
	raw, age, err := cache.Published(ctx, r.cfg.Cache, key, origin, maxOverview)
	if err != nil { // hostile or not to be read: the digest is there
		r.drop(name, err)
	} else if len(raw) > 0 && raw[0] == '{' {
		d.Overview, d.Age = outside.PrintableJSON(raw), age
	}
	return d, nil
}
