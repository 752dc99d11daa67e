package latchkey

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/session"
)

// FetchSession returns the session: from memory while tokens are fresh, which
// takes a clock read, no lock and no allocation. Tokens that are due but have
// not expired are handed out while one refresh runs behind them. Only for
// expired tokens, ForceRefresh and MinValidity does a caller wait, and no longer
// than its context lasts; the refresh itself goes on, for up to ten seconds.
//
// Being signed out, offline or refused is not an error of FetchSession but of
// the facets concerned; see [Session]. While tokens are good, or no user is signed in, an
// identity pool that does not answer within the caller's context hides nothing: the session
// comes without AWS credentials, whose facet has the context's error. Without a deadline
// the pool is given up after ten seconds, and the facet is ErrNetwork.
//
// It fails with ErrStore when the stored session cannot be read, with ErrClosed after
// Close, and with the context's error when the caller stopped waiting for tokens. A record
// that is damaged is reported once; the store has set it aside, and the next call finds no
// user signed in.
func (c *Client) FetchSession(ctx context.Context, options ...FetchOption) (*Session, error) {
	if len(options) == 0 {
		if s := c.engine.Current(); s != nil && s.Fresh(time.Now()) {
			return (*Session)(s.View()), nil
		}
	}
	return c.fetch(ctx, "FetchSession", wantOf(options))
}

// CurrentSession returns the session as it is known in memory and in the store. It never
// uses the network, and renews nothing: what has expired, and what was never asked for, is
// ErrNotFetched. Errors: ErrStore, ErrClosed.
func (c *Client) CurrentSession(ctx context.Context) (*Session, error) {
	view, err := c.engine.Known(ctx)
	if err != nil {
		return nil, asError("CurrentSession", err)
	}
	return (*Session)(view.Of("CurrentSession")), nil
}

// FetchTokens returns the tokens alone. It never waits for the identity pool. Errors
// are those of the Tokens facet and of FetchSession.
func (c *Client) FetchTokens(ctx context.Context, options ...FetchOption) (Tokens, error) {
	return c.fetchTokens(ctx, "FetchTokens", options)
}

// fetchTokens is FetchTokens as the call op.
func (c *Client) fetchTokens(ctx context.Context, op string, options []FetchOption) (Tokens, error) {
	if len(options) == 0 {
		if s := c.engine.Current(); s != nil && s.TokensFresh(time.Now()) {
			return (*Session)(s.View()).Tokens()
		}
	}
	want := wantOf(options)
	want.TokensOnly = true
	view, err := c.engine.Fetch(ctx, want)
	if err != nil {
		return Tokens{}, asError(op, err)
	}
	tokens, err := view.Tokens()
	return Tokens(tokens), asError(op, err)
}

// FetchCredentials returns the AWS credentials alone, of the user, the guest or
// the session of another provider: while they are fresh at the price of a clock
// read, whatever the tokens' age, which are refreshed only if the identity pool has
// to be asked. Errors are those of the Credentials facet and of FetchSession.
func (c *Client) FetchCredentials(ctx context.Context, options ...FetchOption) (Credentials, error) {
	if len(options) == 0 {
		if s := c.engine.Current(); s != nil && s.CredentialsFresh(time.Now()) {
			return s.View().Credentials()
		}
	}
	want := wantOf(options)
	want.CredentialsOnly = true
	view, err := c.engine.Fetch(ctx, want)
	if err != nil {
		return Credentials{}, asError("FetchCredentials", err)
	}
	credentials, err := view.Credentials()
	return credentials, asError("FetchCredentials", err)
}

// fetch serves the calls that the hot path does not.
func (c *Client) fetch(ctx context.Context, op string, want session.Want) (*Session, error) {
	view, err := c.engine.Fetch(ctx, want)
	if err != nil {
		return nil, asError(op, err)
	}
	return (*Session)(view), nil
}

// KeepFresh refreshes the active session in the background, without calls of
// [Client.FetchSession]: a little before Config.RefreshAhead, with jitter, within 30 seconds
// after a suspended machine resumes, and with the same backoff after failures as callers
// have. While no user is signed in it waits for a sign-in, also in another process. AWS
// credentials are refreshed in the same way once they were fetched, guests' too. Without
// KeepFresh, a session that is not used is not refreshed, and ends when its refresh token
// expires.
//
// KeepFresh returns at once. It ends when ctx does, when stop is called, or with
// Close; stop returns when no more refreshes will start, and may be called more
// than once. A refresh in progress continues. After Close it fails with ErrClosed.
func (c *Client) KeepFresh(ctx context.Context) (stop func(), err error) {
	stop, err = c.engine.KeepFresh(ctx)
	return stop, asError("KeepFresh", err)
}
