package latchkey

import (
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/session"
)

// EventKind says what changed.
type EventKind uint8

// The changes of state that a [Client] tells of.
const (
	_ EventKind = iota
	// EventSignedIn: a sign-in succeeded.
	EventSignedIn
	// EventRestored: a stored session was found, at the start, after
	// [Client.Switch], or because another process signed in.
	EventRestored
	// EventRefreshed: there are new tokens. Event.Err is set when they could
	// not be stored; that is tried again.
	EventRefreshed
	// EventRefreshFailed: tokens could not be refreshed, for the reason in
	// Event.Err. The session goes on and the refresh will be tried again, so
	// this is no reason to sign anybody out. It comes once, until the reason
	// changes or a refresh succeeds.
	EventRefreshFailed
	// EventSessionExpired: the service ended the session. Event.Reason is its
	// exception.
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

// The values of [Event.Cause].
const (
	CauseLocal  = session.CauseLocal  // SignOut of this client
	CauseGlobal = session.CauseGlobal // GlobalSignOut of this client
	CauseRemote = session.CauseRemote // another process that shares the store
)

// Event is one change of the active session's state.
type Event struct {
	Kind       EventKind
	At         time.Time
	Username   string // whose session it was; empty for guests and other providers
	Provider   string // of sessions that come from another provider; see [Client.Federate]
	IdentityID string // of EventIdentityChanged
	Reason     string // of EventSessionExpired: the exception's name
	Cause      string // of EventSignedOut; CauseRemote for what other processes did
	Err        error  // of EventRefreshFailed and EventSessionExpired; see EventRefreshed
}

// Subscribe has f called for each change of state from now on, one at a time
// and in order. f runs in a goroutine of its own and may take its time: neither
// the client nor other subscribers wait for it. A panic in f is logged and ends
// nothing. If f falls 256 events behind, it loses the oldest.
//
// If the store is a [store.Watcher], it is read and watched as long as there are
// subscriptions. What other processes do to the session is then told within a
// second, with CauseRemote: that somebody signed in (EventRestored) while nobody
// was signed in here, or anew, that they refreshed it, or signed it out. Changes
// that follow each other at once may be told as one. Without a Watcher they are
// told when a call comes upon them. A session that is live here is never replaced
// by one of another user.
//
// stop ends the subscription; it may be called more than once, also by f. A call
// of f that is under way is not waited for. After Close, Subscribe fails with ErrClosed.
func (c *Client) Subscribe(f func(Event)) (stop func(), err error) {
	stop, err = c.engine.Subscribe(func(e session.Event) { f(eventOf(e)) })
	return stop, asError("Subscribe", err)
}

// eventOf is the public form of an event.
func eventOf(e session.Event) Event {
	return Event{
		Kind: EventKind(e.Kind), At: e.At, Username: e.Username, Provider: e.Provider, IdentityID: e.IdentityID,
		Reason: e.Reason, Cause: e.Cause, Err: asError("FetchSession", e.Err),
	}
}
