package userpool

import (
	"context"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// outcome is where a step of a sign-in leads: to tokens or to a challenge.
// The responses of the four sign-in operations have its shape.
type outcome = wire.InitiateAuthResponse

// InitiateAuth begins a sign-in or refreshes a session.
func (s *Service) InitiateAuth(ctx context.Context, in *wire.InitiateAuthRequest) (*wire.InitiateAuthResponse, error) {
	var a *app
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.loadApp(tx, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case wire.AuthFlowUserPassword:
		if !a.settings.allows(wire.AllowUserPasswordAuth, wire.LegacyUserPasswordAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageUserPasswordFlowDisabled)
		}
		return veiled(ctx, a, func() (*outcome, error) { return s.signInWithPassword(ctx, a, in.AuthParameters) })
	default:
		return s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
}

// AdminInitiateAuth is InitiateAuth for an administrator's program, which may
// use the flows that hand the service a password on the user's behalf.
func (s *Service) AdminInitiateAuth(ctx context.Context, in *wire.AdminInitiateAuthRequest) (*wire.AdminInitiateAuthResponse, error) {
	var a *app
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.loadAppOf(tx, in.UserPoolId, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out *outcome
	switch in.AuthFlow {
	case wire.AuthFlowAdminUserPassword, wire.AuthFlowAdminNoSRP:
		if !a.settings.allows(wire.AllowAdminUserPasswordAuth, wire.LegacyAdminNoSRPAuth) {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
		}
		out, err = s.signInWithPassword(ctx, a, in.AuthParameters)
	default:
		out, err = s.initiate(ctx, a, in.AuthFlow, in.AuthParameters)
	}
	if err != nil {
		return nil, err
	}
	return (*wire.AdminInitiateAuthResponse)(out), nil
}

// initiate serves the flows that users and administrators share.
func (s *Service) initiate(ctx context.Context, a *app, flow wire.AuthFlow, params wire.Parameters) (*outcome, error) {
	switch flow {
	case wire.AuthFlowUserSRP:
		if !a.settings.allows(wire.AllowUserSRPAuth) && !a.settings.legacyFlows() {
			return nil, wire.NewException(wire.InvalidParameterException, wire.MessageSRPFlowDisabled)
		}
		return veiled(ctx, a, func() (*outcome, error) { return s.signInWithSRP(ctx, a, params) })
	case wire.AuthFlowRefreshTokenAuth, wire.AuthFlowRefreshToken:
		return s.refreshTokenAuth(ctx, a, params)
	}
	return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
}

// subject is the account that a sign-in names, real or made up.
type subject struct {
	user storage.User // the zero User when made up
	// login is the name as typed, name what the service calls the user.
	login, name string
	attemptKey  string
	verifier    srp.Verifier
}

func (w *subject) real() bool { return w.user.Sub != "" }

// findSubject finds whom a typed name means. For a name that nobody has, it
// fails with UserNotFoundException, or makes somebody up when the client hides
// whether users exist.
func (s *Service) findSubject(ctx context.Context, a *app, login string) (*subject, error) {
	who := &subject{login: login}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if a.settings.hidesUsers() {
			who.user, err = a.poolSet.findUserEvenly(tx, a.pool.ID, login)
		} else {
			who.user, err = a.poolSet.findUser(tx, a.pool.ID, login)
		}
		// Who signs in elsewhere has no password here, nor a way to one.
		if err == nil && isExternal(who.user) {
			who.user, err = storage.User{}, storage.ErrNotFound
			if a.settings.hidesUsers() {
				err = nil
			}
		}
		return notFound(err, wire.UserNotFound())
	})
	if err != nil {
		return nil, err
	}
	return who, s.complete(a, who)
}

// complete fills in what a sign-in needs of its subject. Both kinds of subject
// cost the same: the real one is made up as well, and the made-up one unseals a
// verifier as well, each for nothing but the time it takes.
func (s *Service) complete(a *app, who *subject) error {
	if !who.real() {
		s.makeUp(a, who)
		_, err := s.box.Open(purposeVerifier, s.decoy, nil)
		return err
	}
	s.makeUp(a, &subject{login: who.login})
	who.name = who.user.Username
	who.attemptKey = attemptKey(who.user)
	return s.openVerifier(a, who)
}

// attemptKey names a user's counter of wrong passwords: one for all names.
func attemptKey(user storage.User) string { return user.PoolID + "/sub:" + user.Sub }

// openVerifier unseals the user's verifier. A user without a password has a
// made-up one, so that no password is right.
func (s *Service) openVerifier(a *app, who *subject) error {
	if len(who.user.Verifier) == 0 {
		who.verifier = s.madeUpVerifier(a.pool.ID, who.user.Sub)
		return nil
	}
	v, err := s.box.Open(purposeVerifier, who.user.Verifier, verifierContext(who.user))
	who.verifier = srp.Verifier{Salt: who.user.Salt, V: v}
	return err
}

// verifierContext binds a sealed verifier to its user.
func verifierContext(u storage.User) []byte { return []byte(u.PoolID + "/" + u.Sub) }

// makeUp fills in a user who does not exist: the same one at every call for
// the same name, as RFC 5054, section 2.5.1.3 advises.
func (s *Service) makeUp(a *app, who *subject) {
	canonical := a.poolSet.canonical(loginUsername, who.login)
	who.attemptKey = a.pool.ID + "/" + canonical
	who.verifier = s.madeUpVerifier(a.pool.ID, canonical)
	if len(a.poolSet.UsernameAttributes) == 0 {
		who.name = strings.TrimPrefix(canonical, loginUsername+":")
		return
	}
	var id [16]byte
	copy(id[:], s.box.MAC(purposeMadeUp, []byte("sub"), []byte(a.pool.ID), []byte(canonical)))
	who.name = random.FormatUUID(id)
}

// madeUpVerifier is a salt and verifier that belong to no password.
func (s *Service) madeUpVerifier(poolID, name string) srp.Verifier {
	part := func(label string) []byte {
		return s.box.MAC(purposeMadeUp, []byte(label), []byte(poolID), []byte(name))
	}
	v := make([]byte, 0, verifierSize)
	for _, label := range []string{"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"} {
		v = append(v, part(label)...)
	}
	v[0] &= 0x7f // below the modulus
	return srp.Verifier{Salt: part("salt")[:16], V: v}
}

// checkSecretHash checks SECRET_HASH of a client with a secret; names are the
// user names it may be over (InitiateAuth and RespondToAuthChallenge: the
// string that was sent; answers: USER_ID_FOR_SRP).
func (a *app) checkSecretHash(hash string, names ...string) error {
	if a.secret == "" {
		return nil
	}
	if hash == "" {
		return wire.SecretHashMissing(a.client.ID)
	}
	for _, name := range names {
		if equal(hash, srp.SecretHash(name, a.client.ID, a.secret)) {
			return nil
		}
	}
	return wire.SecretHashWrong(a.client.ID)
}
