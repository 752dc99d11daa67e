package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// UserPool refreshes tokens and revokes refresh tokens. Errors are faults.
type UserPool interface {
	Refresh(ctx context.Context, r store.Record) (cognito.Grant, error)
	Revoke(ctx context.Context, refresh store.Secret) error
}

// tokenJob refreshes the tokens of one account.
type tokenJob struct {
	reader  reader
	owner   *Owner
	records *Records
	pool    UserPool
	flight  *flight
	want    Want

	held       Held // what is refreshed
	unreadable bool // the store could not be read: held is memory's

	// What was changed in turn after a refusal, each once:
	followed bool // the store held a newer token than the one refused
	former   bool // the token before it is sent
	keyless  bool // the device key is left out
	// unknownDevice says that the service does not know the device of the record.
	unknownDevice bool
}

// memory is the present state, if it is of the account and epoch of the renewal.
func (j *tokenJob) memory() *State {
	if s := j.owner.load(); s != nil && s.epoch == j.flight.key.epoch && s.user.Record.Account == j.flight.key.account {
		return s
	}
	return nil
}

// read reads the record. It will do if another process has refreshed it meanwhile.
func (j *tokenJob) read(ctx context.Context) (outcome, bool) {
	got, err := j.records.read(ctx, j.flight.key.account)
	if err != nil && j.held.Record.Tokens == nil {
		return outcome{err: storeFault(err)}, true
	}
	if j.unreadable = err != nil || got.unreadable; err == nil && !(got.unreadable && j.held.Record.Tokens != nil) {
		j.held = got.Held
	} // else go by what was read a moment ago
	if out, done := j.adopt(); done {
		return out, true
	}
	switch tokens := j.held.Record.Tokens; {
	case tokens.Refresh.IsZero():
		return outcome{err: &fault.Fault{Kind: fault.NeedsSignIn, Message: "the session has no refresh token", Hint: hintGrant}}, true
	case tokens.DeviceRefused:
		return outcome{err: deviceRefused(nil)}, true
	}
	return outcome{}, false
}

// adopt takes the record as it is, if it needs no refresh any more.
func (j *tokenJob) adopt() (outcome, bool) {
	now := time.Now()
	memory := j.memory()
	found := j.reader.state(j.held, now, nil)
	if !found.Live() {
		if found.user.Record.Generation == 0 {
			return j.publish(found, Event{Kind: SignedOut, Cause: CauseRemote}), true
		}
		return j.publish(found, endOf(found)), true
	}
	known := memory != nil && memory.user.Record.Generation == j.held.Record.Generation
	if known {
		found = copyOf(memory) // its clocks are better than those of a record read anew
		found.user = j.held
	}
	anew := j.want.Force && !j.held.Record.Tokens.ReceivedAt.Before(j.flight.started.Round(0)) && !known
	if !anew && found.needTokens(now, j.want) != needNothing {
		return outcome{}, false
	}
	if known {
		return outcome{}, true
	}
	return j.publish(found, Event{Kind: Refreshed, Cause: CauseRemote}), true
}

func copyOf(s *State) *State {
	again := *s
	return &again
}

// publish makes a state the present one, with the AWS credentials that were issued
// meanwhile.
func (j *tokenJob) publish(s *State, e Event) outcome {
	e.Username = j.flight.key.account.Username
	out := outcome{change: func(now *State) change {
		if now != nil {
			j.reader.mergeCredentials(s, now)
		}
		return change{state: s, events: []Event{e}}
	}}
	if s.user.unsaved() {
		out.unsaved = s.user
	}
	return out
}

// call spends the refresh token and stores what the service issues. A refresh token that
// came in an answer that was refused otherwise is stored too: it may be the only one that
// is still good.
func (j *tokenJob) call(ctx context.Context) (outcome, error) {
	issued, err := j.pool.Refresh(ctx, j.sent(j.held.Record))
	switch {
	case err == nil:
		return j.keep(ctx, issued), nil
	case !issued.Refresh.IsZero() && !issued.Refresh.Equal(j.held.Record.Tokens.Refresh):
		return j.keepSuccessor(ctx, issued.Refresh, err), nil
	}
	return outcome{}, err
}

// sent is a record as the refresh sends it.
func (j *tokenJob) sent(r store.Record) store.Record {
	if j.former {
		tokens := *r.Tokens
		tokens.Refresh, tokens.Former = tokens.Former, store.Secret{}
		r.Tokens = &tokens
	}
	if j.keyless {
		r.Device = nil
	}
	return r
}

// errOvertaken means that the record was changed while the call was in progress.
var errOvertaken = errors.New("the record was changed during the refresh")

// keep stores a grant, before anything else is done with it. A change that left the
// tokens alone is kept.
func (j *tokenJob) keep(ctx context.Context, issued cognito.Grant) outcome {
	spent, from := j.held.Record.Tokens.Access, j.held
	held, err := j.records.Update(ctx, j.flight.key.account, &from, func(old Held) (store.Record, error) {
		if old.Record.Tokens == nil || !old.Record.Tokens.Access.Equal(spent) {
			return store.Record{}, errOvertaken
		}
		return issued.Apply(j.sent(old.Record)), nil
	})
	if errors.Is(err, errOvertaken) {
		return j.overtaken(ctx, held, issued)
	}
	return j.publishGrant(held, issued, err)
}

// publishGrant makes a grant the present tokens. err says why the store does not hold them.
func (j *tokenJob) publishGrant(held Held, issued cognito.Grant, err error) outcome {
	fresh := j.reader.state(held, time.Now(), issued.Window(j.reader.ahead))
	return j.publish(fresh, Event{Kind: Refreshed, Err: storeFault(err)})
}

// overtaken decides what becomes of a grant whose record was changed meanwhile.
func (j *tokenJob) overtaken(ctx context.Context, now Held, issued cognito.Grant) outcome {
	if now.Stored == 0 {
		record, err := j.records.load(context.WithoutCancel(ctx), j.flight.key.account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			// The store does not say whose session is there now. The token might be the one
			// it lives on: it is kept in memory and not revoked.
			return j.publishGrant(j.unsaved(issued), issued, err)
		}
		now = stored(record)
		now.Record.Account = j.flight.key.account
	}
	found := j.reader.state(now, time.Now(), nil)
	if !found.Live() {
		out := j.publish(found, Event{Kind: SignedOut, Cause: CauseRemote})
		out.orphan = issued.Refresh
		return out
	}
	out := j.publish(found, Event{Kind: Refreshed, Cause: CauseRemote})
	if !issued.SameSignIn(found.view.tokens.Access) {
		out.orphan = issued.Refresh
	}
	return out
}

// unsaved is the record in hand with a grant that is not in the store.
func (j *tokenJob) unsaved(issued cognito.Grant) Held {
	next := Held{Record: issued.Apply(j.sent(j.held.Record)), Stored: j.held.Stored, storedAccess: j.held.accessInStore()}
	next.Record.Generation = j.records.nextGeneration(j.flight.key.account, j.held)
	return next
}

// judge says what a failed refresh means. The next round reads the store first, so
// that a token is never repeated blindly. When an answer was lost, the service may
// have rotated the token: repeating it inside the grace period saves the session.
func (j *tokenJob) judge(ctx context.Context, f *fault.Fault, err error) (outcome, step) {
	if f.EndsSession || f.Class == fault.Device || f.Class == fault.DeviceUnknown {
		return j.refused(ctx, f, err)
	}
	return outcome{}, later
}

func (j *tokenJob) abandon(_ context.Context, err error) outcome { return outcome{err: err} }

// refused decides whether a refusal is believed: a process that shares the store may
// have spent the token a moment before and stored its successor.
func (j *tokenJob) refused(ctx context.Context, f *fault.Fault, err error) (outcome, step) {
	spent := j.held.Record.Tokens.Refresh
	out, done := j.read(ctx)
	switch {
	case done:
		return out, giveUp
	case j.unreadable:
		return outcome{err: err}, giveUp
	case !j.held.Record.Tokens.Refresh.Equal(spent) && !j.followed:
		j.followed, j.former = true, false
		return outcome{}, again
	case !j.held.Record.Tokens.Refresh.Equal(spent):
		return outcome{err: err}, giveUp // the newest was not refused yet
	case !j.held.Record.Tokens.Former.IsZero() && !j.former:
		j.former = true
		return outcome{}, again
	case f.Class == fault.DeviceUnknown, f.Class == fault.Device && j.hasDevice():
		return j.refusedForDevice(ctx, f, err)
	}
	return j.finish(ctx, f, err), giveUp
}

// failed sends one event until the reason changes or a refresh succeeds.
func (j *tokenJob) failed(_ *State, err error, changed bool) change {
	if !changed {
		return change{}
	}
	return change{events: []Event{{Kind: RefreshFailed, Username: j.flight.key.account.Username, Err: err}}}
}

// endOf is the event for a session that another process has ended.
func endOf(found *State) Event {
	if ended := found.user.Record.Ended; ended != nil && ended.Reason != SignedOutReason {
		return Event{Kind: SessionExpired, Err: found.view.tokensErr}
	}
	return Event{Kind: SignedOut, Cause: CauseRemote}
}
