package latchkey

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// SignOutReport says what a sign-out did. What is false was either not asked for or failed;
// in the second case Err has the error.
type SignOutReport struct {
	Username string // who was signed in; empty if no user was
	// Local: this client has no session any more, and neither has the store.
	Local bool
	// Global: the service has ended all sessions of the user.
	Global bool
	// Revoked: the service has revoked the refresh token, and with it the
	// access tokens that came from the same sign-in. Tokens that others verify
	// on their own stay good until they expire.
	Revoked bool
	// Queued: the service could not be reached to revoke. The refresh token waits in the
	// store, and this client, or the next one that reaches the service over the same
	// store, sends it: for 30 days at most, and for the latest 16 tokens of an account.
	Queued bool
	// LogoutURL is set for a session that came from the sign-in pages: the browser
	// that goes there has no session at the pages any more. A web program redirects
	// to it.
	LogoutURL string
	// HostedPage: LogoutURL was opened in this machine's browser, as it is for
	// sessions of [Client.SignInBrowser]. If that failed, the next SignOut tries
	// again; until then a sign-in in that browser may need no password.
	HostedPage bool

	localErr, revokeErr, globalErr, pageErr error
}

// Err joins the errors of what was asked for and failed, in the order of the fields; nil if
// there are none. errors.Is distinguishes them: ErrStore if the session could not be removed
// from the store, ErrBrowser if the sign-out page could not be opened, ErrConfig if it has
// no address, and the service's errors, such as ErrNetwork, if it could not end the other
// sessions or revoke the token. [Error.Op] is RevokeToken if the token could not be revoked,
// and Logout for the sign-out page.
func (r SignOutReport) Err() error {
	return errors.Join(r.localErr, r.globalErr, r.revokeErr, r.pageErr)
}

// SignOutOption changes one sign-out.
type SignOutOption struct{ apply func(*signOutOptions) }

// signOutOptions are what the options ask for.
type signOutOptions struct{ local, keepGuest, keepBrowser bool }

// signOutOptionsOf combines options.
func signOutOptionsOf(options []SignOutOption) signOutOptions {
	var all signOutOptions
	for _, o := range options {
		if o.apply != nil {
			o.apply(&all)
		}
	}
	return all
}

// LocalOnly leaves the service out: the session is forgotten here, its refresh
// token stays good wherever else it may be, and so does the browser's session at
// the sign-in pages.
func LocalOnly() SignOutOption { return SignOutOption{func(o *signOutOptions) { o.local = true }} }

// KeepGuest keeps the guest's identity for the next use of the program without a
// sign-in. Without it a sign-out removes that too, and the next guest gets a new
// identity. An identity that became the user's at the
// sign-in is not kept.
func KeepGuest() SignOutOption {
	return SignOutOption{func(o *signOutOptions) { o.keepGuest = true }}
}

// KeepBrowser leaves it to the program to take the browser to the report's
// LogoutURL: SignOut opens nothing.
func KeepBrowser() SignOutOption {
	return SignOutOption{func(o *signOutOptions) { o.keepBrowser = true }}
}

// SignOut ends the active session: it forgets it, here and in the store, and
// then has the service revoke the refresh token. Forgetting does not depend on
// the network, nor on ctx. A refresh under way is thrown away when it lands, and
// its token revoked. The error is the report's Err: what it names was not done,
// but the user is signed out of this client in any case.
//
// For a session that came from the sign-in pages it then ends the browser's own
// session there, if [Client.SignInBrowser] began it, and else says where to do that:
// see SignOutReport.LogoutURL.
//
// A session that came from another provider is forgotten in the same way, and so
// is the guest's identity; see [KeepGuest]. Signing out when there is nothing to
// forget does nothing and is no error.
//
// No other account becomes active: see [Client.SwitchAccount].
func (c *Client) SignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	c.signOut(ctx, "SignOut", &report, session.CauseLocal, signOutOptionsOf(options))
	return report, report.Err()
}

// GlobalSignOut has the service end all sessions of the user, on all devices,
// and then does what [Client.SignOut] does. It refreshes an access token that
// has expired, because GlobalSignOut needs a good one. If the service cannot be
// reached, the user is still signed out here.
func (c *Client) GlobalSignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	cause := session.CauseLocal
	report.globalErr = c.withAccess(ctx, "GlobalSignOut", func(access wire.Sensitive) error {
		_, err := c.pool.Call(ctx, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: access}, nil)
		return err
	})
	switch {
	case report.globalErr == nil:
		report.Global, cause = true, session.CauseGlobal
	case errors.Is(report.globalErr, ErrSignedOut):
		report.globalErr = nil // no user to sign out
	}
	c.signOut(ctx, "GlobalSignOut", &report, cause, signOutOptionsOf(options))
	return report, report.Err()
}

// signOut forgets first and talks to the service afterwards, so that neither a
// slow network nor a program that ends at once can keep the session alive here.
func (c *Client) signOut(ctx context.Context, op string, report *SignOutReport, cause session.Cause, options signOutOptions) {
	over, err := c.engine.End(ctx, session.EndOptions{Cause: cause, Local: options.local, KeepGuest: options.keepGuest})
	report.forgot(op, over)
	if err == nil && !options.local {
		c.revoke(ctx, op, report, over)
		c.leavePages(ctx, report, over.Record, options)
	}
}

// forgot notes what was forgotten, and what the store said.
func (r *SignOutReport) forgot(op string, over session.Ended) {
	r.Username, r.Local, r.localErr = over.Username, over.Err == nil, asError(op, over.Err)
}

// revoke has the service revoke the token of a session that was just forgotten.
func (c *Client) revoke(ctx context.Context, op string, report *SignOutReport, over session.Ended) {
	if over.Refresh.IsZero() {
		return
	}
	queued, err := c.engine.Revoke(ctx, over)
	report.Revoked, report.Queued, report.revokeErr = err == nil, queued, asError(op, err)
}
