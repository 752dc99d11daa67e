package session

import (
	"slices"
	"sync"
	"time"
)

// EventKind says what changed.
type EventKind uint8

// The kinds of events.
const (
	_ EventKind = iota
	SignedIn
	Restored
	Refreshed
	RefreshFailed
	SessionExpired
	SignedOut
	IdentityChanged
)

// Cause says who caused an event.
type Cause string

// The causes of events.
const (
	CauseLocal  Cause = "local"
	CauseGlobal Cause = "global"
	CauseRemote Cause = "remote" // another process that shares the store
)

// Event is one change of the active session's state.
type Event struct {
	Kind       EventKind
	At         time.Time
	Username   string
	Provider   string
	IdentityID string
	Cause      Cause
	Err        error
	// View is the session once the change was made; nil after Close.
	View *View
}

// broadcaster hands events to subscribers.
type broadcaster struct {
	mu          sync.Mutex
	subscribers []*subscriber
}

// add begins a subscription, unless it was removed before.
func (b *broadcaster) add(s *subscriber) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.removed {
		return
	}
	// Copied, so that send may walk the list while another is added.
	b.subscribers = append(b.subscribers[:len(b.subscribers):len(b.subscribers)], s)
}

// remove ends a subscription.
func (b *broadcaster) remove(s *subscriber) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers = slices.DeleteFunc(slices.Clone(b.subscribers), func(other *subscriber) bool { return other == s })
	s.removed = true
	s.stop()
}

// send queues an event for every subscriber. It runs no subscriber's code.
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

// close ends all subscriptions, once they have received what is queued.
func (b *broadcaster) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers = nil
}

// maxQueue bounds what a subscriber that hangs can cost. Sessions change a few times
// an hour, so that 256 events are days.
const maxQueue = 256

// subscriber is a queue with a goroutine that lives while there is something in it: a
// client with idle subscribers has no goroutines.
type subscriber struct {
	call   func(Event)
	failed func(reason any)
	// removed is guarded by the broadcaster's lock.
	removed bool

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

// stop discards what is queued; the goroutine ends after the present call.
func (s *subscriber) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped, s.queue = true, nil
}

// deliver calls the subscriber with what is queued, one event at a time and without
// holding a lock, and ends when nothing is left.
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

// hand calls the subscriber, whose panic must not end the process.
func (s *subscriber) hand(e Event) {
	defer func() {
		if reason := recover(); reason != nil {
			s.failed(reason)
		}
	}()
	s.call(e)
}
