package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// updateAttempts bounds how often an update is tried against other writers.
const updateAttempts = 4

// errUnchanged is what an edit returns to leave the record as it is.
var errUnchanged = errors.New("the record stays as it is")

// Update replaces an account's record by what edit makes of it: the one loop for every
// change of a stored record. edit may run several times, each time on a newer record,
// and returns errUnchanged to leave it, or another error to give up.
//
// from is what the caller has just read; nil has Update read first. Update returns the
// record as edit made it also if the store failed: err says why, and Stored is the
// generation that the store is left with.
func (r *Records) Update(ctx context.Context, account store.Account, from *Held, edit func(old Held) (store.Record, error)) (Held, error) {
	var old Held
	for range updateAttempts {
		var readErr error
		if from != nil {
			old, from = *from, nil
		} else {
			old, readErr = r.forUpdate(ctx, account)
		}
		next, err := edit(old)
		if errors.Is(err, errUnchanged) {
			return old, nil
		}
		if err != nil {
			return old, err
		}
		next.Generation = r.nextGeneration(account, old)
		if readErr != nil {
			return Held{Record: next, Stored: old.Stored}, readErr
		}
		err = r.save(ctx, next, old.Stored)
		if err == nil {
			return stored(next), nil
		}
		old = Held{Record: next, Stored: old.Stored, storedAccess: old.accessInStore()}
		if !errors.Is(err, store.ErrConflict) {
			return old, err
		}
	}
	return old, store.ErrConflict
}

// forUpdate reads the record that an update goes by. Without a record, and after damage,
// that is an empty one: the update makes a new record.
func (r *Records) forUpdate(ctx context.Context, account store.Account) (Held, error) {
	record, err := r.load(ctx, account)
	switch {
	case err == nil:
		return stored(record), nil
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDamaged):
		return Held{Record: store.Record{Account: account}}, nil
	}
	return Held{Record: store.Record{Account: account}}, err
}

// accessInStore is the access token that the store has while a newer one cannot be
// stored.
func (h Held) accessInStore() store.Secret {
	switch {
	case h.unsaved():
		return h.storedAccess
	case h.Record.Tokens != nil:
		return h.Record.Tokens.Access
	}
	return store.Secret{}
}

// nextGeneration is the generation of a record that takes the place of old. It is
// higher than what memory knows, so that a late renewal of the session before cannot
// take the new record for its own, also if the store has lost its record meanwhile.
func (r *Records) nextGeneration(account store.Account, old Held) uint64 {
	known := max(old.Record.Generation, old.Stored)
	if held, ok := r.owner.load().of(account); ok {
		known = max(known, held.Record.Generation)
	}
	if known == 0 {
		return firstGeneration()
	}
	return known + 1
}

// generationBits are the random bits below the milliseconds of a first generation. The
// whole stays below 2^53 until the year 2248, so that readers of JSON in any language
// keep it exact.
const generationBits = 10

// firstGeneration is where the generations of a record begin for which the store has
// none. They go by the clock: there may have been one before that was deleted, and a
// call that is answered late must not find that one's generation again.
func firstGeneration() uint64 {
	return uint64(time.Now().UnixMilli())<<generationBits | uint64(rand.Int64N(1<<generationBits))
}

// tombstone is the record of a session that is over. It keeps the account's generation
// rising, the device, which outlives sessions, what is still to be revoked, and the
// browser's session at the sign-in pages.
func tombstone(r store.Record, reason, detail string) store.Record {
	over := store.Record{
		Account: r.Account, Sub: r.Sub, Drift: r.Drift, Device: r.Device, Pending: r.Pending,
		Redirect: r.Redirect, Issuer: r.Issuer, SavedAt: time.Now().Round(0),
	}
	if r.Device != nil {
		over.SignIn = r.SignIn // the device is found again by what the user types
	}
	over.Ended = &store.Ended{Reason: reason, Detail: detail, At: over.SavedAt}
	return over
}
