package session

import (
	"sync"
	"sync/atomic"
	"time"
)

// Owner owns the active session's state. Nothing else stores it: a change is a
// function that makes the next State of the present one, under the Owner's lock, and
// its events are queued in the same moment in which readers begin to see it.
type Owner struct {
	current atomic.Pointer[State] // nil before the store was read, and after close

	mu       sync.Mutex
	epoch    uint64 // grows with each change of the login
	closed   bool
	identity string // the identity id that subscribers know
	events   broadcaster
	wake     func() // called after each change; must not block nor call the Owner
}

// change is what an edit makes of the state. The zero change does nothing.
type change struct {
	state  *State // nil: the present one stays
	events []Event
	// newEpoch says that another login takes the place of the present one: what was
	// begun for that one cannot reach the state any more.
	newEpoch bool
}

// load is the present state: one atomic load.
func (o *Owner) load() *State { return o.current.Load() }

// edit changes the state, unless the epoch has passed since the caller looked. It
// reports whether edit ran. edit must not block.
func (o *Owner) edit(epoch uint64, edit func(now *State) change) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.epoch != epoch {
		return false
	}
	o.apply(edit(o.current.Load()))
	return true
}

// revise is edit in whatever epoch there is.
func (o *Owner) revise(edit func(now *State) change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apply(edit(o.current.Load()))
}

// replace makes s the active session in the place of any other.
func (o *Owner) replace(s *State, events ...Event) {
	o.revise(func(*State) change { return change{state: s, events: events, newEpoch: true} })
}

// present is the epoch of now.
func (o *Owner) present() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.epoch
}

// apply carries out a change. o.mu is held.
func (o *Owner) apply(c change) {
	if c.newEpoch {
		o.epoch++
	}
	if c.state != nil && !o.closed {
		if c.state.epoch != o.epoch {
			c.state.epoch = o.epoch
		}
		o.current.Store(c.state)
		o.wake()
	}
	for _, e := range c.events {
		o.send(e)
	}
	if c.state != nil {
		o.noteIdentity(c.state)
	}
}

// send queues an event for all subscribers. o.mu is held.
func (o *Owner) send(e Event) {
	now := time.Now()
	e.At = now.Round(0)
	if s := o.current.Load(); s != nil {
		e.View = s.known(now, e.Err)
	}
	o.events.send(e)
}

// join starts a subscription with an event that describes the present state; err is the
// reason if no state could be read. It reports whether the subscription has begun.
func (o *Owner) join(s *subscriber, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	s.push(initialEvent(o.current.Load(), err, time.Now()))
	o.events.add(s)
	return true
}

// noteIdentity sends an event if a new state has another identity than the previous one.
// o.mu is held.
func (o *Owner) noteIdentity(s *State) {
	id := s.view.identityID
	if id == "" || id == o.identity {
		return
	}
	if o.identity != "" {
		o.send(Event{Kind: IdentityChanged, Username: s.view.username, Provider: s.view.provider, IdentityID: id})
	}
	o.identity = id
}

// close forgets the state and returns the last one. Later changes have no effect.
func (o *Owner) close() *State {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	last := o.current.Swap(nil)
	o.events.close()
	return last
}
