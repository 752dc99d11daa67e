package latchkey

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/localhost"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Exchange ends a sign-in by redirect: callback is the URL that the browser came
// back to, or its query. It checks that the answer belongs to the flow (state, and
// iss where it is sent), redeems the code, verifies the ID token (signature, issuer,
// audience, times, nonce), and then does what [Client.SignIn] does: the session is
// stored and active, and refreshes like any other.
//
// Nothing is stored before all of that has passed. A flow is good once: the program
// forgets it whatever comes of it, and the same Client refuses it a second time.
// Errors: ErrFlow for an answer or a flow that is not to be trusted, ErrDenied if
// the person gave up, ErrNotAuthorized for a code that the service refuses,
// ErrNetwork; ErrStore as with SignIn. A code is never sent twice, since the
// service would take that for theft.
func (c *Client) Exchange(ctx context.Context, flow *RedirectFlow, callback string) error {
	return c.exchange(ctx, "Exchange", flow, callback, false)
}

func (c *Client) exchange(ctx context.Context, op string, flow *RedirectFlow, text string, browser bool) error {
	if err := c.engine.Closed(); err != nil {
		return asError(op, err)
	}
	base, err := c.cfg.pagesURL(op)
	if err != nil {
		return err
	}
	if flow == nil {
		flow = &RedirectFlow{}
	}
	code, err := c.codeOf(flow.flow, text)
	if err != nil {
		return asError(op, err)
	}
	issued, err := c.redeem(ctx, op, base, flow.flow, code)
	if err != nil {
		return asError(op, err)
	}
	err = c.engine.Establish(ctx, issued, session.How{Redirect: &store.Redirect{URI: flow.flow.Redirect, Browser: browser}})
	return asError(op, err)
}

// codeOf is the code of an answer that belongs to a flow. From then on the flow is used.
func (c *Client) codeOf(flow authflow.Flow, text string) (Secret, error) {
	if err := flow.Check(c.cfg.ClientID); err != nil {
		return Secret{}, err
	}
	answer, err := authflow.ReadCallback(text)
	if err != nil {
		return Secret{}, err
	}
	if err := answer.Belongs(flow, c.cfg.issuer()); err != nil {
		return Secret{}, err
	}
	if !c.used.Claim(flow) {
		return Secret{}, fault.New("", fault.Flow, "the flow has been used; start the sign-in again")
	}
	return Secret(answer.Code), answer.Refusal()
}

// tokenAnswer is a success of the token endpoint (RFC 6749, section 5.1).
type tokenAnswer struct {
	Access  wire.Sensitive `json:"access_token"`
	ID      wire.Sensitive `json:"id_token"`
	Refresh wire.Sensitive `json:"refresh_token"`
	Type    string         `json:"token_type"`
}

// redeem turns a code into tokens, which it verifies.
func (c *Client) redeem(ctx context.Context, op, base string, flow authflow.Flow, code Secret) (cognito.Grant, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.cfg.ClientID}, "code": {code.Reveal()},
		"redirect_uri": {flow.Redirect}, "code_verifier": {flow.Verifier.Reveal()},
	}
	var answer tokenAnswer
	when, err := c.pool.Submit(ctx, base+"/oauth2/token", form, c.cfg.ClientID, c.cfg.ClientSecret, &answer)
	if err != nil {
		return cognito.Grant{}, explainCode(err)
	}
	issued, err := c.verify(ctx, op, flow, answer, when)
	if err != nil && answer.Refresh != "" {
		c.engine.Discard(ctx, NewSecret(string(answer.Refresh)))
	}
	return issued, err
}

// explainCode adds to a refusal of the token endpoint what to do about it.
func explainCode(err error) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok {
		return err
	}
	explained := *f
	switch f.Code {
	case "invalid_grant":
		explained.Hint = "the code is used, too old, or another client's; start the sign-in again"
	case "unauthorized_client":
		explained.Hint = "allow the app client the code grant, and check the callback URL"
	}
	return &explained
}

// verify checks what the token endpoint answered.
func (c *Client) verify(ctx context.Context, op string, flow authflow.Flow, answer tokenAnswer, when cognito.Timing) (cognito.Grant, error) {
	if !strings.EqualFold(answer.Type, wire.TokenTypeBearer) {
		return cognito.Grant{}, cognito.Malformed(cognito.OpToken, "cannot read the answer", errors.New("its token_type is not Bearer"))
	}
	if answer.ID == "" {
		return cognito.Grant{}, problem(op, ErrConfig, "the service issued no ID token; allow the app client the scope openid")
	}
	issued, err := cognito.NewGrant(cognito.OpToken, &wire.AuthenticationResultType{
		AccessToken: answer.Access, IdToken: answer.ID, RefreshToken: answer.Refresh,
	}, when, c.pool.Tokens)
	if err != nil {
		return cognito.Grant{}, err
	}
	return issued, c.verifyID(ctx, op, string(answer.ID), Secret(flow.Nonce), issued.ServiceTime())
}

// verifyID verifies an ID token and that it was made for this flow (OpenID Connect
// Core 1.0 section 3.1.3.7). Its times are judged by the service's own clock, since
// a sign-in must not fail for this machine's; that it is not an old one the nonce
// says, which is minutes old.
func (c *Client) verifyID(ctx context.Context, op, raw string, nonce Secret, now time.Time) error {
	keys, err := c.keys()
	if err != nil {
		return &Error{Op: op, Kind: ErrConfig, Hint: "check Config.Issuer", Err: err}
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: c.cfg.issuer(), ClientIDs: []string{c.cfg.ClientID}, Keys: keys, Leeway: time.Minute,
		Now: func() time.Time { return now }, CacheSize: -1,
	})
	if err != nil {
		return &Error{Op: op, Kind: ErrConfig, Hint: "check Config.Issuer", Err: err}
	}
	token, err := verifier.VerifyID(ctx, raw)
	if err == nil {
		err = token.CheckNonce(nonce.Reveal())
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrKeysUnavailable) && ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return &Error{Op: op, Kind: ErrNetwork, Message: "the service's keys cannot be had", Hint: "check the network connection, and start the sign-in again", Err: err}
	}
	return &Error{Op: op, Kind: ErrFlow, Message: "the ID token is refused", Hint: "start the sign-in again", Err: err}
}

// remoteKeys are the keys of the pool's issuer. New has checked where they come from.
func (c Config) remoteKeys(client *http.Client) (*jwt.RemoteKeys, error) {
	address := strings.TrimSuffix(c.issuer(), "/") + "/.well-known/jwks.json"
	u, err := url.Parse(address)
	return jwt.NewRemoteKeys(address, func(o *jwt.RemoteOptions) {
		o.HTTPClient = client
		o.InsecureHTTP = err == nil && (c.InsecureHTTP || localhost.Loopback(u.Hostname()))
	})
}
