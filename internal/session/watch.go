package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// watching is the watch of the store, which runs while there are subscriptions.
type watching struct {
	mu   sync.Mutex
	stop context.CancelFunc // nil while the store is not watched
}

// Subscription is what a subscriber asks for.
type Subscription struct {
	Call    func(Event)
	Initial bool // the first event describes the present state
}

// Subscribe calls a function for each event from now on, one at a time and in order, and
// watches the store if it can be watched. stop may be called more than once, also by the
// function. A subscription after Close fails.
func (e *Engine) Subscribe(want Subscription) (stop func(), err error) {
	if err := e.Closed(); err != nil {
		return func() {}, err
	}
	s := &subscriber{call: want.Call, failed: func(reason any) { logPanic(e.log, reason) }}
	if want.Initial {
		e.life.start(func() { e.begin(s) })
	} else {
		e.owner.events.add(s)
		e.watch()
	}
	return func() {
		e.owner.events.remove(s)
		e.unwatch()
	}, nil
}

// begin begins a subscription once the state is known.
func (e *Engine) begin(s *subscriber) {
	_, err := e.Ready(e.life.ctx)
	if e.owner.join(s, err) {
		e.watch()
	}
}

// initialEvent is the event that describes a state; without one, err is the reason.
func initialEvent(s *State, err error, now time.Time) Event {
	e := Event{Kind: SignedOut, At: now.Round(0)}
	if s == nil {
		e.Kind, e.Err = RefreshFailed, err
		e.View = &View{subErr: err, tokensErr: err, identityErr: err, credentialsErr: err}
		return e
	}
	e.View = s.known(now, nil)
	switch {
	case s.login() != "":
		e.Kind, e.Username, e.Provider = Restored, s.view.username, s.view.provider
	case s.expired():
		e.Kind, e.Username, e.Err = SessionExpired, s.user.Record.Account.Username, s.view.tokensErr
	}
	return e
}

// watch begins to watch the store, if it can be watched and is not watched yet.
func (e *Engine) watch() {
	watcher := e.records.store.watcher()
	e.watching.mu.Lock()
	defer e.watching.mu.Unlock()
	if watcher == nil || e.watching.stop != nil || e.owner.events.idle() {
		return
	}
	ctx, cancel := context.WithCancel(e.life.ctx)
	if !e.life.start(func() { e.follow(ctx, watcher) }) {
		cancel()
		return
	}
	e.watching.stop = cancel
}

// unwatch ends the watch once the last subscription has ended.
func (e *Engine) unwatch() {
	e.watching.mu.Lock()
	defer e.watching.mu.Unlock()
	if e.watching.stop != nil && e.owner.events.idle() {
		e.watching.stop()
		e.watching.stop = nil
	}
}

// follow watches the store until ctx ends. A store that cannot be watched for a while, or
// panics, is tried again: a folder may come back.
func (e *Engine) follow(ctx context.Context, watcher store.Watcher) {
	for failures := 0; ; failures++ {
		changed := func() {
			failures = 0
			for e.noticeGuarded(ctx) {
			}
		}
		err := guard(e.log, func() error { return watcher.Watch(ctx, e.reader.scope, changed) })
		if ctx.Err() != nil {
			return
		}
		e.log.WarnContext(ctx, "latchkey: cannot watch the store", "error", err)
		if !sleep(ctx, pauseAfter(failures)) {
			return
		}
	}
}

// noticeGuarded is notice in a goroutine of the store.
func (e *Engine) noticeGuarded(ctx context.Context) (more bool) {
	err := guard(e.log, func() error { more = e.notice(ctx); return nil })
	return err == nil && more
}

// notice looks for changes that other processes made to the session, and reports whether
// there may be more. It blocks this client's own sign-ins and sign-outs, whose steps would
// look like another process's. It does not block refreshes, which send their own events.
func (e *Engine) notice(ctx context.Context) (more bool) {
	if e.changing.acquire(ctx) != nil {
		return false
	}
	f, more := e.followStore(ctx)
	if f != nil {
		more = f.wait(ctx) == nil
	}
	return more
}

// followStore takes over what the store holds, and releases e.changing. f is a refresh in
// progress that has to end first.
func (e *Engine) followStore(ctx context.Context) (f *flight, more bool) {
	defer e.changing.release()
	before := e.owner.load()
	if before == nil {
		_, _ = e.Ready(ctx) // sends the events, and logs what it cannot read
		return nil, false
	}
	found, event, err := e.compare(ctx, before)
	if err != nil {
		e.log.WarnContext(ctx, "latchkey: cannot read a change of the store", "error", err)
	}
	if found == nil {
		return nil, false
	}
	return e.adoptChange(before, found, event)
}

// compare returns the state of the stored record, nil if it is the present one, and the
// event of the change.
func (e *Engine) compare(ctx context.Context, before *State) (*State, Event, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	if !before.Live() {
		return e.compareActive(ctx, before)
	}
	account := before.user.Record.Account
	record, err := e.records.inspect(ctx, account)
	switch {
	case before.user.unsaved():
		return nil, Event{}, nil // memory is newer, and will be stored
	case errors.Is(err, store.ErrNotFound):
		record = store.Record{Account: account}
	case err != nil:
		return nil, Event{}, err
	case live(record) && record.Tokens.Access.Equal(before.user.Record.Tokens.Access):
		return e.sameTokens(before, record), Event{}, nil
	}
	found := e.reader.state(stored(record), time.Now(), nil)
	return found, changeOf(before, found), nil
}

// sameTokens is the state for a record that changed but for its tokens, whose clocks in
// memory are better; nil if it is the same record.
func (e *Engine) sameTokens(before *State, record store.Record) *State {
	if record.Generation == before.user.Record.Generation {
		return nil
	}
	same := copyOf(before)
	same.user = stored(record)
	if c := e.reader.identity(record).Credentials; c != nil && !sameCredentials(e.reader.identity(before.user.Record).Credentials, c) {
		e.reader.readIdentity(same, time.Now(), nil)
	}
	return same
}

func sameCredentials(a, b *store.Credentials) bool {
	return a != nil && a.AccessKeyID == b.AccessKeyID && a.SessionToken.Equal(b.SessionToken)
}

// compareActive is compare while no user is signed in here: one may have signed in
// elsewhere.
func (e *Engine) compareActive(ctx context.Context, before *State) (*State, Event, error) {
	record, err := e.activeRecord(ctx)
	if err != nil {
		return nil, Event{}, err
	}
	found := e.reader.state(stored(record), time.Now(), nil)
	if !found.Live() || before.newerThan(record) {
		return nil, Event{}, nil
	}
	return found, Event{Kind: Restored, Cause: CauseRemote}, nil
}

// changeOf is the event for what another process made of a live session.
func changeOf(before, found *State) Event {
	if !found.Live() {
		return endOf(found)
	}
	// Every sign-in has an origin_jti, and its refreshes keep it.
	old, now := before.view.tokens.Access, found.view.tokens.Access
	if old != nil && now != nil && old.OriginID() != now.OriginID() {
		return Event{Kind: Restored, Cause: CauseRemote}
	}
	return Event{Kind: Refreshed, Cause: CauseRemote}
}

// adoptChange makes found the present state, unless this client has changed it since
// before was read. Then it has to look again, after the refresh if one is in progress.
func (e *Engine) adoptChange(before, found *State, event Event) (*flight, bool) {
	if f := e.flights.inProgress(flightKey{tokensFlight, before.user.Record.Account, before.epoch}); f != nil {
		return f, true
	}
	adopted := false
	e.owner.revise(func(now *State) change {
		if now != before {
			return change{}
		}
		adopted = true
		event.Username = found.user.Record.Account.Username
		switch event.Kind {
		case 0:
			return change{state: found}
		case Refreshed:
			e.tokenBackoff.reset(before.epoch)
			e.reader.mergeCredentials(found, before)
			return change{state: found, events: []Event{event}}
		}
		return change{state: found, events: []Event{event}, newEpoch: true}
	})
	// Where one user has left, another may be signed in.
	return nil, !adopted || !found.Live()
}
