package session

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/store"
)

// persist tries in the background to store what could not be stored, until it
// succeeds, or something newer takes its place, or the engine is closed.
func (r *Records) persist(held Held) {
	if !held.unsaved() {
		return
	}
	r.life.start(func() {
		ctx := context.WithoutCancel(r.life.ctx)
		pause := firstBackoff
		for last := false; !last; pause = min(2*pause, lastBackoff) {
			last = !sleep(r.life.ctx, pause)
			if !r.isPresent(&held) {
				return // the newer change has a separate background save
			}
			done := false
			_ = guard(r.log, func() error { held, done = r.retrySave(ctx, held); return nil })
			if done {
				return
			}
		}
	})
}

// retrySave stores held once more and updates memory. It reports false with the record to
// try next.
func (r *Records) retrySave(ctx context.Context, held Held) (Held, bool) {
	err := r.save(ctx, held.Record, held.Stored)
	if err == nil {
		if !r.follow(held, stored(held.Record)) {
			r.noteStored(held.Record)
		}
		return held, true
	}
	r.log.Warn("latchkey: cannot store the session", "username", held.Record.Account.Username, "error", err)
	if !errors.Is(err, store.ErrConflict) {
		return held, false
	}
	record, err := r.inspect(ctx, held.Record.Account)
	if err != nil {
		return held, true // the next renewal reads what there is
	}
	next, ok := r.reapply(ctx, held, record)
	return next, !ok || !next.unsaved()
}

// noteStored lets memory know which record the store holds, if memory has a newer one that
// could not be stored while that was being stored.
func (r *Records) noteStored(record store.Record) {
	r.owner.revise(func(now *State) change {
		held, ok := now.of(record.Account)
		if !ok || held.Stored >= record.Generation || held.Record.Generation <= record.Generation || record.Tokens == nil {
			return change{}
		}
		again := *now
		target, _ := again.of(record.Account)
		target.Stored, target.storedAccess = record.Generation, record.Tokens.Access
		return change{state: &again}
	})
}

// isPresent reports whether memory still goes by held, and takes what memory knows of the
// store by now.
func (r *Records) isPresent(held *Held) bool {
	now, ok := r.owner.load().of(held.Record.Account)
	if !ok || now.Record.Generation != held.Record.Generation {
		return false
	}
	*held = *now
	return true
}
