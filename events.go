package latchkey

import (
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/session"
)

// EventKind says what changed.
type EventKind uint8

// The kinds of events.
const (
	_ EventKind = iota
	// EventSignedIn: a sign-in succeeded.
	EventSignedIn
	// EventRestored: a stored session was found, at the start, after
	// [Client.SwitchAccount], or because another process signed in.
	EventRestored
	// EventRefreshed: there are new tokens. Event.Err is set when they could
	// not be stored; that is tried again.
	EventRefreshed
	// EventRefreshFailed: tokens could not be refreshed, for the reason in
	// Event.Err. The session goes on and the refresh will be tried again, so
	// this is no reason to sign anybody out. It comes once, until the reason
	// changes or a refresh succeeds.
	EventRefreshFailed
	// EventSessionExpired: the service ended the session. Event.Err says why.
	EventSessionExpired
	// EventSignedOut: there is no session any more, for Event.Cause.
	EventSignedOut
	// EventIdentityChanged: the identity pool's id of the user or guest,
	// Event.IdentityID, is another than the one known before.
	EventIdentityChanged
)

// eventNames are in the order of the constants.
var eventNames = [...]string{"unknown", "SignedIn", "Restored", "Refreshed", "RefreshFailed", "SessionExpired", "SignedOut", "IdentityChanged"}

// String returns the kind's name, such as "SignedIn".
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// Cause says who caused an event.
type Cause string

// The causes of events.
const (
	CauseLocal  = Cause(session.CauseLocal)  // SignOut of this client
	CauseGlobal = Cause(session.CauseGlobal) // GlobalSignOut of this client
	CauseRemote = Cause(session.CauseRemote) // another process that shares the store
)

// Event is one change of the active session's state.
type Event struct {
	Kind       EventKind
	At         time.Time
	Username   string // whose session it was; empty for guests and other providers
	Provider   string // of sessions that come from another provider; see [Client.Federate]
	IdentityID string // of EventIdentityChanged
	Cause      Cause  // of EventSignedOut; CauseRemote for what other processes did
	// Err is set with EventRefreshFailed and EventSessionExpired, and with EventSignedIn
	// and EventRefreshed if the tokens could not be stored. [Error.Code] of an
	// EventSessionExpired is the exception that ended the session, and errors.Is finds its
	// kind, such as ErrUserNotFound.
	Err error
	// Session is the session after the change, as far as it is known without the network:
	// a facet that was not fetched yet is ErrNotFetched. It is never nil.
	Session *Session
}

// SubscribeOption changes one subscription.
type SubscribeOption struct{ apply func(*session.Subscription) }

// InitialEvent makes the first event the state at the time of the subscription, so that a
// program handles its start and later changes with the same code: EventRestored if there is a
// session, EventSessionExpired if the service has ended it, and otherwise EventSignedOut. The
// state is read from the store, and no change is lost or repeated between this event and the
// next. If the store cannot be read, the event is EventRefreshFailed with ErrStore.
func InitialEvent() SubscribeOption {
	return SubscribeOption{func(s *session.Subscription) { s.Initial = true }}
}

// Subscribe calls f for each change of state from now on, one at a time and in order. f runs
// in a separate goroutine and may block: neither the client nor other subscribers wait for
// it. A panic in f is recovered and logged. If f falls 256 events behind, it loses the oldest.
//
// If the store is a [store.Watcher], it is read and watched as long as there are
// subscriptions. Changes by other processes are then events within a second, with
// CauseRemote: a sign-in while no user was signed in here, or a new one of the same user
// (EventRestored), a refresh, and a sign-out. Changes that follow each other at once may be
// one event. Without a Watcher, they are events when a call finds them. A session that is
// live here is never replaced by one of another user.
//
// stop ends the subscription; it may be called more than once, also by f. A call
// of f that is under way is not waited for. A nil f is ErrInvalidParameter. After Close,
// Subscribe fails with ErrClosed.
func (c *Client) Subscribe(f func(Event), options ...SubscribeOption) (stop func(), err error) {
	if f == nil {
		return func() {}, problem("Subscribe", ErrInvalidParameter, "give a function to call")
	}
	subscription := session.Subscription{Call: func(e session.Event) { f(eventOf(e)) }}
	for _, o := range options {
		if o.apply != nil {
			o.apply(&subscription)
		}
	}
	stop, err = c.engine.Subscribe(subscription)
	return stop, asError("Subscribe", err)
}

// eventOf is the public form of an event.
func eventOf(e session.Event) Event {
	return Event{
		Kind: EventKind(e.Kind), At: e.At, Username: e.Username, Provider: e.Provider, IdentityID: e.IdentityID,
		Cause: Cause(e.Cause), Err: asError("FetchSession", e.Err), Session: (*Session)(e.View),
	}
}
