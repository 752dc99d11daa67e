package latchkey

import (
	"fmt"
	"sync"
	"time"
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
	CauseLocal  = "local"  // SignOut of this client
	CauseGlobal = "global" // GlobalSignOut of this client
	CauseRemote = "remote" // another process that shares the store
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
// of f that is under way is not waited for.
func (c *Client) Subscribe(f func(Event)) (stop func()) {
	s := &subscriber{call: f, failed: func(reason any) {
		c.log.Error("latchkey: a subscriber panicked", "panic", fmt.Sprint(reason))
	}}
	remove := c.events.add(s)
	c.follow()
	return func() {
		remove()
		c.followNoMore()
	}
}

// emit tells subscribers of a change. c.mu is held: an event is queued in the
// same moment in which FetchSession begins to answer by it.
func (c *Client) emit(e Event) {
	e.At = time.Now().Round(0)
	c.events.send(e)
}

// broadcaster hands events to subscribers.
type broadcaster struct {
	mu          sync.Mutex
	subscribers []*subscriber
}

// add returns what ends the subscription.
func (b *broadcaster) add(s *subscriber) (remove func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Copied, so that send may walk the list while another is added.
	b.subscribers = append(b.subscribers[:len(b.subscribers):len(b.subscribers)], s)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		var rest []*subscriber
		for _, other := range b.subscribers {
			if other != s {
				rest = append(rest, other)
			}
		}
		b.subscribers = rest
		s.stop()
	}
}

// send queues an event for everybody. It waits for nobody's code.
func (b *broadcaster) send(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subscribers {
		s.push(e)
	}
}

// idle reports whether there are no subscriptions.
func (b *broadcaster) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subscribers) == 0
}

// close ends all subscriptions, once they have been handed what is queued.
func (b *broadcaster) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers = nil
}

// maxQueue bounds what a subscriber that hangs can cost. Sessions change a few
// times an hour, so that 256 events are days.
const maxQueue = 256

// subscriber is a queue with a goroutine that lives while there is something in
// it: a client with idle subscribers has no goroutines.
type subscriber struct {
	call   func(Event)
	failed func(reason any)

	mu      sync.Mutex
	queue   []Event
	running bool
	stopped bool
}

// push queues an event and starts the goroutine if it has ended.
func (s *subscriber) push(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	if len(s.queue) == maxQueue {
		s.queue = s.queue[1:]
	}
	s.queue = append(s.queue, e)
	if !s.running {
		s.running = true
		go s.deliver()
	}
}

// stop forgets what is queued; the goroutine ends with the call under way.
func (s *subscriber) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped, s.queue = true, nil
}

// deliver hands over what is queued, one event at a time and without holding
// any lock, and ends when there is nothing left.
func (s *subscriber) deliver() {
	idle := false
	defer func() {
		if !idle { // the subscriber called runtime.Goexit, as t.FailNow does
			go s.deliver()
		}
	}()
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			idle, s.running = true, false
			s.mu.Unlock()
			return
		}
		e := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		s.hand(e)
	}
}

// hand calls the subscriber, whose panic must not take the process down.
func (s *subscriber) hand(e Event) {
	defer func() {
		if reason := recover(); reason != nil {
			s.failed(reason)
		}
	}()
	s.call(e)
}
