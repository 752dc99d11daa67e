// Package outbox keeps the messages of a service for developers, who read the codes on a page or
// as they arrive.
//
// An [Outbox] is a plug.Messenger. It holds the latest messages in memory, shows them as a web
// page to requests of the same machine, and calls a function for each. It is for `latchkey up` and
// for tests. A service for others sends mail (package mail).
package outbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// kept is how many messages an Outbox holds.
const kept = 100

// Entry is a message with the time it was handed over.
type Entry struct {
	At time.Time
	plug.Message
}

// Outbox keeps messages. Make it with [New]. It is safe for concurrent use.
type Outbox struct {
	tell    func(Entry)
	mu      sync.Mutex // guards entries
	entries []Entry    // the newest last
}

// New returns an empty Outbox. tell, if it is not nil, is called for each message
// by the goroutine that delivers it, and must not block.
func New(tell func(Entry)) *Outbox { return &Outbox{tell: tell} }

// Send keeps a message of either medium. It never fails.
func (o *Outbox) Send(_ context.Context, m plug.Message) error {
	e := Entry{time.Now(), m}
	o.mu.Lock()
	o.entries = append(o.entries, e)
	if more := len(o.entries) - kept; more > 0 {
		o.entries = slices.Delete(o.entries, 0, more)
	}
	o.mu.Unlock()
	if o.tell != nil {
		o.tell(e)
	}
	return nil
}

// Immediate marks the Outbox as a Messenger whose Send never waits, so that a message is there
// when the answer of the call that caused it arrives.
func (*Outbox) Immediate() {}

// Entries gives what is kept, the newest first.
func (o *Outbox) Entries() []Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	entries := slices.Clone(o.entries)
	slices.Reverse(entries)
	return entries
}
