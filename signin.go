package latchkey

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// Login is how a user wants to sign in; make one with [Password] or
// [PlainPassword]. It prints without the password.
type Login struct {
	username string
	password Secret
	flow     wire.AuthFlow
}

// Password signs in by Secure Remote Password (Cognito's USER_SRP_AUTH): the
// password does not leave the program. username may be an alias that the pool
// allows, such as an e-mail address.
func Password(username, password string) Login {
	return Login{username, NewSecret(password), wire.AuthFlowUserSRP}
}

// PlainPassword sends the password itself (USER_PASSWORD_AUTH), which pools need
// to migrate users. The app client must allow it.
func PlainPassword(username, password string) Login {
	return Login{username, NewSecret(password), wire.AuthFlowUserPassword}
}

// SignInOption changes one sign-in.
type SignInOption struct{ metadata map[string]string }

// ClientMetadata is handed to the pool's Lambda triggers, with this request and
// the following ones of the same sign-in.
func ClientMetadata(metadata map[string]string) SignInOption {
	return SignInOption{metadata: maps.Clone(metadata)}
}

// attempt is a sign-in under way. A Step carries it from answer to answer.
type attempt struct {
	c        *Client
	login    Login
	metadata wire.Parameters
	device   *store.Device
	username string // for USERNAME: USER_ID_FOR_SRP once the service told it
}

// SignIn begins a sign-in. When the Step it returns is Done, the user is signed
// in, the session is stored and active, and a session that was active before
// stays in the store; otherwise the service asks for more, see [Step.Respond].
//
// Errors tell apart ErrNotAuthorized (wrong password, disabled user, too many
// attempts are ErrThrottled), ErrUserNotFound (only where the pool reveals it),
// ErrUserNotConfirmed, ErrPasswordResetRequired and ErrNetwork. A sign-in is
// never repeated on its own, since a second attempt may count against the user.
//
// If the user is signed in but the session could not be stored, SignIn returns
// a Step that is Done together with ErrStore: the session lasts as long as the
// process.
func (c *Client) SignIn(ctx context.Context, login Login, options ...SignInOption) (*Step, error) {
	switch {
	case c.isClosed():
		return nil, errClosed
	case c.cfg.UserPoolID == "":
		return nil, fault("SignIn", ErrConfig, "set Config.UserPoolID and Config.ClientID")
	case login.username == "":
		return nil, fault("SignIn", ErrInvalidParameter, "give a username")
	case login.password.IsZero():
		return nil, fault("SignIn", ErrInvalidParameter, "give a password")
	}
	a := &attempt{c: c, login: login, username: login.username, device: c.findDevice(ctx, login.username)}
	for _, o := range options {
		a.metadata = o.metadata
	}
	step, err := a.begin(ctx)
	if a.device != nil && deviceGone(err) {
		// The service has forgotten the device: so do we, once.
		c.forgetDevice(ctx, a.device)
		a.device, a.username = nil, login.username
		step, err = a.begin(ctx)
	}
	return step, err
}

// begin sends InitiateAuth and answers what the flow itself asks.
func (a *attempt) begin(ctx context.Context) (*Step, error) {
	parameters := a.parameters()
	var proof *srp.Client
	switch a.login.flow {
	case wire.AuthFlowUserPassword:
		parameters["PASSWORD"] = a.login.password.Reveal()
	default:
		var err error
		if proof, err = srp.NewClient(); err != nil {
			return nil, &Error{Op: "SignIn", Kind: ErrService, Err: err}
		}
		parameters["SRP_A"] = proof.A()
	}
	request := wire.InitiateAuthRequest{
		AuthFlow: a.login.flow, ClientId: a.c.cfg.ClientID, AuthParameters: parameters, ClientMetadata: a.metadata,
	}
	var response wire.InitiateAuthResponse
	when, err := a.c.pool.call(ctx, "InitiateAuth", &request, &response)
	if err != nil {
		return nil, err
	}
	// Both operations answer alike.
	answer := wire.RespondToAuthChallengeResponse(response)
	if answer.ChallengeName == wire.ChallengePasswordVerifier && proof != nil {
		return a.prove(ctx, proof, &answer)
	}
	return a.next(ctx, "InitiateAuth", &answer, when)
}

// parameters are what every request of a sign-in carries.
func (a *attempt) parameters() wire.Parameters {
	p := wire.Parameters{"USERNAME": a.username}
	if secret := a.c.cfg.ClientSecret; !secret.IsZero() {
		p["SECRET_HASH"] = srp.SecretHash(a.username, a.c.cfg.ClientID, secret.Reveal())
	}
	if a.device != nil {
		p["DEVICE_KEY"] = a.device.Key
	}
	return p
}

// prove answers PASSWORD_VERIFIER.
func (a *attempt) prove(ctx context.Context, client *srp.Client, c *wire.RespondToAuthChallengeResponse) (*Step, error) {
	a.identify(c.ChallengeParameters)
	pool, err := srp.PoolName(a.c.cfg.UserPoolID)
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrConfig, Err: err}
	}
	block := c.ChallengeParameters["SECRET_BLOCK"]
	raw, err := strictbase64.Decode(block)
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrService, Message: "SECRET_BLOCK is not base64"}
	}
	signature, timestamp, err := client.Proof(srp.Challenge{
		Pool: pool, User: a.username, SecretBlock: raw,
		SaltHex: c.ChallengeParameters["SALT"], BHex: c.ChallengeParameters["SRP_B"],
	}, a.login.password.Reveal(), time.Now())
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrService, Message: "the PASSWORD_VERIFIER challenge is refused", Err: err}
	}
	return a.answer(ctx, c.ChallengeName, c.Session, wire.Parameters{
		"PASSWORD_CLAIM_SIGNATURE": signature, "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": timestamp,
	})
}

// identify takes the user's real name from a challenge. From then on it stands
// for USERNAME, and SECRET_HASH covers it.
func (a *attempt) identify(p wire.Parameters) {
	for _, name := range []string{"USERNAME", "USER_ID_FOR_SRP"} {
		if p[name] != "" {
			a.username = p[name]
		}
	}
}

// answer sends RespondToAuthChallenge.
func (a *attempt) answer(ctx context.Context, name wire.ChallengeName, session wire.Sensitive, responses wire.Parameters) (*Step, error) {
	maps.Copy(responses, a.parameters())
	request := wire.RespondToAuthChallengeRequest{
		ClientId: a.c.cfg.ClientID, ChallengeName: name, Session: session,
		ChallengeResponses: responses, ClientMetadata: a.metadata,
	}
	var response wire.RespondToAuthChallengeResponse
	when, err := a.c.pool.call(ctx, "RespondToAuthChallenge", &request, &response)
	if err != nil {
		return nil, err
	}
	return a.next(ctx, "RespondToAuthChallenge", &response, when)
}

// next turns an answer into a Step: another challenge, or the session.
func (a *attempt) next(ctx context.Context, op string, answer *wire.RespondToAuthChallengeResponse, when moment) (*Step, error) {
	if answer.AuthenticationResult == nil && answer.ChallengeName != "" {
		a.identify(answer.ChallengeParameters)
		return newStep(a, answer)
	}
	issued, err := a.c.newGrant(op, answer.AuthenticationResult, when)
	if err != nil {
		return nil, err
	}
	if err := a.c.establish(ctx, issued, &store.SignIn{LoginID: a.login.username, Flow: string(a.login.flow)}, nil); err != nil {
		if errors.Is(err, ErrStore) {
			return &Step{}, err
		}
		return nil, err
	}
	return &Step{}, nil
}

// establish makes what was issued the active session. It goes on when the
// caller gives up: the service has already signed the user in.
func (c *Client) establish(ctx context.Context, issued grant, signIn *store.SignIn, redirect *store.Redirect) error {
	ctx = context.WithoutCancel(ctx)
	if err := c.lockChange(ctx); err != nil {
		return err
	}
	defer c.unlockChange()
	if c.isClosed() {
		return errClosed
	}
	account := store.Account{Scope: c.scope, Username: issued.pair.access.Username()}
	record, kept, err := c.replace(ctx, account, func(old store.Record) store.Record {
		next := issued.record(store.Record{Account: account, SignIn: signIn, Redirect: redirect, Device: old.Device, Pending: old.Pending})
		if old.Sub == next.Sub {
			next.IdentityID = old.IdentityID // the credentials are asked for anew
		}
		if issued.device != nil && issued.device.DeviceKey != "" {
			next.Device = &store.Device{Key: issued.device.DeviceKey, GroupKey: issued.device.DeviceGroupKey}
		}
		return next
	})
	if err == nil {
		err = c.setActive(ctx, account)
	}
	ended := c.dismiss(ctx)
	s := c.newSnapshot(record, kept, time.Now(), issued.window(c.cfg.RefreshAhead))
	if err != nil {
		err = &Error{Op: "SignIn", Kind: ErrStore, Err: err, Hint: "the session lasts as long as this process; repair the store and sign in again"}
		c.log.ErrorContext(ctx, "latchkey: the session could not be stored", "username", account.Username, "error", err)
	}
	c.activate(s, append(ended, Event{Kind: EventSignedIn, Username: account.Username, Err: err})...)
	if kept < record.Generation {
		c.mu.Lock()
		c.persist(s)
		c.mu.Unlock()
	}
	return err
}

// dismiss ends a session of another provider, whose place a user takes, and says
// so. Nothing of it becomes the user's.
func (c *Client) dismiss(ctx context.Context) []Event {
	if c.cfg.IdentityPoolID == "" {
		return nil
	}
	record, err := c.loadBounded(ctx, c.guestAccount())
	if err != nil || record.Federation == nil {
		return nil
	}
	if err := c.drop(ctx, record.Account); err != nil {
		c.log.ErrorContext(ctx, "latchkey: the session of another provider stays in the store", "provider", record.Federation.Provider, "error", err)
	}
	return []Event{{Kind: EventSignedOut, Provider: record.Federation.Provider, Cause: CauseLocal}}
}

// replace puts a record in the place of whatever the store holds for the
// account. If that fails it returns the record all the same, with the generation
// that the store is left with.
func (c *Client) replace(ctx context.Context, account store.Account, build func(old store.Record) store.Record) (r store.Record, kept uint64, err error) {
	for range saveAttempts {
		var old store.Record
		if old, err = c.loadBounded(ctx, account); err != nil {
			old = store.Record{Account: account}
		}
		// A late refresh of the session before must find a higher generation than
		// its own, also if the store has lost its record meanwhile.
		known := old.Generation
		if s := c.current.Load(); s != nil && s.record.Account == account {
			known = max(known, s.record.Generation)
			if err != nil {
				old = s.record
			}
		}
		r = build(old)
		if r.Generation = known + 1; known == 0 {
			r.Generation = firstGeneration()
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
			return r, kept, err
		}
		kept = 0
		if err == nil {
			kept = old.Generation
		}
		if err = c.save(ctx, r, kept); err == nil {
			return r, r.Generation, nil
		} else if !errors.Is(err, store.ErrConflict) {
			return r, kept, err
		}
	}
	return r, kept, err
}

// loadBounded and setActive give a store saveTime each: what they do must be
// done, whether or not the caller still waits, but not for ever.
func (c *Client) loadBounded(ctx context.Context, account store.Account) (store.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return c.store.Load(ctx, account)
}

// setActive moves the scope's pointer.
func (c *Client) setActive(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return c.store.SetActive(ctx, account)
}

// isClosed reports whether Close was called.
func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
