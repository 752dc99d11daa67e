package sqlite

import (
	"sync"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// A cache keeps rows that were read lately. It is never wrong, because of
// three numbers. Each commit makes a new version of the database. A shelf
// knows the version it is at, and for each row the version since which the row
// has been as it is. A transaction at version v may use a row when
// since <= v <= shelf's version, and may add one only when v is the shelf's
// version. A commit removes what it changed before the shelf moves on.
//
// A View that begins while a commit is under way sees the version before or the
// one after, and cannot tell which ([span]). To it a row is good that is the same in
// both: the shelf is told what a commit changes before the commit begins.
//
// Rows are never changed once they are on a shelf; who hands one out clones it.
type cache struct {
	pools    shelf[string, *storage.Pool]
	clients  shelf[string, *storage.Client]
	users    shelf[userKey, *storage.User]
	logins   shelf[loginKey, string] // subs
	sessions shelf[string, *storage.Session]
	belongs  shelf[userKey, membership]

	identityPools  shelf[string, *storage.IdentityPool]
	identities     shelf[string, *storage.Identity]
	identityLogins shelf[identityLogin, string] // ids
}

// membership is the beginning of a user's list of groups: all of it in nearly
// every case.
type membership struct {
	groups   []storage.Group
	complete bool
}

// maxMembership is how many groups of a user the cache holds; Cognito allows 100.
const maxMembership = 128

type userKey struct{ poolID, sub string }

type loginKey struct{ poolID, login string }

type identityLogin struct {
	poolID string
	login  storage.Login
}

func newCache(rows int) *cache {
	c := new(cache)
	c.pools.limit, c.clients.limit, c.users.limit = rows, rows, rows
	c.logins.limit, c.sessions.limit, c.belongs.limit = rows, rows, rows
	c.identityPools.limit, c.identities.limit, c.identityLogins.limit = rows, rows, rows
	return c
}

// announce tells every shelf what the commit that begins now changes. Only the
// writer calls it; publish follows.
func (c *cache) announce() {
	c.pools.announce()
	c.clients.announce()
	c.users.announce()
	c.logins.announce()
	c.sessions.announce()
	c.belongs.announce()
	c.identityPools.announce()
	c.identities.announce()
	c.identityLogins.announce()
}

// publish moves every shelf to the next version. Only the writer calls it.
func (c *cache) publish() {
	c.pools.publish()
	c.clients.publish()
	c.users.publish()
	c.logins.publish()
	c.sessions.publish()
	c.belongs.publish()
	c.identityPools.publish()
	c.identities.publish()
	c.identityLogins.publish()
}

// discard drops the marks of a batch that committed nothing.
func (c *cache) discard() {
	c.pools.discard()
	c.clients.discard()
	c.users.discard()
	c.logins.discard()
	c.sessions.discard()
	c.belongs.discard()
	c.identityPools.discard()
	c.identities.discard()
	c.identityLogins.discard()
}

// forget marks everything as changed by the running batch.
func (c *cache) forget() {
	c.pools.all, c.clients.all, c.users.all = true, true, true
	c.logins.all, c.sessions.all, c.belongs.all = true, true, true
	c.identityPools.all, c.identities.all, c.identityLogins.all = true, true, true
}

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
	// What the commit that is under way changes, all of it if so; nil otherwise.
	leaving *leaving[K]
}

type leaving[K comparable] struct {
	changed map[K]struct{}
	all     bool
}

func (l *leaving[K]) has(k K) bool {
	_, ok := l.changed[k]
	return ok || l.all
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
	return seen.last == s.version+1 && s.leaving != nil && !s.leaving.has(k)
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
	s.leaving = &leaving[K]{s.changed, s.all}
}

func (s *shelf[K, V]) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving = nil
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

// unstage drops what rows were to become: a closure of the batch was undone.
func (s *shelf[K, V]) unstage() { clear(s.staged) }
