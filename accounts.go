package latchkey

import (
	"context"
	"errors"
)

// Account is one user whose session, or the memory of it, is in the store.
type Account struct {
	Username string
	UserID   string // the sub claim
	SignedIn bool   // the session has neither ended nor been signed out
	Active   bool   // the one that FetchSession speaks of
}

// Accounts lists the users of this app client in the store, by username. An
// account whose record cannot be read is listed as not signed in, and the error
// tells of it.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	known, failures, err := c.engine.Accounts(ctx)
	if err != nil {
		return nil, asError("Accounts", err)
	}
	var accounts []Account
	for _, a := range known {
		accounts = append(accounts, Account{
			Username: a.Record.Account.Username, UserID: a.Record.Sub, SignedIn: a.Record.Tokens != nil && a.Record.Ended == nil, Active: a.Active,
		})
	}
	for i, failure := range failures {
		failures[i] = asError("Accounts", failure)
	}
	return accounts, errors.Join(failures...)
}

// Switch makes another stored account the active one. The one before stays
// signed in, and can be switched back to. An account that is not in the store,
// or not signed in, is ErrSignedOut, and nothing changes.
func (c *Client) Switch(ctx context.Context, username string) error {
	return asError("Switch", c.engine.Switch(ctx, username))
}
