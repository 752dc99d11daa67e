package signin

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// signInWithSRP opens an SRP handshake (USER_SRP_AUTH). It writes nothing: all
// that the answer needs is sealed in SECRET_BLOCK.
func (s *Service) signInWithSRP(ctx context.Context, a *pool.App, params wire.Parameters) (*pool.Outcome, error) {
	if err := pool.Required(params, "USERNAME", "SRP_A"); err != nil {
		return nil, err
	}
	if _, err := srp.ParseA(params["SRP_A"]); err != nil {
		return nil, wire.NewException(wire.InvalidParameterException, "Invalid SRP_A value.")
	}
	login := params["USERNAME"]
	if err := pool.CheckTyped(login); err != nil {
		return nil, err
	}
	if err := a.CheckSecretHash(params["SECRET_HASH"], login); err != nil {
		return nil, err
	}
	who, err := s.passwords.FindSubject(ctx, a, login)
	if err != nil {
		return nil, err
	}
	leave, err := s.passwords.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	server, err := srp.NewServer(who.Verifier)
	if err != nil {
		return nil, err
	}
	c := s.newChallenge(a, wire.ChallengePasswordVerifier, who)
	c.SRP = &handshake{A: params["SRP_A"], Secret: server.Secret()}
	block, err := s.seal(c)
	if err != nil {
		return nil, err
	}
	return &pool.Outcome{
		ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeParameters: wire.Parameters{
			"SALT": server.Salt(), "SRP_B": server.B(),
			"SECRET_BLOCK": base64.StdEncoding.EncodeToString(block),
			"USERNAME":     who.Name, "USER_ID_FOR_SRP": who.Name,
		},
	}, nil
}

// answerPasswordVerifier judges the proof of an SRP handshake.
func (s *Service) answerPasswordVerifier(ctx context.Context, a *pool.App, answers wire.Parameters) (*pool.Outcome, error) {
	err := pool.Required(answers, "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP")
	if err != nil {
		return nil, err
	}
	if _, err := srp.ParseTimestamp(answers["TIMESTAMP"]); err != nil {
		return nil, wire.NewException(wire.InvalidParameterException, wire.MessageTimestampFormat)
	}
	block, err := strictbase64.Decode(answers["PASSWORD_CLAIM_SECRET_BLOCK"])
	if err != nil {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	c, err := s.open(a, wire.ChallengePasswordVerifier, block)
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
	err = s.passwords.Guess(ctx, who.Attempts, a.Settings.HidesUsers(),
		func(tx storage.Tx) error { return s.spend(tx, c) },
		func() (bool, error) {
			right, err := s.proofIsRight(ctx, a, who, c, block, answers)
			return right && called(who, answers["USERNAME"], c), err
		})
	if err != nil {
		return nil, err
	}
	return s.advance(ctx, a, who, []wire.ChallengeName{wire.ChallengePasswordVerifier}, nil)
}

// called reports whether an answer to a challenge may name the subject so: as the
// challenge did, as it was typed, or by the user name. A wrong name counts as a
// wrong password, because a separate error would reveal the user name.
func called(w *pool.Subject, name string, c challenge) bool {
	return name == c.User || name == c.Login || w.Real() && name == w.User.Username
}

// challenged finds the subject of a challenge again. A password that changed
// in between makes the proof worthless.
func (s *Service) challenged(ctx context.Context, a *pool.App, c challenge) (*pool.Subject, error) {
	who := &pool.Subject{Login: c.Login}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		who.User, err = tx.Users.BySub(a.Pool.ID, c.Sub)
		return err
	})
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, err
	case c.MadeUp == 1: // and looked up for the time that it takes
		who.User = storage.User{}
	case err != nil || epochText(who.User.PasswordEpoch) != c.PasswordEpoch:
		return nil, s.stale(ctx, c)
	}
	return who, s.passwords.Complete(a, who)
}

// stale is the answer to a challenge whose user, or whose password, is no more
// what it was: used, if an earlier answer to the same challenge made it so.
func (s *Service) stale(ctx context.Context, c challenge) error {
	if err := s.store.Update(ctx, func(tx storage.Tx) error { return s.spend(tx, c) }); err != nil {
		return err
	}
	return wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
}

// proofIsRight does the arithmetic of the answer. The TIMESTAMP is part of what
// was signed; its age is bounded by the challenge's own life, so that a client
// whose clock is off can still sign in.
func (s *Service) proofIsRight(ctx context.Context, a *pool.App, who *pool.Subject, c challenge, block []byte, answers wire.Parameters) (bool, error) {
	leave, err := s.passwords.Enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	server, err := srp.RestoreServer(who.Verifier, c.SRP.Secret)
	if err != nil {
		return false, err
	}
	err = server.Check(a.SRPPool(), who.Name, c.SRP.A, block, answers["TIMESTAMP"], answers["PASSWORD_CLAIM_SIGNATURE"])
	return err == nil && who.Real(), nil
}
