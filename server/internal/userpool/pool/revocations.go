package pool

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	// revocationMargin is how long a revocation stays in the feed after the tokens
	// that it concerns have expired: clocks differ, and verifiers are lenient.
	revocationMargin = 3 * time.Minute
	// A user whose sessions end again and again has at most so many entries in the
	// feed, and more of those that ended in the last seconds: a sign-in takes less
	// than that, so that an entry for the user covers no token that is new.
	revocationsPerUser = 200
	revocationsSettle  = 5 * time.Second
)

// Announce writes what is about to end into the pool's feed of revocations. It
// must come first: what has ended is not found any more.
func (s *Sessions) Announce(tx storage.Tx, ended storage.Ended) error {
	_, err := tx.Revocations.Append(ended, storage.Notice{
		At: s.now(), Margin: revocationMargin, PerUser: revocationsPerUser, Settle: revocationsSettle,
	})
	return err
}

// End announces and ends sessions. Those that are over already stay as they are.
func (s *Sessions) End(tx storage.Tx, ended storage.Ended) error {
	if err := s.Announce(tx, ended); err != nil {
		return err
	}
	_, err := tx.Sessions.Revoke(ended, s.now())
	return err
}

// EndSession ends one session.
func (s *Sessions) EndSession(tx storage.Tx, poolID, id string) error {
	return s.End(tx, storage.Ended{PoolID: poolID, SessionID: id})
}

// EndSessionsBut ends the sessions of user but the one named except.
func (s *Sessions) EndSessionsBut(tx storage.Tx, user *storage.User, except string) error {
	return s.End(tx, storage.Ended{PoolID: user.PoolID, UserSub: user.Sub, Except: except})
}

// DefaultSessionsPerUser is the default of [Config.SessionsPerUser].
const DefaultSessionsPerUser = 10_000

// KeepSession adds a session. If its user has too many then, it ends those that
// were refreshed least recently, and returns them. It ends a hundredth of the bound
// at once, because finding them takes time.
func (s *Sessions) KeepSession(tx storage.Tx, session storage.Session) (evicted []storage.Session, err error) {
	most := s.perUser - 1
	evicted, err = tx.Sessions.Excess(session.PoolID, session.UserSub, most, most-s.perUser/100, s.now())
	if err != nil {
		return nil, err
	}
	for _, old := range evicted {
		if err := s.EndSession(tx, old.PoolID, old.ID); err != nil {
			return nil, err
		}
	}
	if _, err := tx.Revocations.Admit(session, s.now()); err != nil {
		return nil, err
	}
	return evicted, tx.Sessions.Insert(session)
}

// NoteEvicted logs sessions that were ended because their user had too many.
func (s *Sessions) NoteEvicted(ctx context.Context, evicted []storage.Session) {
	for _, old := range evicted {
		s.log.WarnContext(ctx, "too many sessions of one user; the least recently refreshed one is ended", "pool", old.PoolID,
			"client", old.ClientID, "sub", old.UserSub, "session", old.ID, "refreshed", old.RefreshedAt, "most", s.perUser)
	}
}
