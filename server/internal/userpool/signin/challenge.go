package signin

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// challenge is what the service must know when the answer to a challenge comes
// back. It travels with the client, sealed.
type challenge struct {
	ID       string // spent by the answer
	Name     wire.ChallengeName
	PoolID   string
	ClientID string
	// Sub is the user's, real or made up; MadeUp says which. Texts and numbers that
	// differ between the two have one length: that of the challenge must not tell.
	Sub    string
	MadeUp int    // 0 or 1
	User   string // USERNAME and USER_ID_FOR_SRP
	// Login is the name that was typed, which SECRET_HASH may still be over.
	Login         string
	PasswordEpoch string // see epochText
	Expires       time.Time
	// Passed are the challenges before this one, and State belongs to [Factors].
	Passed []wire.ChallengeName `json:",omitempty"`
	State  []byte               `json:",omitempty"`
	// SRP is the open handshake of PASSWORD_VERIFIER.
	SRP *handshake `json:",omitzero"`
}

// handshake is the server's half of an SRP exchange after SRP_B was sent.
type handshake struct {
	A      string // SRP_A as it came
	Secret []byte // what srp.RestoreServer goes on from
}

// newChallenge starts a challenge of one name for a subject.
func (s *Service) newChallenge(a *pool.App, name wire.ChallengeName, who *pool.Subject) challenge {
	c := challenge{
		ID: random.UUID(), Name: name, PoolID: a.Pool.ID, ClientID: a.Client.ID,
		Sub: who.Shown.Sub, User: who.Name, Login: who.Login,
		PasswordEpoch: epochText(who.User.PasswordEpoch),
		Expires:       s.now().Add(a.Settings.AuthSessionLife()),
	}
	if !who.Real() {
		c.MadeUp = 1
	}
	return c
}

// epochText writes a user's PasswordEpoch with a fixed number of digits.
func epochText(epoch int64) string { return fmt.Sprintf("%019d", epoch) }

// handshakeSize is what a handshake's challenge is filled up to, or a multiple of
// it: the length of SECRET_BLOCK must not tell the length of a user's name.
const handshakeSize = 2560

// seal encodes a challenge for its journey. The client id is sealed in, so
// that no other client can answer.
func (s *Service) seal(c challenge) ([]byte, error) {
	plain, err := wire.Marshal(c)
	if err != nil {
		return nil, err
	}
	if c.SRP != nil { // white space after a JSON text means nothing
		plain = append(plain, bytes.Repeat([]byte{' '}, (handshakeSize-len(plain)%handshakeSize)%handshakeSize)...)
	}
	return s.box.Seal(pool.PurposeChallenge, plain, []byte(c.ClientID)), nil
}

// session gives the Session string of a challenge.
func (s *Service) session(c challenge) (wire.Sensitive, error) {
	sealed, err := s.seal(c)
	return wire.Sensitive(base64.RawURLEncoding.EncodeToString(sealed)), err
}

// open reads a challenge that came back to client a, and refuses one of
// another name, pool or time.
func (s *Service) open(a *pool.App, name wire.ChallengeName, sealed []byte) (challenge, error) {
	var c challenge
	plain, err := s.box.Open(pool.PurposeChallenge, sealed, []byte(a.Client.ID))
	if err != nil || wire.Unmarshal(plain, &c) != nil || c.Name != name || c.PoolID != a.Pool.ID {
		return c, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	if !s.now().Before(c.Expires) {
		return c, wire.NewException(wire.NotAuthorizedException, wire.MessageSessionExpired)
	}
	return c, nil
}

// openSession is open for a Session string.
func (s *Service) openSession(a *pool.App, name wire.ChallengeName, session wire.Sensitive) (challenge, error) {
	if session == "" {
		return challenge{}, wire.MissingParameter("Session")
	}
	sealed, err := strictbase64.DecodeURL(string(session))
	if err != nil {
		return challenge{}, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidSession)
	}
	return s.open(a, name, sealed)
}

// spend marks a challenge as answered; a second answer is refused.
func (s *Service) spend(tx storage.Tx, c challenge) error {
	first, err := tx.Spent.Spend(c.ID, c.Expires)
	if err == nil && !first {
		return wire.NewException(wire.NotAuthorizedException, wire.MessageSessionUsed)
	}
	return err
}

// RespondToAuthChallenge takes the answer to a challenge.
func (s *Service) RespondToAuthChallenge(ctx context.Context, in *wire.RespondToAuthChallengeRequest) (*wire.RespondToAuthChallengeResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadApp(tx, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := s.respond(ctx, a, in.ChallengeName, in.Session, in.ChallengeResponses)
	if err != nil {
		return nil, err
	}
	return (*wire.RespondToAuthChallengeResponse)(out), nil
}

// AdminRespondToAuthChallenge is RespondToAuthChallenge for an administrator.
func (s *Service) AdminRespondToAuthChallenge(ctx context.Context, in *wire.AdminRespondToAuthChallengeRequest) (*wire.AdminRespondToAuthChallengeResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadAppOf(tx, in.UserPoolId, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := s.respond(ctx, a, in.ChallengeName, in.Session, in.ChallengeResponses)
	if err != nil {
		return nil, err
	}
	return (*wire.AdminRespondToAuthChallengeResponse)(out), nil
}

func (s *Service) respond(ctx context.Context, a *pool.App, name wire.ChallengeName, session wire.Sensitive, answers wire.Parameters) (*pool.Outcome, error) {
	if answers["USERNAME"] == "" {
		return nil, wire.MissingParameter("USERNAME")
	}
	switch name {
	case wire.ChallengePasswordVerifier:
		return pool.Veiled(ctx, a, func() (*pool.Outcome, error) { return s.answerPasswordVerifier(ctx, a, answers) })
	case wire.ChallengeNewPasswordRequired:
		return s.answerNewPassword(ctx, a, session, answers)
	}
	if s.factors != nil {
		return s.answerFactor(ctx, a, name, session, answers)
	}
	return nil, wire.Exceptionf(wire.InvalidParameterException, "%s is not a challenge that this user pool gives.", name)
}
