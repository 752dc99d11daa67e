package tokens

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Proven is a user who has signed in in a browser. Nothing is issued yet: a
// Proven is what IssueTokens issues for, now or while [Service.StillGood] says so.
type Proven struct {
	PoolID, Sub, Username string
	// Provider is where the user signed in: an identity provider's name, or COGNITO for
	// the pool itself. Empty stands for what is most likely: a user of an identity provider
	// signed in there, any other user here.
	Provider string
	// Subject is the user's identifier at that provider; empty for the pool itself, and
	// where it was not noted.
	Subject string
	// AuthTime is when the user signed in.
	AuthTime time.Time
	// SignOuts and PasswordEpoch are the user's counts at that time. One that has
	// grown since ends it.
	SignOuts, PasswordEpoch int64
}

// StillGood reports whether a browser may go on as a user: the user exists, may sign in,
// has not signed out everywhere and has the same password, the provider at which the user
// signed in still vouches for the user, and the browser's session of that id was not ended.
// It returns p with its Provider.
func (s *Service) StillGood(ctx context.Context, p Proven, session string) (now Proven, good bool, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) error {
		ended, err := tx.Spent.Used(browserSession(session))
		good = !ended
		if err == nil && good {
			var user storage.User
			user, err = s.reload(tx, p)
			p.Provider = signedInAt(user, p.Provider)
		}
		return err
	})
	if wire.IsException(err, wire.NotAuthorizedException) {
		return p, false, nil
	}
	return p, err == nil && good, err
}

// EndBrowser ends a browser's session, which would be good until then.
func (s *Service) EndBrowser(ctx context.Context, session string, until time.Time) error {
	_, err := s.SpendOnce(ctx, browserSession(session), until)
	return err
}

// browserSession is what stands for a browser's session among the ids that are over.
func browserSession(id string) string { return "browser/" + id }

// reload reads the user of a browser session and refuses one that is over.
func (s *Service) reload(tx storage.Tx, p Proven) (storage.User, error) {
	over := wire.NewException(wire.NotAuthorizedException, "The sign-in is over.")
	user, err := tx.Users.BySub(p.PoolID, p.Sub)
	if err != nil {
		return user, pool.NotFound(err, over)
	}
	if user.SignOuts != p.SignOuts || user.PasswordEpoch != p.PasswordEpoch || s.passwords.AccountRefusal(user) != nil {
		return user, over
	}
	vouched, err := s.vouched(tx, user, signedInAt(user, p.Provider), p.Subject, p.AuthTime)
	if err == nil && !vouched {
		err = over
	}
	return user, err
}

// SpendOnce marks an id as used until that time, and reports whether this was the
// first use.
func (s *Service) SpendOnce(ctx context.Context, id string, until time.Time) (first bool, err error) {
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		first, err = tx.Spent.Spend(id, until)
		return err
	})
	return first, err
}
