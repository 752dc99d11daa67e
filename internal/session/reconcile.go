package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// found is what Records.read found.
type found struct {
	Held
	// unreadable says that the store could not be read: the record is memory's.
	unreadable bool
}

// read reads an account's record for a renewal. It settles what memory and store do
// not agree about: it reapplies tokens that could not be stored to a record that
// another process changed meanwhile, and puts back a record that the store has lost.
// An account without a record is an empty one.
func (r *Records) read(ctx context.Context, account store.Account) (found, error) {
	record, err := r.loadHealed(ctx, account)
	memory, known := r.memory(account)
	pending := known && memory.unsaved()
	switch {
	case err == nil && pending && record.Generation <= memory.Stored:
		return found{Held: memory}, nil
	case err == nil && pending:
		if merged, ok := r.reapply(ctx, memory, record); ok {
			return found{Held: merged}, nil
		}
		return found{Held: stored(record)}, nil
	case err == nil:
		return found{Held: stored(record)}, nil
	case errors.Is(err, store.ErrNotFound) && !pending, errors.Is(err, store.ErrDamaged) && !known:
		return found{Held: Held{Record: store.Record{Account: account}}}, nil
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDamaged):
		// Memory has all that is left. Put it back, so that the damage is not taken for a
		// sign-out.
		if memory.Stored = 0; r.save(ctx, memory.Record, 0) == nil {
			memory.Stored = memory.Record.Generation
		}
		return found{Held: memory}, nil
	case known:
		return found{Held: memory, unreadable: true}, nil
	}
	return found{}, err
}

// reapply puts tokens that could not be stored into the stored record, if that was
// changed meanwhile and still has the tokens that these have replaced: another program
// queued a revocation, or was given AWS credentials. Left there, the old refresh token
// would be spent again by the next process, and where tokens rotate that ends the
// session. Memory follows.
func (r *Records) reapply(ctx context.Context, memory Held, record store.Record) (Held, bool) {
	next, ok := memory.reapplied(record)
	if !ok {
		return memory, false
	}
	if r.save(ctx, next.Record, next.Stored) == nil {
		next.Stored = next.Record.Generation
	}
	return next, r.follow(memory, next)
}

// reapplied is the record that reapply stores.
func (h Held) reapplied(record store.Record) (Held, bool) {
	if record.Generation <= h.Stored || !h.replaces(record) {
		return h, false
	}
	next := record
	next.Tokens, next.Drift = h.Record.Tokens, h.Record.Drift
	next.Generation, next.SavedAt = record.Generation+1, time.Now().Round(0)
	return Held{Record: next, Stored: record.Generation, storedAccess: h.storedAccess}, true
}

// replaces reports whether the tokens in hand, which could not be stored, came in exchange
// for those of a record.
func (h Held) replaces(r store.Record) bool {
	return h.unsaved() && live(h.Record) && live(r) && r.Tokens.Access.Equal(h.storedAccess)
}

// follow lets memory take next in the place of before, if it still holds that.
func (r *Records) follow(before, next Held) (followed bool) {
	account := before.Record.Account
	r.owner.revise(func(now *State) change {
		held, ok := now.of(account)
		if !ok || held.Record.Generation != before.Record.Generation {
			return change{} // a sign-in or sign-out came between; its record is in the store
		}
		again := *now
		target, _ := again.of(account)
		*target = next
		followed = true
		return change{state: &again}
	})
	return followed
}

// inspect loads a record that no caller asked for. If the record is damaged, the store
// has set it aside, and the next reader would take the session for signed out: so what
// memory has of it is put back.
func (r *Records) inspect(ctx context.Context, account store.Account) (store.Record, error) {
	if err := r.healing.acquire(ctx); err != nil {
		return store.Record{}, err
	}
	defer r.healing.release()
	record, err := r.load(ctx, account)
	if memory, known := r.memory(account); errors.Is(err, store.ErrDamaged) && known {
		saveErr := r.save(ctx, memory.Record, 0)
		if saveErr == nil {
			next := memory
			next.Stored = memory.Record.Generation
			r.follow(memory, next)
		}
		r.log.WarnContext(ctx, "latchkey: the stored session was damaged", "put back", saveErr == nil, "error", err)
	}
	return record, err
}

// loadHealed loads a record for a renewal: one that is not there may be one that
// inspect is about to put back.
func (r *Records) loadHealed(ctx context.Context, account store.Account) (store.Record, error) {
	record, err := r.load(ctx, account)
	if !errors.Is(err, store.ErrNotFound) {
		return record, err
	}
	if err := r.healing.acquire(ctx); err != nil {
		return record, err
	}
	defer r.healing.release()
	return r.load(ctx, account)
}
