package jwt

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// userKey names a user in the feed: the first half of the SHA-256 of the sub. It
// says nothing to those who do not know the sub.
type userKey [sha256.Size / 2]byte

func userKeyOf(sub string) (key userKey) {
	var room [64]byte // a sub is 36 bytes long; converting it would allocate
	sum := sha256.Sum256(append(room[:0], sub...))
	copy(key[:], sum[:])
	return key
}

// endedUser is an entry for a user: tokens of the user that were issued before a
// time belong to sessions that have ended, except those of some sessions. It is
// immutable.
type endedUser struct {
	before, until int64 // in seconds since 1970
	except        []string
}

// endedSessions is what a follower knows: sessions and users that entries name. Any
// number of goroutines read while one changes it.
type endedSessions struct {
	ids   endedTable
	users atomic.Pointer[map[userKey]*endedUser] // replaced as a whole

	// Of the goroutine that changes it.
	limit, excepted int
}

func (s *endedSessions) init(limit int) {
	s.limit = limit
	s.ids.init(limit)
	s.users.Store(&map[userKey]*endedUser{})
}

// has reports whether the session has ended.
func (s *endedSessions) has(ref SessionRef) bool {
	if s.ids.has(ref.EventID) || s.ids.has(ref.OriginID) {
		return true
	}
	users := *s.users.Load()
	if len(users) == 0 || ref.Subject == "" {
		return false
	}
	user := users[userKeyOf(ref.Subject)]
	if user == nil || ref.IssuedAt.Unix() >= user.before {
		return false
	}
	_, excepted := slices.BinarySearch(user.except, ref.EventID)
	return !excepted
}

// add takes over an entry. It reports false when there is no room. Every token
// has the event_id of its session, so the entry stores no origin_jti.
func (s *endedSessions) add(e *feedEntry) bool {
	if e.before == 0 {
		id := e.eventID
		if id == "" {
			id = e.originID
		}
		s.ids.limit = s.limit - s.excepted
		return s.ids.add(id, e.until)
	}
	return s.addUser(e)
}

// addUser puts the user in place first: readers never find neither.
func (s *endedSessions) addUser(e *feedEntry) bool {
	old := (*s.users.Load())[e.user]
	excepted := s.excepted + 1 + len(e.except)
	if old != nil {
		excepted -= 1 + len(old.except)
	}
	if old != nil && old.before > e.before {
		return true // the feed is read anew, from an earlier state
	}
	replaced := 0
	for _, id := range e.replaced {
		if s.ids.has(id) {
			replaced++
		}
	}
	if s.ids.count-replaced+excepted > s.limit {
		return false
	}
	slices.Sort(e.except)
	s.excepted = excepted
	s.change(func(users map[userKey]*endedUser) { users[e.user] = &endedUser{e.before, e.until, e.except} })
	for _, id := range e.replaced {
		s.ids.remove(id)
	}
	return true
}

func (s *endedSessions) change(f func(map[userKey]*endedUser)) {
	next := maps.Clone(*s.users.Load())
	f(next)
	s.users.Store(&next)
}

// forget drops what no token can refer to any more.
func (s *endedSessions) forget(now int64) {
	s.ids.forget(now)
	over := false
	for _, user := range *s.users.Load() {
		over = over || user.until < now
	}
	if !over {
		return
	}
	s.change(func(users map[userKey]*endedUser) {
		for key, user := range users {
			if user.until < now {
				s.excepted -= 1 + len(user.except)
				delete(users, key)
			}
		}
	})
}

// parseUser reads what an entry for a user says beyond its time.
func (e *feedEntry) parseUser(src string, members []member) error {
	name, _ := find(src, members, "user")
	before, _ := find(src, members, "before")
	text, ok := name.textIn(src)
	var key [32]byte
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(len(e.user)) {
		return errors.New("an entry has neither the id of a session nor a user")
	}
	if n, ok := decode64(key[:], text); !ok || n != len(e.user) {
		return fmt.Errorf("user of an entry is not %d bytes in base64url", len(e.user))
	}
	copy(e.user[:], key[:])
	if e.before, ok = before.secondsIn(src); !ok || e.before <= 0 {
		return errors.New("an entry for a user has no time before")
	}
	for name, into := range map[string]*[]string{"except": &e.except, "replaced": &e.replaced} {
		m, there := find(src, members, name)
		if !there {
			continue
		}
		list, ok := []string(nil), m.kind == kindArray
		if ok {
			list, ok = texts(m.rawIn(src))
		}
		if !ok || slices.ContainsFunc(list, func(id string) bool { return id == "" || len(id) > maxFeedID }) {
			return fmt.Errorf("%s of an entry is not a list of texts of at most %d bytes", name, maxFeedID)
		}
		for i := range list {
			list[i] = strings.Clone(list[i]) // not the whole page
		}
		*into = list
	}
	return nil
}
