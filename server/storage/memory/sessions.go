package memory

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type sessions struct{ *tx }

func cloneSession(s storage.Session) *storage.Session {
	s.CreatedAt, s.RefreshedAt = micros(s.CreatedAt), micros(s.RefreshedAt)
	s.RotatedAt, s.ExpiresAt = micros(s.RotatedAt), micros(s.ExpiresAt)
	s.RevokedAt = micros(s.RevokedAt)
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

func (t sessions) Advance(id string, generation int64, rotate bool, now time.Time) (bool, error) {
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
	next.RefreshedAt = now
	if rotate {
		next.Generation++
		next.RotatedAt = now
	}
	t.sessions = t.sessions.put(key{id}, &next)
	return true, nil
}

func (t sessions) Revoke(id string, now time.Time) (bool, error) {
	if err := t.changes(); err != nil {
		return false, err
	}
	return t.revoke(id, micros(now)), nil
}

func (t sessions) RevokeUser(poolID, sub, except string, now time.Time) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for k := range t.userSession.within(key{poolID, sub}, poolID, sub) {
		if k[2] != except && t.revoke(k[2], micros(now)) {
			count++
		}
	}
	return count, nil
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

func (t *tx) revoke(id string, now time.Time) bool {
	s, ok := t.sessions.get(key{id})
	if !ok || !s.RevokedAt.IsZero() {
		return false
	}
	next := *s
	next.RevokedAt = now
	t.sessions = t.sessions.put(key{id}, &next)
	return true
}

func (t *tx) removeSession(s *storage.Session) {
	t.sessions = t.sessions.remove(key{s.ID})
	t.userSession = t.userSession.remove(key{s.PoolID, s.UserSub, s.ID})
}
