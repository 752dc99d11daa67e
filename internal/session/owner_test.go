package session

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/store"
)

// newOwner is an Owner that counts its wakes.
func newOwner(wakes *int) *Owner { return &Owner{wake: func() { *wakes++ }} }

// stateOf is a signed-in state that shows an identity.
func stateOf(username, identity string) *State {
	account := store.Account{Scope: testScope, Username: username}
	return &State{
		user: stored(store.Record{Account: account, Generation: 1, Tokens: &store.Tokens{}}),
		view: View{username: username, identityID: identity},
	}
}

// listen collects the kinds of events that an Owner sends, without a goroutine.
func listen(o *Owner) *subscriber {
	s := &subscriber{running: true} // nothing delivers: the queue is what was sent
	o.events.add(s)
	return s
}

func (s *subscriber) kinds() []EventKind {
	var kinds []EventKind
	for _, e := range s.queue {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// TestOwnerFollowsModel makes random changes: an edit runs only in its epoch, each new
// login raises the epoch, the latest state is the present one, and after close none is.
func TestOwnerFollowsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wakes, wantWakes := 0, 0
		o := newOwner(&wakes)
		var present *State
		var epoch uint64
		closed := false
		take := func(s *State) {
			if !closed {
				present = s
				wantWakes++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"replace": func(*rapid.T) {
				s := stateOf("alice", "")
				o.replace(s)
				epoch++
				take(s)
			},
			"edit": func(t *rapid.T) {
				at := rapid.Uint64Range(0, epoch+1).Draw(t, "epoch")
				s, fresh, saw := stateOf("bob", ""), rapid.Bool().Draw(t, "newEpoch"), (*State)(nil)
				ran := o.edit(at, func(now *State) change { saw = now; return change{state: s, newEpoch: fresh} })
				if ran != (at == epoch) {
					t.Fatalf("edit for epoch %d in epoch %d ran: %t", at, epoch, ran)
				}
				if !ran {
					return
				}
				if saw != present {
					t.Fatalf("edit saw %p, want %p", saw, present)
				}
				if fresh {
					epoch++
				}
				take(s)
			},
			"zero change": func(*rapid.T) { o.revise(func(*State) change { return change{} }) },
			"close": func(*rapid.T) {
				if last := o.close(); last != present {
					t.Fatalf("close returned %p, want %p", last, present)
				}
				present, closed = nil, true
			},
			"": func(t *rapid.T) {
				if o.load() != present || o.present() != epoch || wakes != wantWakes {
					t.Fatalf("state %p, epoch %d, %d wakes; want %p, %d, %d", o.load(), o.present(), wakes, present, epoch, wantWakes)
				}
				if present != nil && present.epoch != epoch {
					t.Fatalf("the state says epoch %d, want %d", present.epoch, epoch)
				}
			},
		})
	})
}

// TestOwnerTellsOfIdentities checks which states mean IdentityChanged: one that shows
// another identity than subscribers know, and the first they learn of does not count.
func TestOwnerTellsOfIdentities(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shown []string
		want  int
	}{
		"the first":                   {[]string{"a"}, 0},
		"the same":                    {[]string{"a", "a"}, 0},
		"another":                     {[]string{"a", "b"}, 1},
		"none in between":             {[]string{"a", "", "a"}, 0},
		"another after none":          {[]string{"a", "", "b"}, 1},
		"there and back":              {[]string{"a", "b", "a"}, 2},
		"none before, none after":     {[]string{"", "a", ""}, 0},
		"a session without a pool's":  {[]string{"", ""}, 0},
		"another, and the same again": {[]string{"a", "b", "b"}, 1},
	} {
		var wakes int
		o := newOwner(&wakes)
		s := listen(o)
		for _, identity := range test.shown {
			o.replace(stateOf("alice", identity))
		}
		if got := len(s.queue); got != test.want {
			t.Errorf("%s: %d events, want %d", name, got, test.want)
		}
		for _, e := range s.queue {
			if e.Kind != IdentityChanged || e.Username != "alice" || e.IdentityID == "" || e.At.IsZero() {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

// TestOwnerQueuesEventsInOrder checks that the events of a change come before the one for
// its identity, and that an edit of a past epoch sends none.
func TestOwnerQueuesEventsInOrder(t *testing.T) {
	t.Parallel()
	var wakes int
	o := newOwner(&wakes)
	s := listen(o)
	o.replace(stateOf("alice", "a"), Event{Kind: SignedIn})
	o.edit(0, func(*State) change { return change{events: []Event{{Kind: SignedOut}}} })
	o.edit(1, func(*State) change {
		return change{state: stateOf("alice", "b"), events: []Event{{Kind: RefreshFailed}, {Kind: Refreshed}}}
	})
	want := []EventKind{SignedIn, RefreshFailed, Refreshed, IdentityChanged}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestOwnerSendsEventsOfFailures checks a change without a state: its events are sent, the
// state stays, and no automatic refresh is woken.
func TestOwnerSendsEventsOfFailures(t *testing.T) {
	t.Parallel()
	var wakes int
	o := newOwner(&wakes)
	s := listen(o)
	o.replace(stateOf("alice", ""))
	before := o.load()
	o.revise(func(*State) change { return change{events: []Event{{Kind: RefreshFailed}}} })
	if o.load() != before || wakes != 1 || len(s.queue) != 1 {
		t.Errorf("state changed %t, %d wakes, %d events", o.load() != before, wakes, len(s.queue))
	}
}
