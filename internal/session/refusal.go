package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// keepSuccessor stores a refresh token that came in an answer that was refused with cause.
// The previous one is kept until the next success, because it may still be valid.
func (j *tokenJob) keepSuccessor(ctx context.Context, successor store.Secret, cause error) outcome {
	out := j.amend(ctx, cause, func(tokens *store.Tokens, _ *store.Record) {
		tokens.Former, tokens.Refresh = j.sentRefresh(tokens), successor
	})
	if out.change == nil { // the record was changed meanwhile
		record, err := j.records.load(context.WithoutCancel(ctx), j.flight.key.account)
		if errors.Is(err, store.ErrNotFound) || err == nil && !live(record) {
			out.orphan = successor // the session is over
		}
	}
	return out
}

// sentRefresh is the refresh token that was sent.
func (j *tokenJob) sentRefresh(tokens *store.Tokens) store.Secret {
	if j.former {
		return tokens.Former
	}
	return tokens.Refresh
}

// hasDevice reports whether the session is bound to a remembered device. "Invalid
// Refresh Token." may then mean that the device key is not accepted, which ends
// nothing; without a device it can only mean the token.
func (j *tokenJob) hasDevice() bool {
	if j.held.Record.Device != nil {
		return true
	}
	pair, err := cognito.DecodePair(j.held.Record.Tokens.Access.Reveal(), "")
	return err == nil && pair.Access.DeviceKey() != ""
}

// refusedForDevice decides what follows when the session is refused for its device, which
// never ends it: the refresh is tried once more without the device key; then the user has
// to sign in, and the token is not sent again.
func (j *tokenJob) refusedForDevice(ctx context.Context, f *fault.Fault, err error) (outcome, step) {
	j.unknownDevice = j.unknownDevice || f.Class == fault.DeviceUnknown
	if j.held.Record.Device != nil && !j.keyless {
		j.keyless = true
		return outcome{}, again
	}
	return j.amend(ctx, deviceRefused(err), func(tokens *store.Tokens, r *store.Record) {
		tokens.DeviceRefused = true
		if j.unknownDevice {
			r.Device = nil
		}
	}), giveUp
}

// deviceRefused is the fault of a session whose refresh token is not accepted from this
// device.
func deviceRefused(cause error) *fault.Fault {
	return &fault.Fault{
		Kind: fault.NeedsSignIn, Message: "the refresh token is not accepted from this device", Hint: "sign in again", Err: cause,
	}
}

// amend changes what is stored beside the tokens in hand, which stay, and fails with cause.
func (j *tokenJob) amend(ctx context.Context, cause error, edit func(*store.Tokens, *store.Record)) outcome {
	from, spent := j.held, j.held.Record.Tokens
	held, err := j.records.Update(ctx, j.flight.key.account, &from, func(old Held) (store.Record, error) {
		now := old.Record.Tokens
		if now == nil || !now.Access.Equal(spent.Access) || !now.Refresh.Equal(spent.Refresh) {
			return store.Record{}, errOvertaken
		}
		next, tokens := old.Record, *now
		edit(&tokens, &next)
		next.Tokens, next.SavedAt = &tokens, time.Now().Round(0)
		return next, nil
	})
	out := outcome{err: cause}
	if errors.Is(err, errOvertaken) {
		return out // the next refresh reads what there is
	}
	if held.unsaved() {
		out.unsaved = held
	}
	out.change = func(now *State) change {
		if now == nil || now.user.Record.Account != held.Record.Account {
			return change{}
		}
		again := copyOf(now)
		again.user = held
		j.reader.mergeCredentials(again, now)
		return change{state: again}
	}
	return out
}

// finish ends the session for good, unless another process signed in or out in this
// moment.
func (j *tokenJob) finish(ctx context.Context, f *fault.Fault, cause error) outcome {
	reason, detail := f.Code, f.Message
	if reason == "" {
		reason, detail = "NotAuthorizedException", ""
	}
	from, spent := j.held, j.held.Record.Tokens.Refresh
	over, err := j.records.Update(ctx, j.flight.key.account, &from, func(old Held) (store.Record, error) {
		if old.Record.Tokens == nil || !old.Record.Tokens.Refresh.Equal(spent) {
			return store.Record{}, errOvertaken
		}
		return tombstone(old.Record, reason, detail), nil
	})
	if errors.Is(err, errOvertaken) || errors.Is(err, store.ErrConflict) {
		if out, done := j.read(ctx); done {
			return out
		}
		return outcome{err: cause}
	}
	s := j.reader.state(over, time.Now(), nil)
	return j.publish(s, Event{Kind: SessionExpired, Err: s.view.tokensErr})
}
