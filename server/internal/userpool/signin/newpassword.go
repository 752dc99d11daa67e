package signin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// attributePrefix stands before attribute names in the parameters and answers
// of NEW_PASSWORD_REQUIRED.
const attributePrefix = "userAttributes."

// askNewPassword gives the NEW_PASSWORD_REQUIRED challenge. Both lists are
// JSON texts inside a string, which clients parse without asking whether they
// are there. Attributes that the client may not read are left out.
func (s *Service) askNewPassword(_ context.Context, a *pool.App, who *pool.Subject) (*pool.Outcome, error) {
	session, err := s.session(s.newChallenge(a, wire.ChallengeNewPasswordRequired, who))
	if err != nil {
		return nil, err
	}
	shown := maps.Clone(who.User.Attributes)
	maps.DeleteFunc(shown, func(name, _ string) bool { return name == "sub" || !a.MayRead(name) })
	attributes, err := jsonText(shown)
	if err != nil {
		return nil, err
	}
	missing := []string{}
	for _, name := range a.PoolSettings.RequiredAttributes() {
		if who.User.Attributes[name] == "" {
			missing = append(missing, attributePrefix+name)
		}
	}
	required, err := jsonText(missing)
	if err != nil {
		return nil, err
	}
	return &pool.Outcome{
		ChallengeName: wire.ChallengeNewPasswordRequired,
		Session:       session,
		ChallengeParameters: wire.Parameters{
			"USER_ID_FOR_SRP": who.Name, "userAttributes": attributes, "requiredAttributes": required,
		},
	}, nil
}

// answerNewPassword takes the new password and the attributes that came with
// it. What is wrong with either is said before the Session is spent, so that
// the person can try another password.
func (s *Service) answerNewPassword(ctx context.Context, a *pool.App, session wire.Sensitive, answers wire.Parameters) (*pool.Outcome, error) {
	if err := pool.Required(answers, "NEW_PASSWORD"); err != nil {
		return nil, err
	}
	c, err := s.openSession(a, wire.ChallengeNewPasswordRequired, session)
	if err != nil {
		return nil, err
	}
	if err := a.CheckSecretHash(answers["SECRET_HASH"], answers["USERNAME"], c.User, c.Login); err != nil {
		return nil, err
	}
	who, change, err := s.replacePassword(ctx, a, c, answers)
	if err != nil {
		return nil, err
	}
	return s.advance(ctx, a, who, append(c.Passed, wire.ChallengeNewPasswordRequired), change)
}

// replacePassword judges a new password and its attributes for a challenge. The
// user of the subject that it returns has them, for tokens that are signed first;
// change gives them to the user as stored.
func (s *Service) replacePassword(ctx context.Context, a *pool.App, c challenge, answers wire.Parameters) (who *pool.Subject, change change, err error) {
	who, err = s.challenged(ctx, a, c)
	if err != nil {
		return nil, nil, err
	}
	if !called(who, answers["USERNAME"], c) {
		return nil, nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	given, err := newAttributes(a, who.User, answers)
	if err != nil {
		return nil, nil, err
	}
	password, err := s.passwords.PreparePassword(ctx, a.PoolSettings, who.User, answers["NEW_PASSWORD"])
	if err != nil {
		return nil, nil, err
	}
	if err := s.passwords.CheckHistory(ctx, a.PoolSettings, who.User, answers["NEW_PASSWORD"]); err != nil {
		return nil, nil, err
	}
	if err := pool.SetAttributes(&who.User, given); err != nil {
		return nil, nil, err
	}
	return who, func(tx storage.Tx, user *storage.User) error {
		if err := s.spend(tx, c); err != nil {
			return err
		}
		if err := pool.SetAttributes(user, given); err != nil {
			return err
		}
		if err := s.passwords.SetPassword(tx, a.PoolSettings, user, password, true, user.TemporaryUntil, s.now()); err != nil {
			return err
		}
		return a.PoolSettings.UpdateUser(tx, user)
	}, nil
}

// newAttributes reads the attributes of an answer: each must be one that the
// client may write, and those that the pool requires must be there by now.
func newAttributes(a *pool.App, user storage.User, answers wire.Parameters) (map[string]string, error) {
	given := map[string]string{}
	for key, value := range answers {
		name, ok := strings.CutPrefix(key, attributePrefix)
		if !ok {
			continue
		}
		if !a.MayWrite(name) {
			return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
		settled := slices.Contains(a.PoolSettings.RequiredAttributes(), name) || a.PoolSettings.RequiresVerification(name)
		if old := user.Attributes[name]; old != "" && old != value && settled {
			return nil, wire.NewException(wire.NotAuthorizedException, "Cannot modify an already provided "+name)
		}
		given[name] = value
	}
	if err := a.PoolSettings.CheckAttributes(given, false); err != nil {
		return nil, err
	}
	if err := a.PoolSettings.CheckMutable(settled(a.PoolSettings, user, given), given); err != nil {
		return nil, err
	}
	for _, name := range a.PoolSettings.RequiredAttributes() {
		if user.Attributes[name] == "" && given[name] == "" {
			return nil, wire.Exceptionf(wire.InvalidParameterException, "Invalid user attributes: %s: The attribute is required", name)
		}
	}
	return given, nil
}

// settled are the attributes whose value counts as given once and for all: a
// required one that the user never had may still be set, immutable or not.
func settled(p *pool.Settings, user storage.User, given map[string]string) map[string]string {
	have := maps.Clone(user.Attributes)
	for _, name := range p.RequiredAttributes() {
		if user.Attributes[name] == "" {
			if have == nil {
				have = map[string]string{}
			}
			have[name] = given[name]
		}
	}
	return have
}

// jsonText encodes v as the JSON text that stands inside a challenge parameter.
func jsonText(v any) (string, error) {
	data, err := wire.Marshal(v)
	return string(data), err
}
