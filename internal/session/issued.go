package session

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/store"
)

// keep stores what was issued, before anything else is done with it. That it cannot be
// stored is no failure of the call: it lasts as long as the process then.
func (j *credentialsJob) keep(ctx context.Context, issued cognito.Issued) outcome {
	window := expiry.New(issued.Received, issued.Life, issued.Life, j.reader.ahead)
	if out, ok := j.store(ctx, issued.Identity, &issued.Credentials); !ok {
		return out
	}
	return j.publish(&window)
}

// store writes identity and credentials into the record. ok is false if the record is
// another login's by now: what was issued is of no use then.
func (j *credentialsJob) store(ctx context.Context, identity string, credentials *store.Credentials) (out outcome, ok bool) {
	from, first := j.held, true
	held, err := j.records.Update(ctx, j.flight.key.account, &from, func(old Held) (store.Record, error) {
		if !first { // it was changed meanwhile
			memory := j.memory()
			changed := credentialsJob{flight: j.flight, held: old}
			if old.Stored == 0 || memory == nil || changed.gone(memory) {
				return store.Record{}, errMoved
			}
		}
		first = false
		next := old.Record
		j.identity.ID, j.identity.Credentials = identity, credentials
		next.SetIdentity(j.identity)
		next.SavedAt = time.Now().Round(0)
		return next, nil
	})
	if isMoved(err) {
		if credentials != nil { // the pool has linked the guest's identity to the login
			j.forgetClaimed(ctx)
		}
		return outcome{err: errMoved}, false
	}
	j.held = held
	if err != nil {
		j.log.WarnContext(ctx, "latchkey: cannot store AWS credentials", "username", j.flight.key.account.Username, "error", err)
		return outcome{}, true
	}
	j.forgetClaimed(ctx)
	return outcome{}, true
}

// forgetClaimed removes the identity that was claimed from the guest's record.
func (j *credentialsJob) forgetClaimed(ctx context.Context) {
	if !j.claimed {
		return
	}
	j.claimed = false
	if err := j.records.forgetGuest(ctx, j.reader.guestAccount(), j.identity); err != nil {
		j.log.WarnContext(ctx, "latchkey: the guest's identity stays in the store though a user has it", "error", err)
	}
}

// partly keeps the identity that the pool has named, though it issued no credentials: to
// ask again would make another guest.
func (j *credentialsJob) partly(ctx context.Context, cause error) outcome {
	memory := j.memory()
	if j.identity.ID == "" || memory == nil || j.reader.identity(memory.holder().Record).ID == j.identity.ID {
		return outcome{err: cause}
	}
	if out, ok := j.store(ctx, j.identity.ID, nil); !ok {
		return out
	}
	out := j.publish(nil)
	out.err = cause
	return out
}

// publish shows the record's identity and credentials.
func (j *credentialsJob) publish(window *expiry.Window) outcome {
	return outcome{change: func(now *State) change {
		if now == nil || now.holder().Record.Account != j.flight.key.account {
			return change{}
		}
		next := copyOf(now)
		if next.Live() {
			j.mergeInto(&next.user)
		} else {
			next.guest = j.held
		}
		j.reader.readIdentity(next, time.Now(), window)
		return change{state: next}
	}}
}

// mergeInto puts identity and credentials into the user's record in memory. The tokens
// there are the record's, unless another process has refreshed them: that is for the
// next refresh to find.
func (j *credentialsJob) mergeInto(user *Held) {
	same := live(j.held.Record) && j.held.Record.Tokens.Access.Equal(user.Record.Tokens.Access)
	user.Record.SetIdentity(j.identity)
	if same && j.held.Stored > user.Stored && !j.held.unsaved() {
		user.Record.Generation, user.Stored = j.held.Stored, j.held.Stored
		user.Record.Pending = j.held.Record.Pending
	}
}
