package rest

import (
	"context"
	"fmt"
	"sync"
)

const (
	// maxKept bounds what one list, with all of its pages, takes once it is decoded.
	// 10,000 quotas take some 3 MiB.
	maxKept = 6 << 20
	// maxTogether bounds what the answers of all appliances take that are being decoded.
	maxTogether = 8 << 20
)

// budget bounds the memory of all answers that are being decoded. When they need more
// together, the largest ends: whoever answers with little is served beside any number
// of appliances that answer with much, quickly or slowly. Nobody waits.
type budget struct {
	most int64

	mu   sync.Mutex
	used int64
	all  map[*share]struct{}
}

// together is one for the process, since its memory is one.
var together = newBudget(maxTogether)

func newBudget(most int64) *budget { return &budget{most: most, all: map[*share]struct{}{}} }

// share is what one answer, one list with its pages, or one memo takes of a budget.
type share struct {
	of   *budget
	list int64 // bytes of the text; only the calls of the list touch it, one after the other
	size int64 // guarded by of.mu
	lost bool  // it was the largest; guarded by of.mu
	end  func(error)
}

// errCrowded ends the largest answer.
var errCrowded = bound(fmt.Sprintf("the appliances' answers take more than %d MiB together, and this one the most", maxTogether>>20))

// begin makes a share and a context that ends with it.
func (b *budget) begin(ctx context.Context) (context.Context, *share) {
	ctx, end := context.WithCancelCause(ctx)
	return ctx, b.add(end)
}

// add makes a share; end is called when it is the largest of too much.
func (b *budget) add(end func(error)) *share {
	s := &share{of: b, end: end}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[s] = struct{}{}
	return s
}

// set takes n bytes in place of what it has, and of what it lost.
func (s *share) set(n int64) error {
	s.of.mu.Lock()
	s.of.used -= s.size
	s.size, s.lost = 0, false
	s.of.mu.Unlock()
	return s.grow(n)
}

// isLost is whether it was the largest.
func (s *share) isLost() bool {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	return s.lost
}

// grow takes n bytes more.
func (s *share) grow(n int64) error {
	b := s.of
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.lost {
		return errCrowded
	}
	s.size += n
	b.used += n
	if s.size > maxKept {
		return bound(fmt.Sprintf("the answer takes more than %d MiB once it is decoded", maxKept>>20))
	}
	for b.used > b.most {
		largest := s
		for other := range b.all {
			if other.size > largest.size {
				largest = other
			}
		}
		b.used -= largest.size
		largest.size, largest.lost = 0, true
		largest.end(errCrowded)
	}
	if s.lost {
		return errCrowded
	}
	return nil
}

// close gives everything back.
func (s *share) close() {
	b := s.of
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= s.size
	s.size = 0
	delete(b.all, s)
	s.end(nil)
}
