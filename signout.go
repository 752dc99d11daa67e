package latchkey

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
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
func (c *Client) SignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	c.signOut(ctx, &report, CauseLocal, options)
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
		_, err := c.pool.call(ctx, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: access}, nil)
		return err
	})
	switch {
	case report.GlobalError == nil:
		report.Global, cause = true, CauseGlobal
	case errors.Is(report.GlobalError, ErrSignedOut):
		report.GlobalError = nil // nobody to sign out
	}
	c.signOut(ctx, &report, cause, options)
	return report, report.Err()
}

// signOut forgets first and talks to the service afterwards, so that neither a
// slow network nor a program that ends at once can keep the session alive here.
func (c *Client) signOut(ctx context.Context, report *SignOutReport, cause string, options []SignOutOption) {
	local := localOnly(options)
	keepGuest := slices.ContainsFunc(options, func(o SignOutOption) bool { return o.keepGuest })
	over, err := c.forget(context.WithoutCancel(ctx), report, cause, !local, keepGuest)
	if err == nil && !local {
		c.revokeForgotten(ctx, report, over)
		c.leavePages(ctx, report, over.record, options)
	}
}

// grave is what is left of a session that was ended here.
type grave struct {
	record  store.Record // the tombstone
	kept    uint64       // the generation that the store holds
	refresh Secret       // what is to be revoked
	noted   bool         // the record says that it is
}

// bury puts a tombstone in the place of an account's session. g.refresh is the
// token that memory knows; the store may hold a newer one, which another process
// has rotated since. With note set, the record says that the token is to be
// revoked, so that a program that is killed now leaves it to the next one.
func (c *Client) bury(ctx context.Context, account store.Account, g *grave, note bool) (err error) {
	g.record, g.kept, err = c.replace(ctx, account, func(old store.Record) store.Record {
		if old.Tokens != nil {
			g.refresh = old.Tokens.Refresh
		}
		over := tombstone(old, 0, reasonSignedOut, "")
		if note && !g.refresh.IsZero() {
			c.enqueue(&over, g.refresh)
		}
		if !note {
			over.Redirect = nil // LocalOnly
		}
		return over
	})
	if g.noted = err == nil && note; err != nil && c.drop(ctx, account) == nil {
		err, g.kept = nil, 0
	}
	return err
}

// forget ends the active session here and in the store. An error means that
// there is none to revoke; what the store did is in the report.
func (c *Client) forget(ctx context.Context, report *SignOutReport, cause string, note, keepGuest bool) (g grave, err error) {
	_ = c.lockChange(ctx) // the context does not end
	defer c.unlockChange()
	bounded, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	s, err := c.ready(bounded)
	if s == nil && !errors.Is(err, ErrClosed) {
		s = c.unreadable(bounded)
	}
	if s == nil {
		report.LocalError = err
		return g, err
	}
	report.Username = s.record.Account.Username
	if s.record.Generation == 0 && err == nil || report.Username == "" {
		report.Local = true // no user was signed in
		report.forgot(c.forgetGuest(ctx, s, cause, keepGuest))
		return g, nil
	}
	if s.live() {
		g.refresh = s.record.Tokens.Refresh
	}
	// From here on nobody is handed this session, whatever the store does.
	over := tombstone(s.record, s.kept, reasonSignedOut, "")
	c.activate(c.newSnapshot(over, s.kept, time.Now(), nil))
	err = c.bury(ctx, over.Account, &g, note)
	guestErr := c.forgetGuest(ctx, s, cause, keepGuest)
	c.forgotten(s, c.newSnapshot(g.record, g.kept, time.Now(), nil), cause, err)
	report.forgot(errors.Join(err, guestErr))
	return g, nil
}

// forgetGuest forgets the guest, or the session of another provider in his place.
func (c *Client) forgetGuest(ctx context.Context, s *snapshot, cause string, keep bool) error {
	provider := s.session.provider
	if c.cfg.IdentityPoolID == "" || keep && provider == "" {
		return nil
	}
	if !s.live() && s.record.Generation == 0 {
		nobody := c.newSnapshot(store.Record{Account: store.Account{Scope: c.scope}}, 0, time.Now(), nil)
		var events []Event
		if provider != "" {
			events = []Event{{Kind: EventSignedOut, Provider: provider, Cause: cause}}
		}
		c.activate(nobody, events...)
	}
	_, err := c.loadBounded(ctx, c.guestAccount())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return c.drop(ctx, c.guestAccount())
}

// forgot notes what the store said.
func (r *SignOutReport) forgot(err error) {
	if r.Local = err == nil; err != nil {
		r.LocalError = storeFault("SignOut", err)
	}
}

// revokeForgotten has the service revoke the token of a session that was just
// forgotten, and takes it off the record's list, unless it has to wait there.
func (c *Client) revokeForgotten(ctx context.Context, report *SignOutReport, g grave) {
	if g.refresh.IsZero() {
		return
	}
	report.RevokeError = c.revoke(ctx, g.refresh)
	report.Revoked = report.RevokeError == nil
	switch {
	case !g.noted:
	case !report.Revoked && worthRepeating(report.RevokeError):
		report.Queued = true
		c.startRevoking(ownTime)
	default:
		if err := c.dequeue(ctx, g.record.Account, g.refresh); err != nil {
			c.log.WarnContext(ctx, "latchkey: a refresh token stays on the list of those to revoke", "error", err)
		}
	}
}

// drop deletes a record that could not be replaced.
func (c *Client) drop(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return c.store.Delete(ctx, account)
}

// unreadable stands for a session that the store cannot read; nil if it cannot
// even say whose it is.
func (c *Client) unreadable(ctx context.Context) *snapshot {
	account, err := c.store.Active(ctx, c.scope)
	if err != nil {
		return nil
	}
	return c.newSnapshot(store.Record{Account: account}, 0, time.Now(), nil)
}

// forgotten publishes the end of a session and tells of it.
func (c *Client) forgotten(before, after *snapshot, cause string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publish(after)
	if err != nil {
		c.persist(after)
	}
	if before.session.provider != "" {
		c.emit(Event{Kind: EventSignedOut, Provider: before.session.provider, Cause: cause})
	} else if before.record.Ended == nil || before.record.Ended.Reason != reasonSignedOut {
		c.emit(Event{Kind: EventSignedOut, Username: before.record.Account.Username, Cause: cause})
	}
}
