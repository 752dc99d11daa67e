package userpool

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
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

// Step is where a step of a sign-in in a browser leads. One of the two is there.
type Step struct {
	Proven      *Proven
	NewPassword *NewPasswordStep
}

// NewPasswordStep is the step of a user whose password is temporary
// (NEW_PASSWORD_REQUIRED).
type NewPasswordStep struct {
	// Session and Username go back with the answer.
	Session  wire.Sensitive
	Username string
	// Required are the names of the attributes that the pool demands and the user lacks.
	Required []string
}

// JudgePassword is USER_PASSWORD_AUTH for the service's own pages: it counts,
// hides and refuses like InitiateAuth, with the same exceptions, but demands
// neither ExplicitAuthFlows nor SECRET_HASH, and issues nothing.
func (s *Service) JudgePassword(ctx context.Context, clientID, username string, password wire.Sensitive) (*Step, error) {
	a, err := s.appOf(ctx, clientID)
	if err != nil {
		return nil, err
	}
	if err := required(wire.Parameters{"USERNAME": username, "PASSWORD": string(password)}, "USERNAME", "PASSWORD"); err != nil {
		return nil, err
	}
	if !utf8.ValidString(username) || utf8.RuneCountInString(username) > maxUsername {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	return veiled(ctx, a, func() (*Step, error) {
		who, err := s.provePassword(ctx, a, username, string(password))
		if err != nil {
			return nil, err
		}
		if s.accountRefusal(who.user) == nil && wire.UserStatus(who.user.Status) != wire.UserStatusForceChangePassword {
			return s.prove(ctx, a, who.user, who.attempts, nil)
		}
		out, err := s.firstFactorPassed(ctx, a, who)
		if err != nil {
			return nil, err
		}
		return newPasswordStep(a, who, out), nil
	})
}

func newPasswordStep(a *app, who *subject, out *outcome) *Step {
	step := &NewPasswordStep{Session: out.Session, Username: who.login}
	for _, name := range a.poolSet.requiredAttributes() {
		if who.user.Attributes[name] == "" {
			step.Required = append(step.Required, name)
		}
	}
	return &Step{NewPassword: step}
}

// NewPassword answers a [NewPasswordStep]: RespondToAuthChallenge for the
// service's own pages. attributes are by their names, without a prefix. What is
// wrong with password or attributes leaves the Session good.
func (s *Service) NewPassword(ctx context.Context, clientID string, session wire.Sensitive, username string, password wire.Sensitive, attributes map[string]string) (*Step, error) {
	a, err := s.appOf(ctx, clientID)
	if err != nil {
		return nil, err
	}
	answers := wire.Parameters{"USERNAME": username, "NEW_PASSWORD": string(password)}
	for name, value := range attributes {
		answers[attributePrefix+name] = value
	}
	if err := required(answers, "USERNAME", "NEW_PASSWORD"); err != nil {
		return nil, err
	}
	c, err := s.openSession(a, wire.ChallengeNewPasswordRequired, session)
	if err != nil {
		return nil, err
	}
	who, change, err := s.replacePassword(ctx, a, c, answers)
	if err != nil {
		return nil, err
	}
	return s.prove(ctx, a, who.user, who.attempts, change)
}

// prove records that a sign-in succeeded, without tokens.
func (s *Service) prove(ctx context.Context, a *app, user storage.User, attempts counters, change func(storage.Tx, *storage.User) error) (*Step, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		user, err = s.admit(tx, user, attempts, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Step{Proven: &Proven{
		PoolID: a.pool.ID, Sub: user.Sub, Username: user.Username, Provider: ownProvider, AuthTime: s.now(),
		SignOuts: user.SignOuts, PasswordEpoch: user.PasswordEpoch,
	}}, nil
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
		return user, notFound(err, over)
	}
	if user.SignOuts != p.SignOuts || user.PasswordEpoch != p.PasswordEpoch || s.accountRefusal(user) != nil {
		return user, over
	}
	vouched, err := s.vouched(tx, user, signedInAt(user, p.Provider), p.Subject, p.AuthTime)
	if err == nil && !vouched {
		err = over
	}
	return user, err
}
