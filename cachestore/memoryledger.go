package cachestore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

const (
	// maxLedgers bounds the streams, and the sets, of a store in memory.
	maxLedgers = 64
	// maxStream bounds the bytes of a stream in memory: the oldest entries go first.
	maxStream = 16 << 20
)

// stream is a stream in memory, the oldest entry first.
type stream struct {
	entries []Appended
	bytes   int
	last    entryID
}

// Append keeps the value itself. Streams do not survive the process.
func (m *Memory) Append(ctx context.Context, name string, most int, value []byte) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.refuses(ctx), checkLedger(value, StreamLife)); err != nil {
		return "", err
	}
	s := m.streams[name]
	if s == nil {
		if len(m.streams) >= maxLedgers {
			return "", ErrFull
		}
		s = &stream{}
		m.streams[name] = s
	}
	id := entryID{ms: uint64(max(0, time.Now().UnixMilli()))}
	if !s.last.less(id) { // within the same millisecond, or the clock was set back
		id = entryID{s.last.ms, s.last.seq + 1}
	}
	s.last = id
	s.entries = append(s.entries, Appended{ID: id.String(), Value: value})
	s.bytes += len(value) + recordOverhead
	old := 0
	for ; old < len(s.entries)-1 && (len(s.entries)-old > most || s.bytes > maxStream); old++ {
		s.bytes -= len(s.entries[old].Value) + recordOverhead
	}
	s.entries = slices.Delete(s.entries, 0, old)
	return id.String(), nil
}

// Newest returns the values themselves.
func (m *Memory) Newest(ctx context.Context, name, before string, n int) ([]Appended, error) {
	last, err := lastBefore(before)
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := cmp.Or(m.refuses(ctx), err); err != nil {
		return nil, err
	}
	s := m.streams[name]
	if s == nil {
		return nil, nil
	}
	var found []Appended
	for _, entry := range slices.Backward(s.entries) {
		if len(found) >= min(n, MaxNewest) {
			break
		}
		if id, err := parseID(entry.ID); err == nil && !last.less(id) {
			found = append(found, entry)
		}
	}
	return found, nil
}

// Mark goes by the monotonic clock. Sets do not survive the process.
func (m *Memory) Mark(ctx context.Context, name, member string, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.refuses(ctx), checkMember(member, keep)); err != nil {
		return err
	}
	set := m.sets[name]
	if set == nil {
		if len(m.sets) >= maxLedgers {
			return ErrFull
		}
		set = make(map[string]time.Time)
		m.sets[name] = set
	}
	now := time.Now()
	maps.DeleteFunc(set, func(_ string, marked time.Time) bool { return now.Sub(marked) >= keep })
	if _, ok := set[member]; !ok && len(set) >= MaxMembers {
		delete(set, byMark(set)[len(set)-1])
	}
	set[member] = now
	return nil
}

// byMark is the members, those that were marked last first.
func byMark(set map[string]time.Time) []string {
	return slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		return cmp.Or(set[b].Compare(set[a]), cmp.Compare(b, a))
	})
}

// Marked orders members of the same moment by name, backwards, as Redis does.
func (m *Memory) Marked(ctx context.Context, name string, n int) ([]Member, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.refuses(ctx); err != nil {
		return nil, err
	}
	var members []Member
	for _, member := range byMark(m.sets[name]) {
		if len(members) >= n {
			break
		}
		members = append(members, Member{Name: member, Age: time.Since(m.sets[name][member])})
	}
	return members, nil
}

// Swap keeps the value itself, as Set does.
func (m *Memory) Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (bool, []byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.refuses(ctx), checkLedger(next, ttl)); err != nil {
		return false, nil, err
	}
	now := time.Now()
	var current []byte
	if r, ok := m.records[key]; ok && r.deadline.After(now) {
		current = r.value
	}
	if (old == nil) != (current == nil) || !bytes.Equal(old, current) {
		return false, current, nil
	}
	if err := m.put(key, record{value: next, deadline: now.Add(ttl), ttl: ttl}, now); err != nil {
		return false, current, err
	}
	return true, next, nil
}
