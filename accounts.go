package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/store"
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
	active, err := c.store.Active(ctx, c.scope)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, storeFault("Accounts", err)
	}
	known, err := c.store.List(ctx, c.scope)
	if err != nil {
		return nil, storeFault("Accounts", err)
	}
	var accounts []Account
	var failures []error
	for _, account := range known {
		if account.Username == "" {
			continue // the guest
		}
		record, err := c.peek(ctx, account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failures = append(failures, storeFault("Accounts", err))
		}
		accounts = append(accounts, Account{
			Username: account.Username, UserID: record.Sub,
			SignedIn: record.Tokens != nil && record.Ended == nil, Active: account == active,
		})
	}
	return accounts, errors.Join(failures...)
}

// Switch makes another stored account the active one. The one before stays
// signed in, and can be switched back to. An account that is not in the store,
// or not signed in, is ErrSignedOut, and nothing changes.
func (c *Client) Switch(ctx context.Context, username string) error {
	if err := c.lockChange(ctx); err != nil {
		return err
	}
	defer c.unlockChange()
	if c.isClosed() {
		return errClosed
	}
	account := store.Account{Scope: c.scope, Username: username}
	record, err := c.store.Load(ctx, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return storeFault("Switch", err)
	}
	if err != nil || record.Tokens == nil || record.Ended != nil || username == "" {
		return fault("Switch", ErrSignedOut, "sign in as this user first")
	}
	if err := c.store.SetActive(ctx, account); err != nil {
		return storeFault("Switch", err)
	}
	c.activate(c.newSnapshot(record, record.Generation, time.Now(), nil), Event{Kind: EventRestored, Username: username})
	return nil
}
