package latchkey

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/store"
)

// SignOutAll does for every account of this app client in the store what
// [Client.SignOut] does for the active one: it forgets all sessions first, here
// and in the store, and then has the service revoke their refresh tokens. Once
// the service cannot be reached it is not asked again: what is left is Queued.
//
// There is one report for each account that had a session, or the memory of one
// that the service ended; the active account's is the first, the others are in the
// order of their names. The error joins theirs, and tells if the store could not be
// read or listed. Only the end of the active session is an event.
func (c *Client) SignOutAll(ctx context.Context, options ...SignOutOption) ([]SignOutReport, error) {
	note := !localOnly(options)
	lasting := context.WithoutCancel(ctx)
	var active SignOutReport
	g, err := c.forget(lasting, &active, CauseLocal, note, false)
	if errors.Is(err, ErrClosed) {
		return nil, err
	}
	reports, graves := []SignOutReport{active}, []grave{g}
	others, listErr := c.others(lasting, active.Username)
	for _, account := range others {
		report, g := c.forgetOther(lasting, account, note)
		reports, graves = append(reports, report), append(graves, g)
	}
	if note {
		c.revokeAll(ctx, reports, graves)
		for i, g := range graves {
			c.leavePages(ctx, &reports[i], g.record, options)
		}
	}
	if active.Username == "" {
		reports = reports[1:] // nobody was active
	}
	failures := []error{listErr}
	if active.Username == "" {
		failures = append(failures, err)
	}
	for _, report := range reports {
		failures = append(failures, report.Err())
	}
	return reports, errors.Join(failures...)
}

// others are the scope's accounts that have something to sign out of, but for
// the one named and the guest.
func (c *Client) others(ctx context.Context, except string) ([]store.Account, error) {
	bounded, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	known, err := c.store.List(bounded, c.scope)
	if err != nil {
		return nil, storeFault("SignOutAll", err)
	}
	var accounts []store.Account
	for _, account := range known {
		if account.Username == "" || account.Username == except {
			continue
		}
		record, err := c.loadBounded(ctx, account)
		over := err == nil && record.Tokens == nil && (record.Ended == nil || record.Ended.Reason == reasonSignedOut)
		if !over && !errors.Is(err, store.ErrNotFound) {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// forgetOther is forget for an account that is not the active one.
func (c *Client) forgetOther(ctx context.Context, account store.Account, note bool) (report SignOutReport, g grave) {
	_ = c.lockChange(ctx) // the context does not end
	defer c.unlockChange()
	report.Username = account.Username
	if s := c.current.Load(); s != nil && s.record.Account == account && s.live() {
		// Somebody has signed in, or switched, since: that session is theirs.
		report.LocalError = fault("SignOutAll", ErrInvalidParameter, account.Username+" became active meanwhile; call again")
		return report, g
	}
	report.forgot(c.bury(ctx, account, &g, note))
	return report, g
}

// revokeAll revokes one token after the other while the service can be reached.
func (c *Client) revokeAll(ctx context.Context, reports []SignOutReport, graves []grave) {
	var down error
	for i, g := range graves {
		switch {
		case g.refresh.IsZero():
		case down != nil && g.noted:
			reports[i].RevokeError, reports[i].Queued = down, true
		default:
			c.revokeForgotten(ctx, &reports[i], g)
			if reports[i].Queued {
				down = reports[i].RevokeError
			}
		}
	}
}
