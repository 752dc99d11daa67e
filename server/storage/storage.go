// Package storage is the contract of what the service stores, with the entities and the
// operations on them.
//
// The contract is not stable before version 1.0: factors and PostgreSQL will add entities
// and operations to it. Programs that use one of the stores do not notice; an
// implementation of your own has to follow.
//
// The entities are plain structs; a [Store] changes them by closure in a
// transaction:
//
//	err := db.Update(ctx, func(tx storage.Tx) error {
//		user, err := tx.Users.Lookup(poolID, login)
//		if err != nil {
//			return err
//		}
//		user.Enabled = false
//		return tx.Users.Update(user)
//	})
//
// Update runs one closure at a time against a state that nothing else changes,
// and has made it durable when it returns nil: a sign-out that was answered
// stays a sign-out. A closure that returns an error leaves nothing behind.
// Because closures queue for one writer, they do no slow work (no signatures,
// no network) and never call the Store again. View runs any number of closures
// at once, each against one consistent state.
//
// The sub-packages keep the promise in memory, in SQLite and in PostgreSQL;
// storagetest is the suite that each of them must pass. Storage knows nothing
// of Cognito: settings and keys that mean something only to their owner are
// bytes here, and secrets arrive sealed.
package storage

import (
	"context"
	"errors"
	"fmt"
)

// Kinds of failure, for errors.Is.
var (
	// ErrNotFound means that no entity has the key asked for.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists means that an entity with that key is there already.
	ErrExists = errors.New("storage: already exists")
	// ErrClosed means that the Store was closed.
	ErrClosed = errors.New("storage: closed")
)

// LoginTakenError says which login of a user belongs to another user already.
// It is an ErrExists.
type LoginTakenError struct {
	// Login is the canonical login that was taken, as in [User.Logins].
	Login string
}

func (e *LoginTakenError) Error() string {
	return fmt.Sprintf("storage: login %q belongs to another user", e.Login)
}

// Is reports that a taken login is an ErrExists.
func (e *LoginTakenError) Is(target error) bool { return target == ErrExists }

// LoginLinkedError says which login belongs to another identity already. It is
// an ErrExists.
type LoginLinkedError struct {
	// Login is the one that was taken.
	Login Login
}

func (e *LoginLinkedError) Error() string {
	return fmt.Sprintf("storage: login %q of %s belongs to another identity", e.Login.Subject, e.Login.Provider)
}

// Is reports that a taken login is an ErrExists.
func (e *LoginLinkedError) Is(target error) bool { return target == ErrExists }

// Store persists the service's entities in transactions. It is safe for concurrent use.
type Store interface {
	// View runs read on one consistent state. Changes through tx are refused.
	View(ctx context.Context, read func(tx Tx) error) error
	// Update runs change alone and makes it durable before it returns nil.
	// When ctx ends before change has started, Update returns ctx's error and
	// change does not run; once it runs, Update answers for its outcome.
	Update(ctx context.Context, change func(tx Tx) error) error
	// Close ends the Store after the closures that are running.
	Close() error
}

// Tx is a transaction: one set of entities a field. It is valid only inside
// the closure it was handed to, on that closure's goroutine.
type Tx struct {
	Pools         Pools
	Clients       Clients
	Domains       Domains
	Resources     ResourceServers
	Providers     IdentityProviders
	Brandings     Brandings
	Users         Users
	Groups        Groups
	Members       Members
	Sessions      Sessions
	Revocations   Revocations
	IdentityPools IdentityPools
	Identities    Identities
	Guests        Guests
	Keys          Keys
	Attempts      Attempts
	Codes         Codes
	History       PasswordHistory
	Spent         Spent
	Properties    Properties
}
