package signin

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Factors asks for proofs beyond the first one, such as a one-time code. An
// implementation knows the factors of users; this package keeps the state of a sign-in
// between two requests and issues the tokens at the end.
type Factors interface {
	// Challenge returns the next challenge for a user who has passed others, in their
	// order, or nil if the proofs are sufficient.
	Challenge(ctx context.Context, a *pool.App, user storage.User, passed []wire.ChallengeName) (*Challenge, error)
	// Answer judges the answers to a challenge. The client gets its error and may answer
	// the challenge again until it expires, so count wrong answers.
	Answer(ctx context.Context, a *pool.App, user storage.User, c Challenge, answers wire.Parameters) error
}

// Challenge is a challenge of [Factors].
type Challenge struct {
	Name       wire.ChallengeName
	Parameters wire.Parameters // for the client
	// State comes back with the answer. It is sealed: the client neither reads nor
	// changes it.
	State []byte
}

// change is what a passed challenge changes in the transaction that admits the user.
type change = func(storage.Tx, *storage.User) error

// advance leads to tokens, or to the next challenge, once a challenge is passed.
func (s *Service) advance(ctx context.Context, a *pool.App, who *pool.Subject, passed []wire.ChallengeName, change change) (*pool.Outcome, error) {
	out, err := s.next(ctx, a, who, passed, change)
	if out != nil || err != nil {
		return out, err
	}
	return s.tokens.SignIn(ctx, a, who.User, who.Attempts, change)
}

// next returns the challenge that follows those that were passed. It returns nil if there
// is none: then the caller admits the user with change. With a challenge, change is
// written.
func (s *Service) next(ctx context.Context, a *pool.App, who *pool.Subject, passed []wire.ChallengeName, change change) (*pool.Outcome, error) {
	if refusal := s.passwords.AccountRefusal(who.User); refusal != nil {
		if err := s.forgetFailures(ctx, who); err != nil {
			return nil, err
		}
		return nil, refusal
	}
	renews := slices.Contains(passed, wire.ChallengeNewPasswordRequired)
	if !renews && wire.UserStatus(who.User.Status) == wire.UserStatusForceChangePassword {
		if err := s.forgetFailures(ctx, who); err != nil {
			return nil, err
		}
		return s.askNewPassword(ctx, a, who)
	}
	if s.factors == nil {
		return nil, nil
	}
	c, err := s.factors.Challenge(ctx, a, who.User, passed)
	if c == nil || err != nil {
		return nil, err
	}
	return s.ask(ctx, a, who, passed, change, c)
}

// forgetFailures notes that the password was right, where no tokens follow.
func (s *Service) forgetFailures(ctx context.Context, who *pool.Subject) error {
	return s.store.Update(ctx, func(tx storage.Tx) error { return s.passwords.ForgetFailures(tx, who.Attempts) })
}

// ask writes what was passed and gives a challenge of the factors.
func (s *Service) ask(ctx context.Context, a *pool.App, who *pool.Subject, passed []wire.ChallengeName, change change, next *Challenge) (*pool.Outcome, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		who.User, err = s.tokens.Admit(tx, who.User, who.Attempts, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := s.newChallenge(a, next.Name, who)
	c.Passed, c.State = passed, next.State
	session, err := s.session(c)
	if err != nil {
		return nil, err
	}
	return &pool.Outcome{ChallengeName: next.Name, Session: session, ChallengeParameters: next.Parameters}, nil
}

// answerFactor takes the answer to a challenge of the factors.
func (s *Service) answerFactor(ctx context.Context, a *pool.App, name wire.ChallengeName, session wire.Sensitive, answers wire.Parameters) (*pool.Outcome, error) {
	c, err := s.openSession(a, name, session)
	if err != nil {
		return nil, err
	}
	if err := a.CheckSecretHash(answers["SECRET_HASH"], answers["USERNAME"], c.User, c.Login); err != nil {
		return nil, err
	}
	who, err := s.challenged(ctx, a, c)
	if err != nil {
		return nil, err
	}
	if !called(who, answers["USERNAME"], c) {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	if err := s.factors.Answer(ctx, a, who.User, Challenge{Name: name, State: c.State}, answers); err != nil {
		return nil, err
	}
	return s.advance(ctx, a, who, append(c.Passed, name), func(tx storage.Tx, _ *storage.User) error { return s.spend(tx, c) })
}
