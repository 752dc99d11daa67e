package memory

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type sessions struct{ *tx }

func cloneSession(s storage.Session) *storage.Session {
	s.CreatedAt, s.RefreshedAt = micros(s.CreatedAt), micros(s.RefreshedAt)
	s.RotatedAt, s.ExpiresAt = micros(s.RotatedAt), micros(s.ExpiresAt)
	s.TokensEndAt, s.RevokedAt = micros(s.TokensEndAt), micros(s.RevokedAt)
	return &s
}

func (t sessions) Insert(s storage.Session) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.sessions.has(key{s.ID}) {
		return exists("session", s.ID)
	}
	if !t.users.has(key{s.PoolID, s.UserSub}) {
		return notFound("user", s.PoolID, s.UserSub)
	}
	if !t.clients.has(key{s.ClientID}) {
		return notFound("client", s.ClientID)
	}
	t.sessions = t.sessions.put(key{s.ID}, cloneSession(s))
	t.userSession = t.userSession.put(key{s.PoolID, s.UserSub, s.ID}, struct{}{})
	return nil
}

func (t sessions) Session(id string) (storage.Session, error) {
	if err := t.reads(); err != nil {
		return storage.Session{}, err
	}
	s, ok := t.sessions.get(key{id})
	if !ok {
		return storage.Session{}, notFound("session", id)
	}
	return *s, nil
}

func (t sessions) Advance(id string, generation int64, rotate bool, now, tokensEnd time.Time) (bool, error) {
	if err := t.changes(); err != nil {
		return false, err
	}
	now = micros(now)
	s, ok := t.sessions.get(key{id})
	if !ok || s.Generation != generation || !s.RevokedAt.IsZero() {
		return false, nil
	}
	if !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt) {
		return false, nil
	}
	next := *s
	next.RefreshedAt, next.TokensEndAt = latest(s.RefreshedAt, now), latest(s.TokensEndAt, micros(tokensEnd))
	if rotate {
		next.Generation++
		next.RotatedAt = now
	}
	t.sessions = t.sessions.put(key{id}, &next)
	return true, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (t sessions) Revoke(ended storage.Ended, now time.Time) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for s := range t.selected(ended) {
		next := *s
		next.RevokedAt = micros(now)
		t.sessions = t.sessions.put(key{s.ID}, &next)
		count++
	}
	return count, nil
}

func (t sessions) Excess(poolID, sub string, most, keep int, now time.Time) ([]storage.Session, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Session
	for s := range t.sessionsOf(poolID, sub) {
		if s.RevokedAt.IsZero() && goesOn(s, now, 0) {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b storage.Session) int {
		return cmp.Or(a.RefreshedAt.Compare(b.RefreshedAt), strings.Compare(b.ID, a.ID))
	})
	if len(list) <= most {
		return nil, nil
	}
	return list[:max(len(list)-max(keep, 0), 0)], nil
}

// goesOn reports whether a session that is not revoked has a refresh token or
// other tokens that are good, or were margin ago.
func goesOn(s *storage.Session, now time.Time, margin time.Duration) bool {
	now = micros(now)
	return s.ExpiresAt.IsZero() || s.ExpiresAt.After(now) || !s.TokensEndAt.IsZero() && s.TokensEndAt.Add(margin).After(now)
}

// sessionsOf walks a user's sessions in the order of their ids.
func (t *tx) sessionsOf(poolID, sub string) iter.Seq[*storage.Session] {
	return func(yield func(*storage.Session) bool) {
		for k := range t.userSession.within(key{poolID, sub}, poolID, sub) {
			if s, ok := t.sessions.get(key{k[2]}); ok && !yield(s) {
				return
			}
		}
	}
}

func (t sessions) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for _, s := range t.sessions.all() {
		if count >= limit {
			break
		}
		if past(s.ExpiresAt, before) || past(s.RevokedAt, before) {
			t.removeSession(s)
			count++
		}
	}
	return count, nil
}

// past reports whether at, unless it stands for "never", lies before.
func past(at, before time.Time) bool { return !at.IsZero() && at.Before(micros(before)) }

func (t *tx) removeSession(s *storage.Session) {
	t.sessions = t.sessions.remove(key{s.ID})
	t.userSession = t.userSession.remove(key{s.PoolID, s.UserSub, s.ID})
}
