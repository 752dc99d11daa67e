package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

const (
	// saveTime bounds one access to the store.
	saveTime = 5 * time.Second
	// updateAttempts bounds how often an update is tried against other writers.
	updateAttempts = 4
	// SignedOutReason is the reason of a session that its user ended.
	SignedOutReason = "signed-out"
)

// Records reads and writes the store. It compares what it reads with what memory holds
// of the same account, so that a change that could not be stored yet, and a record
// that the store has lost to damage, are handled in one place.
type Records struct {
	store *bound
	scope store.Scope
	owner *Owner
	life  *lifecycle
	log   *slog.Logger
	// healing is held from the load of a record that no caller asked for until what
	// damaged it is mended; see inspect.
	healing turn
}

// load reads a record in bounded time.
func (r *Records) load(ctx context.Context, account store.Account) (store.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.Load(ctx, account)
}

// save stores a record. It has its own deadline and ignores the end of ctx, and a panic of
// the store is an error, because what it stores cannot be issued a second time.
func (r *Records) save(ctx context.Context, record store.Record, previous uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return guard(r.log, func() error { return r.store.Save(ctx, record, previous) })
}

// drop deletes a record.
func (r *Records) drop(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return r.store.Delete(ctx, account)
}

// forgetGuest removes an identity that is a user's now, or gone, from the guest's record.
func (r *Records) forgetGuest(ctx context.Context, guest store.Account, identity store.Identity) error {
	identity.ID, identity.Credentials = "", nil
	left := 0
	_, err := r.Update(context.WithoutCancel(ctx), guest, nil, func(old Held) (store.Record, error) {
		next := old.Record
		next.SetIdentity(identity)
		if left = len(next.Identities); left == 0 {
			return next, errUnchanged
		}
		return next, nil
	})
	if err != nil || left > 0 {
		return err
	}
	return r.drop(ctx, guest)
}

// list lists the scope's accounts.
func (r *Records) list(ctx context.Context) ([]store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.List(ctx, r.scope)
}

// setActive moves the scope's pointer.
func (r *Records) setActive(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.SetActive(ctx, account)
}

// lock acquires the store's lock of an account.
func (r *Records) lock(ctx context.Context, account store.Account) (unlock func(), err error) {
	return r.store.Lock(ctx, account)
}

// memory is what the present state holds of an account, if it is a session.
func (r *Records) memory(account store.Account) (Held, bool) {
	s := r.owner.load()
	held, ok := s.of(account)
	if !ok || held.Record.Generation == 0 || account.Username != "" && !s.Live() {
		return Held{}, false
	}
	return *held, true
}

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
	unsaved := live(h.Record) && h.unsaved() && record.Generation > h.Stored
	if !unsaved || !live(record) || !record.Tokens.Access.Equal(h.storedAccess) {
		return h, false
	}
	next := record
	next.Tokens, next.Drift = h.Record.Tokens, h.Record.Drift
	next.Generation, next.SavedAt = record.Generation+1, time.Now().Round(0)
	return Held{Record: next, Stored: record.Generation, storedAccess: h.storedAccess}, true
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
				return // what came after it has a background save of its own
			}
			done := false
			_ = guard(r.log, func() error { held, done = r.retrySave(ctx, held); return nil })
			if done {
				return
			}
		}
	})
}

// retrySave stores held once more and lets memory follow. It reports false with the
// record that is to be tried next.
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

// storeFault wraps the error of a store.
func storeFault(err error) error {
	if err == nil {
		return nil
	}
	return fault.OfStore("", err)
}
