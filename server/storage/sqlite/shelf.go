package sqlite

import "sync"

// A shelf keeps rows of one kind: at most limit in each of two halves. What is
// used moves to the young half; when that is full it becomes the old half and
// the old half is dropped, which is close to dropping the least recently used.
type shelf[K comparable, V any] struct {
	limit int

	// What the running batch changed, and, where that is known, what it changed
	// it to; the writer alone touches these three.
	changed map[K]struct{}
	staged  map[K]V
	all     bool

	mu         sync.Mutex
	version    uint64
	young, old map[K]kept[V]
	leaving    leaving[K]
}

// leaving is what the commit that is under way changes; zero if none is.
type leaving[K comparable] struct {
	committing bool
	changed    map[K]struct{}
	all        bool
}

// spares reports whether a commit is under way that leaves the row as it is.
func (l *leaving[K]) spares(k K) bool {
	_, changed := l.changed[k]
	return l.committing && !l.all && !changed
}

// A span is the versions of the database that a transaction may be seeing: all that
// is known is that it is one of them. In most cases there is one.
type span struct{ first, last uint64 }

func at(version uint64) span { return span{version, version} }

type kept[V any] struct {
	row   V
	since uint64
}

// steady reports whether the row, if it is on the shelf, is the same up to the last
// version of the span. s.mu is held.
func (s *shelf[K, V]) steady(k K, seen span) bool {
	if seen.last <= s.version {
		return true
	}
	return seen.last == s.version+1 && s.leaving.spares(k)
}

// get returns the row for a transaction that sees a version of the span.
func (s *shelf[K, V]) get(k K, seen span) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none V
	if !s.steady(k, seen) {
		return none, false
	}
	row, ok := s.young[k]
	if !ok {
		if row, ok = s.old[k]; ok {
			s.add(k, row)
		}
	}
	if !ok || row.since > seen.first {
		return none, false
	}
	return row.row, true
}

// put adds a row that a transaction read which sees a version of the span.
func (s *shelf[K, V]) put(k K, v V, seen span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen.first == s.version && s.steady(k, seen) {
		s.add(k, kept[V]{v, s.version})
	}
}

func (s *shelf[K, V]) add(k K, row kept[V]) {
	if s.limit <= 0 {
		return
	}
	if len(s.young) >= s.limit {
		s.old, s.young = s.young, nil
	}
	if s.young == nil {
		s.young = make(map[K]kept[V])
	}
	s.young[k] = row
	delete(s.old, k)
}

// touch notes that the running batch changes the row.
func (s *shelf[K, V]) touch(k K) {
	if s.changed == nil {
		s.changed = make(map[K]struct{})
	}
	s.changed[k] = struct{}{}
	delete(s.staged, k)
}

// stage notes what the row is once the running batch is committed, so that it
// need not be read again. It comes after touch.
func (s *shelf[K, V]) stage(k K, v V) {
	if s.staged == nil {
		s.staged = make(map[K]V)
	}
	s.staged[k] = v
}

// touched reports whether the running batch has changed the row, or may have.
func (s *shelf[K, V]) touched(k K) bool {
	_, ok := s.changed[k]
	return ok || s.all
}

func (s *shelf[K, V]) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving = leaving[K]{true, s.changed, s.all}
}

func (s *shelf[K, V]) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving = leaving[K]{}
	if s.all {
		s.young, s.old = nil, nil
	}
	for k := range s.changed {
		delete(s.young, k)
		delete(s.old, k)
	}
	s.version++
	if !s.all {
		for k, v := range s.staged {
			s.add(k, kept[V]{v, s.version})
		}
	}
	s.discard()
}

func (s *shelf[K, V]) discard() {
	clear(s.changed)
	clear(s.staged)
	s.all = false
}

// forget notes that the running batch changes any of the rows.
func (s *shelf[K, V]) forget() { s.all = true }

// unstage drops what rows were to become: a closure of the batch was undone.
func (s *shelf[K, V]) unstage() { clear(s.staged) }
