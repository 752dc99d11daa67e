package latchkey

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// SignOutReport says what a sign-out did. What is false was either not asked for
// or failed; in the second case its error is set.
type SignOutReport struct {
	Username string // who was signed in; empty if nobody was
	// Local: this client has no session any more, and neither has the store.
	Local      bool
	LocalError error
	// Revoked: the service has revoked the refresh token, and with it the
	// access tokens that came from the same sign-in. Tokens that others verify
	// on their own stay good until they expire.
	Revoked     bool
	RevokeError error
	// Queued: the service could not be told to revoke, for the reason in
	// RevokeError. The refresh token waits in the store, and this client, or the
	// next one that reaches the service over the same store, sends it: for 30
	// days at most, and for the latest 16 tokens of an account.
	Queued bool
	// Global: the service has ended all sessions of the user.
	Global      bool
	GlobalError error
	// LogoutURL is set for a session that came from the sign-in pages: the browser
	// that goes there has no session at the pages any more. A web program redirects
	// to it.
	LogoutURL string
	// HostedPage: LogoutURL was opened in this machine's browser, as it is for
	// sessions of [Client.SignInBrowser]. If that failed, the next SignOut tries
	// again; until then a sign-in in that browser may need no password.
	HostedPage      bool
	HostedPageError error
}

// Err joins the report's errors; nil if everything that was asked for was done.
func (r SignOutReport) Err() error {
	return errors.Join(r.GlobalError, r.LocalError, r.RevokeError, r.HostedPageError)
}

// SignOutOption changes one sign-out.
type SignOutOption struct{ local, keepGuest, keepBrowser bool }

// LocalOnly leaves the service out: the session is forgotten here, its refresh
// token stays good wherever else it may be, and so does the browser's session at
// the sign-in pages.
func LocalOnly() SignOutOption { return SignOutOption{local: true} }

// KeepGuest leaves the guest's identity as it is, for whoever uses the program
// next without signing in. Without it a sign-out forgets it too, and the next
// guest is another. An identity that became the user's when he signed in is
// nobody else's any more, and is not kept.
func KeepGuest() SignOutOption { return SignOutOption{keepGuest: true} }

// localOnly reports whether the service is to be left out.
func localOnly(options []SignOutOption) bool {
	return slices.ContainsFunc(options, func(o SignOutOption) bool { return o.local })
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
// No other account becomes active: see [Client.Switch].
func (c *Client) SignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	c.signOut(ctx, "SignOut", &report, CauseLocal, options)
	return report, report.Err()
}

// GlobalSignOut has the service end all sessions of the user, on all devices,
// and then does what [Client.SignOut] does. It refreshes an access token that
// has expired, because GlobalSignOut needs a good one. If the service cannot be
// reached, the user is still signed out here.
func (c *Client) GlobalSignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	cause := CauseLocal
	report.GlobalError = c.withAccess(ctx, "GlobalSignOut", func(access wire.Sensitive) error {
		_, err := c.pool.Call(ctx, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: access}, nil)
		return err
	})
	switch {
	case report.GlobalError == nil:
		report.Global, cause = true, CauseGlobal
	case errors.Is(report.GlobalError, ErrSignedOut):
		report.GlobalError = nil // nobody to sign out
	}
	c.signOut(ctx, "GlobalSignOut", &report, cause, options)
	return report, report.Err()
}

// signOut forgets first and talks to the service afterwards, so that neither a
// slow network nor a program that ends at once can keep the session alive here.
func (c *Client) signOut(ctx context.Context, op string, report *SignOutReport, cause string, options []SignOutOption) {
	end := session.EndOptions{
		Cause: cause, Local: localOnly(options),
		KeepGuest: slices.ContainsFunc(options, func(o SignOutOption) bool { return o.keepGuest }),
	}
	over, err := c.engine.End(ctx, end)
	report.forgot(op, over)
	if err == nil && !end.Local {
		c.revoke(ctx, op, report, over)
		c.leavePages(ctx, op, report, over.Record, options)
	}
}

// forgot notes what was forgotten, and what the store said.
func (r *SignOutReport) forgot(op string, over session.Ended) {
	r.Username, r.Local, r.LocalError = over.Username, over.Err == nil, asError(op, over.Err)
}

// revoke has the service revoke the token of a session that was just forgotten.
func (c *Client) revoke(ctx context.Context, op string, report *SignOutReport, over session.Ended) {
	if over.Refresh.IsZero() {
		return
	}
	queued, err := c.engine.Revoke(ctx, over)
	report.Revoked, report.Queued, report.RevokeError = err == nil, queued, asError(op, err)
}
