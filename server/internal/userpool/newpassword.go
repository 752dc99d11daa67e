package userpool

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// attributePrefix stands before attribute names in the parameters and answers
// of NEW_PASSWORD_REQUIRED.
const attributePrefix = "userAttributes."

// askNewPassword gives the NEW_PASSWORD_REQUIRED challenge. Both lists are
// JSON texts inside a string, which clients parse without asking whether they
// are there. Attributes that the client may not read are left out.
func (s *Service) askNewPassword(_ context.Context, a *app, who *subject) (*outcome, error) {
	session, err := s.session(s.newChallenge(a, wire.ChallengeNewPasswordRequired, who))
	if err != nil {
		return nil, err
	}
	shown := maps.Clone(who.user.Attributes)
	maps.DeleteFunc(shown, func(name, _ string) bool { return name == "sub" || !a.mayRead(name) })
	attributes, err := jsonText(shown)
	if err != nil {
		return nil, err
	}
	missing := []string{}
	for _, name := range a.poolSet.requiredAttributes() {
		if who.user.Attributes[name] == "" {
			missing = append(missing, attributePrefix+name)
		}
	}
	required, err := jsonText(missing)
	if err != nil {
		return nil, err
	}
	return &outcome{
		ChallengeName: wire.ChallengeNewPasswordRequired,
		Session:       session,
		ChallengeParameters: wire.Parameters{
			"USER_ID_FOR_SRP": who.name, "userAttributes": attributes, "requiredAttributes": required,
		},
	}, nil
}

// answerNewPassword takes the new password and the attributes that came with
// it. What is wrong with either is said before the Session is spent, so that
// the person can try another password.
func (s *Service) answerNewPassword(ctx context.Context, a *app, session wire.Sensitive, answers wire.Parameters) (*outcome, error) {
	if err := required(answers, "NEW_PASSWORD"); err != nil {
		return nil, err
	}
	c, err := s.openSession(a, wire.ChallengeNewPasswordRequired, session)
	if err != nil {
		return nil, err
	}
	if err := a.checkSecretHash(answers["SECRET_HASH"], answers["USERNAME"], c.User, c.Login); err != nil {
		return nil, err
	}
	who, change, err := s.replacePassword(ctx, a, c, answers)
	if err != nil {
		return nil, err
	}
	return s.signIn(ctx, a, who.user, who.attempts, change)
}

// replacePassword judges a new password and its attributes for a challenge. The
// user of the subject that it returns has them, for tokens that are signed first;
// change gives them to the user as stored.
func (s *Service) replacePassword(ctx context.Context, a *app, c challenge, answers wire.Parameters) (who *subject, change func(storage.Tx, *storage.User) error, err error) {
	who, err = s.challenged(ctx, a, c)
	if err != nil {
		return nil, nil, err
	}
	if !who.called(answers["USERNAME"], c) {
		return nil, nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	given, err := a.newAttributes(who.user, answers)
	if err != nil {
		return nil, nil, err
	}
	password, err := s.preparePassword(ctx, a.poolSet, who.user, answers["NEW_PASSWORD"])
	if err != nil {
		return nil, nil, err
	}
	if err := s.checkHistory(ctx, a.poolSet, who.user, answers["NEW_PASSWORD"]); err != nil {
		return nil, nil, err
	}
	if err := setAttributes(&who.user, given); err != nil {
		return nil, nil, err
	}
	return who, func(tx storage.Tx, user *storage.User) error {
		if err := s.spend(tx, c); err != nil {
			return err
		}
		if err := setAttributes(user, given); err != nil {
			return err
		}
		if err := s.setPassword(tx, a.poolSet, user, password, true, user.TemporaryUntil, s.now()); err != nil {
			return err
		}
		return a.poolSet.updateUser(tx, user)
	}, nil
}

// newAttributes reads the attributes of an answer: each must be one that the
// client may write, and those that the pool requires must be there by now.
func (a *app) newAttributes(user storage.User, answers wire.Parameters) (map[string]string, error) {
	given := map[string]string{}
	for key, value := range answers {
		name, ok := strings.CutPrefix(key, attributePrefix)
		if !ok {
			continue
		}
		if !a.mayWrite(name) {
			return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
		}
		settled := slices.Contains(a.poolSet.requiredAttributes(), name) || a.poolSet.requiresVerification(name)
		if old := user.Attributes[name]; old != "" && old != value && settled {
			return nil, wire.NewException(wire.NotAuthorizedException, "Cannot modify an already provided "+name)
		}
		given[name] = value
	}
	if err := a.poolSet.checkAttributes(given, false); err != nil {
		return nil, err
	}
	if err := a.poolSet.checkMutable(a.poolSet.settled(user, given), given); err != nil {
		return nil, err
	}
	for _, name := range a.poolSet.requiredAttributes() {
		if user.Attributes[name] == "" && given[name] == "" {
			return nil, wire.Exceptionf(wire.InvalidParameterException, "Invalid user attributes: %s: The attribute is required", name)
		}
	}
	return given, nil
}

// settled are the attributes whose value counts as given once and for all: a
// required one that the user never had may still be set, immutable or not.
func (p *PoolSettings) settled(user storage.User, given map[string]string) map[string]string {
	have := maps.Clone(user.Attributes)
	for _, name := range p.requiredAttributes() {
		if user.Attributes[name] == "" {
			if have == nil {
				have = map[string]string{}
			}
			have[name] = given[name]
		}
	}
	return have
}

// mayWrite reports whether the client may set an attribute on a user's behalf. No client
// writes what the service keeps, nor what only administrators write.
func (a *app) mayWrite(name string) bool {
	if slices.Contains(builtIn, name) || a.poolSet.developerOnly(name) {
		return false
	}
	list := a.settings.WriteAttributes
	return len(list) == 0 || slices.Contains(list, name)
}

// jsonText encodes v as the JSON text that stands inside a challenge parameter.
func jsonText(v any) (string, error) {
	data, err := wire.Marshal(v)
	return string(data), err
}
