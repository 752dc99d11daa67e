package userpool

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// tokensEnd is how long after a session's last refresh one of its tokens may be
// alive: the longest life that any client ever had, since it may have been
// shortened meanwhile, and a margin. Tokens that are given out again within the
// grace period of a rotation (at most a minute) are newer than the refresh that
// is recorded, as are those of refreshes that overtook each other.
const tokensEnd = mostTokenLife + 3*time.Minute

// announce writes what is about to end into the pool's feed of revocations. It
// must come first: what has ended is not found any more.
func (s *Service) announce(tx storage.Tx, ended storage.Ended) error {
	_, err := tx.Revocations.Append(ended, s.now(), tokensEnd)
	return err
}

// endSession ends one session. One that is over already stays as it is.
func (s *Service) endSession(tx storage.Tx, poolID, id string) error {
	if err := s.announce(tx, storage.Ended{PoolID: poolID, SessionID: id}); err != nil {
		return err
	}
	_, err := tx.Sessions.Revoke(id, s.now())
	return err
}

// endSessionsBut ends the sessions of user but the one named except. Each has
// an entry of its own in the feed: one for the user and a time could not tell
// them from a sign-in that comes in the same second.
func (s *Service) endSessionsBut(tx storage.Tx, user *storage.User, except string) error {
	err := s.announce(tx, storage.Ended{PoolID: user.PoolID, UserSub: user.Sub, Except: except})
	if err != nil {
		return err
	}
	_, err = tx.Sessions.RevokeUser(user.PoolID, user.Sub, except, s.now())
	return err
}
