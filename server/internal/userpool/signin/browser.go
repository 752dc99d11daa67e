package signin

import (
	"context"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Step is where a step of a sign-in in a browser leads. One of the two is there.
type Step struct {
	Proven      *tokens.Proven
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
	a, err := s.tokens.AppOf(ctx, clientID)
	if err != nil {
		return nil, err
	}
	if err := pool.Required(wire.Parameters{"USERNAME": username, "PASSWORD": string(password)}, "USERNAME", "PASSWORD"); err != nil {
		return nil, err
	}
	if !utf8.ValidString(username) || utf8.RuneCountInString(username) > pool.MaxUsername {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	return pool.Veiled(ctx, a, func() (*Step, error) {
		who, err := s.passwords.ProvePassword(ctx, a, username, string(password))
		if err != nil {
			return nil, err
		}
		return s.step(ctx, a, who, nil, nil)
	})
}

// step is advance for the service's own pages.
func (s *Service) step(ctx context.Context, a *pool.App, who *pool.Subject, passed []wire.ChallengeName, change change) (*Step, error) {
	out, err := s.next(ctx, a, who, passed, change)
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return s.prove(ctx, a, who.User, who.Attempts, change)
	case out.ChallengeName != wire.ChallengeNewPasswordRequired:
		return nil, wire.Exceptionf(wire.NotAuthorizedException, "The sign-in pages have no page for the challenge %s.", out.ChallengeName)
	}
	return newPasswordStep(a, who, out), nil
}

func newPasswordStep(a *pool.App, who *pool.Subject, out *pool.Outcome) *Step {
	step := &NewPasswordStep{Session: out.Session, Username: who.Login}
	for _, name := range a.PoolSettings.RequiredAttributes() {
		if who.User.Attributes[name] == "" {
			step.Required = append(step.Required, name)
		}
	}
	return &Step{NewPassword: step}
}

// NewPassword answers a [NewPasswordStep]: RespondToAuthChallenge for the
// service's own pages. attributes are by their names, without a prefix. What is
// wrong with password or attributes leaves the Session good.
func (s *Service) NewPassword(ctx context.Context, clientID string, session wire.Sensitive, username string, password wire.Sensitive, attributes map[string]string) (*Step, error) {
	a, err := s.tokens.AppOf(ctx, clientID)
	if err != nil {
		return nil, err
	}
	answers := wire.Parameters{"USERNAME": username, "NEW_PASSWORD": string(password)}
	for name, value := range attributes {
		answers[attributePrefix+name] = value
	}
	if err := pool.Required(answers, "USERNAME", "NEW_PASSWORD"); err != nil {
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
	return s.step(ctx, a, who, append(c.Passed, wire.ChallengeNewPasswordRequired), change)
}

// prove records that a sign-in succeeded, without tokens.
func (s *Service) prove(ctx context.Context, a *pool.App, user storage.User, attempts pool.Counters, change change) (*Step, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		user, err = s.tokens.Admit(tx, user, attempts, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Step{Proven: &tokens.Proven{
		PoolID: a.Pool.ID, Sub: user.Sub, Username: user.Username, Provider: pool.OwnProvider, AuthTime: s.now(),
		SignOuts: user.SignOuts, PasswordEpoch: user.PasswordEpoch,
	}}, nil
}
