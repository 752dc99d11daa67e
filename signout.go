package latchkey

import (
	"context"
	"errors"
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
	// Global: the service has ended all sessions of the user.
	Global      bool
	GlobalError error
}

// Err joins the report's errors; nil if everything that was asked for was done.
func (r SignOutReport) Err() error {
	return errors.Join(r.GlobalError, r.LocalError, r.RevokeError)
}

// SignOutOption changes one sign-out.
type SignOutOption struct{ local bool }

// LocalOnly leaves the service out: the session is forgotten here, and its
// refresh token stays good wherever else it may be.
func LocalOnly() SignOutOption { return SignOutOption{local: true} }

// revokeTime bounds the revocation of a token that nobody waits for.
const revokeTime = 5 * time.Second

// SignOut ends the active session: it forgets it, here and in the store, and
// then has the service revoke the refresh token. Forgetting does not depend on
// the network, nor on ctx. A refresh under way is thrown away when it lands, and
// its token revoked. The error is the report's Err: what it names was not done,
// but the user is signed out of this client in any case.
//
// Signing out when nobody is signed in does nothing and is no error.
func (c *Client) SignOut(ctx context.Context, options ...SignOutOption) (SignOutReport, error) {
	var report SignOutReport
	c.signOut(ctx, &report, CauseLocal, options)
	return report, report.Err()
}

// GlobalSignOut has the service end all sessions of the user, on all devices,
// and then does what [Client.SignOut] does. It refreshes an access token that
// has expired, because GlobalSignOut needs a good one. If the service cannot be
// reached, the user is still signed out here.
func (c *Client) GlobalSignOut(ctx context.Context) (SignOutReport, error) {
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
	c.signOut(ctx, &report, cause, nil)
	return report, report.Err()
}

// signOut forgets first and talks to the service afterwards, so that neither a
// slow network nor a program that ends at once can keep the session alive here.
func (c *Client) signOut(ctx context.Context, report *SignOutReport, cause string, options []SignOutOption) {
	local := false
	for _, o := range options {
		local = local || o.local
	}
	refresh := c.forget(context.WithoutCancel(ctx), report, cause)
	if local || refresh.IsZero() {
		return
	}
	if report.RevokeError = c.revoke(ctx, refresh); report.RevokeError == nil {
		report.Revoked = true
	}
}

// forget ends the session here and in the store, and returns the refresh token
// that the store held last, which another process may have rotated since.
func (c *Client) forget(ctx context.Context, report *SignOutReport, cause string) (refresh Secret) {
	_ = c.lockChange(ctx) // the context does not end
	defer c.unlockChange()
	bounded, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	s, err := c.ready(bounded)
	if errors.Is(err, ErrClosed) {
		report.LocalError = err
		return Secret{}
	}
	if s == nil {
		if s = c.unreadable(bounded); s == nil {
			report.LocalError = err
			return Secret{}
		}
	}
	report.Username = s.record.Account.Username
	if s.record.Generation == 0 && err == nil {
		report.Local = true
		return Secret{} // nobody was signed in
	}
	if s.live() {
		refresh = s.record.Tokens.Refresh
	}
	// From here on nobody is handed this session, whatever the store does.
	over := tombstone(s.record, s.kept, reasonSignedOut, "")
	c.activate(c.newSnapshot(over, s.kept, time.Now(), nil))
	record, kept, err := c.replace(ctx, over.Account, func(old store.Record) store.Record {
		if old.Tokens != nil {
			refresh = old.Tokens.Refresh
		}
		return tombstone(old, 0, reasonSignedOut, "")
	})
	if err != nil && c.drop(ctx, over.Account) == nil {
		err, kept = nil, 0
	}
	c.forgotten(s, c.newSnapshot(record, kept, time.Now(), nil), cause, err)
	if report.Local = err == nil; err != nil {
		report.LocalError = storeFault("SignOut", err)
	}
	return refresh
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
	if before.record.Ended == nil || before.record.Ended.Reason != reasonSignedOut {
		c.emit(Event{Kind: EventSignedOut, Username: before.record.Account.Username, Cause: cause})
	}
}

// revoke has the service revoke a refresh token, also of a session whose tokens
// have no origin_jti: it is the service that knows whether it can.
func (c *Client) revoke(ctx context.Context, refresh Secret) error {
	request := wire.RevokeTokenRequest{
		Token: wire.Sensitive(refresh.Reveal()), ClientId: c.cfg.ClientID,
		ClientSecret: wire.Sensitive(c.cfg.ClientSecret.Reveal()),
	}
	_, err := c.pool.call(ctx, "RevokeToken", &request, nil)
	return err
}

// revokeOrphan revokes a token that came too late to be kept.
func (c *Client) revokeOrphan(ctx context.Context, refresh Secret) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	if err := c.revoke(ctx, refresh); err != nil {
		c.log.WarnContext(ctx, "latchkey: a refresh token that came too late could not be revoked", "error", err)
	}
}
