package latchkey

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/internal/session"
)

// SignOutAll does for every account of this app client in the store what
// [Client.SignOut] does for the active one: it forgets all sessions first, here
// and in the store, and then has the service revoke their refresh tokens. Once
// the service cannot be reached it is not asked again: what is left is Queued.
//
// There is one report for each account that had a session, or the memory of one
// that the service ended; the active account's is the first, the others are in the
// order of their names. The error joins theirs and that of reading or listing
// the store. Only the end of the active session is an event.
func (c *Client) SignOutAll(ctx context.Context, options ...SignOutOption) ([]SignOutReport, error) {
	wanted := signOutOptionsOf(options)
	end := session.EndOptions{Cause: session.CauseLocal, Local: wanted.local}
	active, err := c.engine.End(ctx, end)
	if errors.Is(err, ErrClosed) {
		return nil, asError("SignOutAll", err)
	}
	ended := []session.Ended{active}
	others, listErr := c.engine.Others(context.WithoutCancel(ctx), active.Username)
	for _, account := range others {
		ended = append(ended, c.engine.EndOther(ctx, account, end))
	}
	reports := make([]SignOutReport, len(ended))
	for i, over := range ended {
		reports[i].forgot("SignOutAll", over)
	}
	if !end.Local {
		c.revokeAll(ctx, reports, ended)
		for i, over := range ended {
			c.leavePages(ctx, &reports[i], over.Record, wanted)
		}
	}
	failures := []error{asError("SignOutAll", listErr)}
	if active.Username == "" { // no account was active
		reports = reports[1:]
		failures = append(failures, asError("SignOutAll", err))
	}
	for _, report := range reports {
		failures = append(failures, report.Err())
	}
	return reports, errors.Join(failures...)
}

// revokeAll revokes one token after the other while the service can be reached.
func (c *Client) revokeAll(ctx context.Context, reports []SignOutReport, ended []session.Ended) {
	var down error
	for i, over := range ended {
		switch {
		case over.Refresh.IsZero():
		case down != nil && over.Queued:
			reports[i].revokeErr, reports[i].Queued = down, true
		default:
			c.revoke(ctx, "SignOutAll", &reports[i], over)
			if reports[i].Queued {
				down = reports[i].revokeErr
			}
		}
	}
}
