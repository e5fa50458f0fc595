package cachestore

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// recordOverhead is roughly what a record costs beside its key and value,
	// in bytes.
	recordOverhead = 128
	// sweepInterval is how often Set and Claim look for expired records.
	sweepInterval = 10 * time.Second
)

// Limits bound what a store keeps in memory. A zero means the default.
type Limits struct {
	// Bytes counts keys, values and an allowance for each record; 1 GiB.
	Bytes int64
	// Keys is 100,000 by default.
	Keys int
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	if l.Keys <= 0 {
		l.Keys = 100_000
	}
	return l
}

// Memory keeps values in this process. Time is monotonic, so a step of the
// wall clock changes no lifetime. It has no goroutine: expired records are
// never served, and are swept by later writes.
type Memory struct {
	limits Limits

	mu      sync.RWMutex // guards the fields below
	records map[string]record
	streams map[string]*stream
	sets    map[string]map[string]time.Time // by member, when it was marked
	bytes   int64
	swept   time.Time
	closed  bool
}

var _ Store = (*Memory)(nil)

type record struct {
	value    []byte
	deadline time.Time // with a monotonic reading
	ttl      time.Duration
	claim    bool
}

// NewMemory makes a store with the default limits.
func NewMemory() *Memory { return NewMemoryLimited(Limits{}) }

// NewMemoryLimited makes a store with limits of its own.
func NewMemoryLimited(limits Limits) *Memory {
	return &Memory{limits: limits.withDefaults(), records: make(map[string]record), streams: make(map[string]*stream),
		sets: make(map[string]map[string]time.Time), swept: time.Now()}
}

// Get returns the values themselves, not copies of them.
func (m *Memory) Get(ctx context.Context, keys ...string) ([]Item, error) {
	known := make([]Known, len(keys))
	for i, key := range keys {
		known[i].Key = key
	}
	return m.Changed(ctx, known...)
}

// Changed returns the values themselves, not copies of them.
func (m *Memory) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	items := make([]Item, len(known))
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.refuses(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	for i, k := range known {
		r, ok := m.records[k.Key]
		ttl := r.deadline.Sub(now)
		switch {
		case !ok || ttl <= 0:
		case k.has(now, ttl):
			items[i] = Item{TTL: ttl}
		case len(r.value) > k.most():
			items[i] = Item{Err: ErrTooLarge}
		default:
			items[i] = Item{Value: r.value, TTL: ttl}
		}
	}
	return items, nil
}

// Set keeps the values themselves, not copies. What is above the limits is
// refused with ErrFull.
func (m *Memory) Set(ctx context.Context, items ...SetItem) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refuses(ctx); err != nil {
		return err
	}
	var errs refusals
	now := time.Now()
	for _, it := range items {
		err := checkItem(it.Value, it.TTL)
		if err == nil {
			err = m.put(it.Key, record{value: it.Value, deadline: now.Add(it.TTL), ttl: it.TTL}, now)
		}
		errs.add(it.Key, err)
	}
	return errs.err(len(items))
}

// Claim keeps the holder as the value of key.
func (m *Memory) Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.refuses(ctx), checkItem(nil, ttl)); err != nil {
		return false, err
	}
	now := time.Now()
	if r, ok := m.records[key]; ok && r.deadline.After(now) && string(r.value) != holder {
		return false, nil
	}
	err := m.put(key, record{value: []byte(holder), deadline: now.Add(ttl), claim: true}, now)
	return err == nil, err
}

// Release removes the claim of holder.
func (m *Memory) Release(ctx context.Context, key, holder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refuses(ctx); err != nil {
		return err
	}
	if r, ok := m.records[key]; ok && string(r.value) == holder {
		m.remove(key, r)
	}
	return nil
}

// Ping fails only after Close.
func (m *Memory) Ping(ctx context.Context) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.refuses(ctx)
}

// Close drops everything.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.records, m.streams, m.sets, m.bytes = nil, nil, nil, 0
	return nil
}

// refuses says why no call is taken; it needs the lock.
func (m *Memory) refuses(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	return ctx.Err()
}

// put needs the lock.
func (m *Memory) put(key string, r record, now time.Time) error {
	if now.Sub(m.swept) >= sweepInterval {
		m.sweep(now)
	}
	if !m.fits(key, r.value) {
		m.sweep(now)
		if !m.fits(key, r.value) {
			return ErrFull
		}
	}
	if r.value == nil {
		r.value = []byte{} // nil would mean that there is no such key
	}
	m.bytes += m.growth(key, r.value)
	m.records[key] = r
	return nil
}

func (m *Memory) fits(key string, value []byte) bool {
	if _, ok := m.records[key]; !ok && len(m.records) >= m.limits.Keys {
		return false
	}
	return m.bytes+m.growth(key, value) <= m.limits.Bytes
}

// growth is what bytes gains when value is put under key.
func (m *Memory) growth(key string, value []byte) int64 {
	if old, ok := m.records[key]; ok {
		return int64(len(value) - len(old.value))
	}
	return int64(len(key) + len(value) + recordOverhead)
}

func (m *Memory) sweep(now time.Time) {
	m.swept = now
	for key, r := range m.records {
		if !r.deadline.After(now) {
			m.remove(key, r)
		}
	}
}

func (m *Memory) remove(key string, r record) {
	m.bytes -= int64(len(key) + len(r.value) + recordOverhead)
	delete(m.records, key)
}

// checkItem is what every store checks before it puts something.
func checkItem(value []byte, ttl time.Duration) error {
	if len(value) > MaxValueSize {
		return ErrTooLarge
	}
	if ttl <= 0 {
		return ErrTTL
	}
	return nil
}

// kept is what File writes of a record.
type kept struct {
	key   string
	value []byte
	ttl   time.Duration // it was put with
	left  time.Duration
}

// alive is what has been set and lives, the smallest first. Claims are not in it.
func (m *Memory) alive(now time.Time) []kept {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]kept, 0, len(m.records))
	for key, r := range m.records {
		if !r.claim && r.deadline.After(now) {
			all = append(all, kept{key, r.value, r.ttl, r.deadline.Sub(now)})
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(len(a.value), len(b.value)) })
	return all
}

// restore puts back what had lived for a while with lifetime ttl.
func (m *Memory) restore(key string, value []byte, ttl, left time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	return m.put(key, record{value: value, deadline: now.Add(left), ttl: ttl}, now)
}
