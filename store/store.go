// Package store says what a session looks like when it is kept, and what a
// place that keeps sessions must do.
//
// A session is one [Record], written whole or not at all, never a key per
// field: a crash leaves the old session or the new one. A [Store] keeps one
// record per [Account] and replaces it by compare-and-swap on the record's
// generation, so that two programs that share the store cannot overwrite what
// the other one learned. [Encode] and [Decode] turn a record to bytes with a
// schema version and a checksum; a store that keeps bytes needs nothing else.
//
// This package has the contract and [Memory]. Every other store is a package
// below this one, and storetest is the test suite that each of them must pass.
package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-auth/latchkey/store/internal/keylock"
)

// Kinds of failure, for errors.Is.
var (
	// ErrNotFound means that nothing is kept for the account.
	ErrNotFound = errors.New("store: no such record")
	// ErrConflict means that the record changed since it was read. Load it
	// again and decide anew.
	ErrConflict = errors.New("store: record was changed by somebody else")
	// ErrGeneration means that Save was given a record whose generation does not
	// grow, which is a mistake of the program.
	ErrGeneration = errors.New("store: generation does not grow")
	// ErrDamaged means that what is kept cannot be read; see [DamagedError].
	ErrDamaged = errors.New("store: record is damaged")
	// ErrLockHeld means that the wait for a lock ended because another holder kept
	// it. The error also wraps the context's error.
	ErrLockHeld = keylock.ErrHeld
	// ErrNoLocks means that the place where sessions are kept cannot lock: it is
	// read-only, the program may not write there, or the file system has no locks.
	// The error also wraps the cause, which says which.
	ErrNoLocks = errors.New("store: locking is not possible")
)

// DamagedError means that a record cannot be read. Its bytes are not lost:
// they were set aside, and the account is free for a new sign-in.
type DamagedError struct {
	Account Account
	Path    string // what was read, such as a file's name
	Aside   string // where it was set aside; empty if that failed
	// Backup is where the generation before it is kept, empty if there is none.
	// No store reads it automatically: where refresh tokens rotate, the one in an
	// older generation is spent, and using it again ends the session in every
	// program that shares it.
	Backup string
	Err    error // what is wrong with it
}

func (e *DamagedError) Error() string {
	text := fmt.Sprintf("store: %s is damaged: %v", e.Path, e.Err)
	if e.Aside != "" {
		text += "; it was set aside as " + e.Aside
	}
	if e.Backup != "" {
		text += "; the generation before it is " + e.Backup
	}
	return text + "; sign in again"
}

// Unwrap makes the error an ErrDamaged and gives its cause.
func (e *DamagedError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// Scope is what one application shares: a user pool and an app client of a service.
// A session that came without a user pool has the identity pool in place of it.
//
// Scope is part of every key of a store: scopes that differ in one member, Service
// included, have nothing in common.
type Scope struct {
	PoolID   string `json:"pool_id"`
	ClientID string `json:"client_id"`
	// Service is the origin of the service, such as http://localhost:9229 or
	// https://cognito-idp.us-east-1.amazonaws.com. The client makes it from its
	// endpoints; a store does not interpret it. It is empty in records of schemas 1
	// to 3. Keys of a scope without a Service are the same as in those schemas.
	Service string `json:"service,omitzero"`
}

// Account names a record: one user of one scope. An empty Username names the
// guest of the scope.
type Account struct {
	Scope
	Username string `json:"username"`
}

// Store keeps records. It is safe for concurrent use by goroutines, and, unless
// its documentation says otherwise, by processes.
type Store interface {
	// Load reads an account's record. Errors: ErrNotFound, *DamagedError.
	Load(ctx context.Context, account Account) (Record, error)
	// Save puts record in the place of the one whose generation is previous;
	// previous 0 means that there is none. It fails with ErrConflict, and
	// changes nothing, when that is not so. record.Generation must be greater
	// than previous (ErrGeneration). The record is durable when Save returns.
	Save(ctx context.Context, record Record, previous uint64) error
	// Delete forgets an account, whatever its record holds. It is no error if
	// there is none. An account that was active is active no longer.
	Delete(ctx context.Context, account Account) error
	// List gives the accounts of a scope in the order of their usernames.
	List(ctx context.Context, scope Scope) ([]Account, error)
	// Active gives the account that the scope's pointer names; ErrNotFound if
	// there is no pointer. The account need not have a record.
	Active(ctx context.Context, scope Scope) (Account, error)
	// SetActive moves the pointer of account's scope to account.
	SetActive(ctx context.Context, account Account) error
}

// Locker is a Store that lends a lock per account to everyone who shares it.
// A program holds the lock while it refreshes, so that a refresh token is
// spent once.
type Locker interface {
	// Lock waits until it holds the lock or ctx ends. Call unlock exactly once.
	// A process that ends lets go of its locks. Errors: ErrLockHeld together with
	// ctx.Err() when ctx ended while another holder had the lock, ctx.Err() alone
	// when it had ended before, ErrNoLocks.
	Lock(ctx context.Context, account Account) (unlock func(), err error)
}

// Watcher is a Store that can report changes, including those of other processes.
type Watcher interface {
	// Watch calls changed once when it has begun, so that no change is missed
	// since the caller last read, and again within half a second after each change
	// of the scope's records or its pointer. It returns
	// when ctx ends, with the context's error, or when it cannot watch any more.
	//
	// Calls come one at a time, and none after Watch has returned. Several changes
	// may be one call, and some changes two: changed says that the caller should
	// read again, not what has changed. A store that is not watched does no work
	// for it.
	Watch(ctx context.Context, scope Scope, changed func()) error
}

// ServiceBlind is a Store whose keys may leave out [Scope.Service], because their form
// is given by another library. There a client distinguishes the records of
// different services by their Issuer.
type ServiceBlind interface {
	// ServiceBlind reports whether scopes that differ in Service alone share their
	// records.
	ServiceBlind() bool
}

// ServiceLister is a Store that can list the services with a session of the same
// pool and client, so that a client can name the service where a user is signed in.
type ServiceLister interface {
	// Services returns [Scope.Service], sorted, of each scope with this pool and
	// client whose pointer names an account with a live session ([Record.Live]). The
	// empty Service is among them if its scope has one. What cannot be read is
	// passed over and stays as it is.
	Services(ctx context.Context, poolID, clientID string) ([]string, error)
}

// Admit decides for a store whether a record of generation next may take the
// place of what is kept, whose generation is kept, or 0 when nothing is, given
// the generation that the caller read. Errors: ErrGeneration, ErrConflict.
func Admit(next, previous, kept uint64) error {
	if next <= previous {
		return fmt.Errorf("%w: %d comes after %d", ErrGeneration, next, previous)
	}
	if kept != previous {
		return fmt.Errorf("%w: generation %d is kept and %d was expected", ErrConflict, kept, previous)
	}
	return nil
}
