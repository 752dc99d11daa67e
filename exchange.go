package latchkey

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
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
	if c.isClosed() {
		return errClosed
	}
	base, err := c.cfg.pagesURL(op)
	if err != nil {
		return err
	}
	if err := c.checkFlow(op, flow); err != nil {
		return err
	}
	answer, err := readCallback(op, text)
	if err != nil {
		return err
	}
	if err := answer.belongs(op, flow, c.cfg.issuer()); err != nil {
		return err
	}
	if !c.spend(flow) {
		return fault(op, ErrFlow, "the flow has been used; start the sign-in again")
	}
	if err := answer.refusal(op); err != nil {
		return err
	}
	issued, err := c.redeem(ctx, op, base, flow, answer.code)
	if err != nil {
		return err
	}
	return c.establish(ctx, issued, nil, &store.Redirect{URI: flow.redirect, Browser: browser})
}

// checkFlow looks at what the program gave back.
func (c *Client) checkFlow(op string, flow *RedirectFlow) error {
	if flow == nil || flow.state.IsZero() {
		return fault(op, ErrFlow, "give the flow that AuthCodeURL returned")
	}
	if flow.clientID != c.cfg.ClientID {
		return fault(op, ErrFlow, "the flow belongs to another app client")
	}
	// The wall clock goes on while a machine sleeps, and the other is not set back.
	now := time.Now()
	age := max(now.Sub(flow.created), now.Round(0).Sub(flow.created.Round(0)))
	if age >= flowLife || age < -freshness.Slack {
		return fault(op, ErrFlow, "the sign-in took longer than ten minutes; start it again")
	}
	return nil
}

// maxSpent bounds the flows that a client remembers: more sign-ins than that in ten
// minutes, by one client, are left to the service, whose codes are good once too.
const maxSpent = 1 << 14

// spend notes that a flow is used, and reports whether it was not.
func (c *Client) spend(flow *RedirectFlow) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for state, end := range c.spent {
		if now.After(end) || len(c.spent) >= maxSpent {
			delete(c.spent, state)
		}
	}
	key := flow.state.Reveal()
	if _, used := c.spent[key]; used {
		return false
	}
	if c.spent == nil {
		c.spent = make(map[string]time.Time)
	}
	c.spent[key] = now.Add(flowLife + freshness.Slack)
	return true
}

// tokenAnswer is a success of the token endpoint (RFC 6749 section 5.1).
type tokenAnswer struct {
	Access  wire.Sensitive `json:"access_token"`
	ID      wire.Sensitive `json:"id_token"`
	Refresh wire.Sensitive `json:"refresh_token"`
	Type    string         `json:"token_type"`
}

// redeem turns a code into tokens, and believes them once they are verified.
func (c *Client) redeem(ctx context.Context, op, base string, flow *RedirectFlow, code Secret) (grant, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.cfg.ClientID}, "code": {code.Reveal()},
		"redirect_uri": {flow.redirect}, "code_verifier": {flow.verifier.Reveal()},
	}
	pages := c.pool
	pages.url, pages.reached = base+"/oauth2/token", nil
	var answer tokenAnswer
	when, err := pages.submit(ctx, form, c.cfg.ClientID, c.cfg.ClientSecret, &answer)
	if err != nil {
		return grant{}, explainCode(err)
	}
	issued, err := c.believe(ctx, op, flow, answer, when)
	if err != nil && answer.Refresh != "" {
		c.discard(ctx, NewSecret(string(answer.Refresh)))
	}
	return issued, err
}

// explainCode adds to a refusal of the token endpoint what to do about it.
func explainCode(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case "invalid_grant":
		e.Hint = "the code is used, too old, or another client's; start the sign-in again"
	case "unauthorized_client":
		e.Hint = "allow the app client the code grant, and check the callback URL"
	}
	return err
}

// believe checks what the token endpoint answered.
func (c *Client) believe(ctx context.Context, op string, flow *RedirectFlow, answer tokenAnswer, when moment) (grant, error) {
	if !strings.EqualFold(answer.Type, wire.TokenTypeBearer) {
		return grant{}, malformed(opToken, http.Header{}, errors.New("its token_type is not Bearer"))
	}
	if answer.ID == "" {
		return grant{}, fault(op, ErrConfig, "the service issued no ID token; allow the app client the scope openid")
	}
	issued, err := c.newGrant(opToken, &wire.AuthenticationResultType{
		AccessToken: answer.Access, IdToken: answer.ID, RefreshToken: answer.Refresh,
	}, when)
	if err != nil {
		return grant{}, err
	}
	return issued, c.verifyID(ctx, op, string(answer.ID), flow.nonce, issued.service())
}

// verifyID verifies an ID token and that it was made for this flow (OpenID Connect
// Core 1.0 section 3.1.3.7). Its times are judged by the service's own clock, since
// a sign-in must not fail for this machine's; that it is not an old one the nonce
// says, which is minutes old.
func (c *Client) verifyID(ctx context.Context, op, raw string, nonce Secret, now time.Time) error {
	keys, err := c.poolKeys()
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

// poolKeys are the keys of the pool's issuer. They are fetched by the first sign-in
// that needs them.
func (c *Client) poolKeys() (*jwt.RemoteKeys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys != nil {
		return c.keys, nil
	}
	keys, err := jwt.NewRemoteKeys(strings.TrimSuffix(c.cfg.issuer(), "/")+"/.well-known/jwks.json",
		func(o *jwt.RemoteOptions) { o.HTTPClient = c.pool.client })
	c.keys = keys
	return keys, err
}

// discard has the service revoke the token of a session that was not begun.
func (c *Client) discard(ctx context.Context, refresh Secret) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	if err := c.revoke(ctx, refresh); err != nil {
		c.log.WarnContext(ctx, "latchkey: the token of a sign-in that failed could not be revoked", "error", err)
	}
}
