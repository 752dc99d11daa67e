package session

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// collector is a subscriber's function that keeps the usernames of its events.
type collector struct {
	mu   sync.Mutex
	seen []string
}

func (c *collector) take(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, e.Username)
}

func (c *collector) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// number names the event i.
func number(i int) string { return string(rune('0' + i)) }

// TestEventsComeInOrder sends random numbers of events from one goroutine to subscribers
// that come and go: each receives those of its time, in order and once.
func TestEventsComeInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b broadcaster
		type subscription struct {
			got  *collector
			want []string
			of   *subscriber
		}
		var present, all []*subscription
		sent := 0
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": func(*rapid.T) {
				s := &subscription{got: &collector{}}
				s.of = &subscriber{call: s.got.take}
				b.add(s.of)
				present, all = append(present, s), append(all, s)
			},
			"send": func(*rapid.T) {
				b.send(Event{Username: number(sent)})
				for _, s := range present {
					s.want = append(s.want, number(sent))
				}
				sent++
			},
			"": func(t *rapid.T) {
				if b.idle() != (len(present) == 0) {
					t.Fatalf("idle with %d subscriptions", len(present))
				}
			},
		})
		for _, s := range all {
			waitUntil(func() bool { return len(s.got.list()) >= len(s.want) })
			if diff := cmp.Diff(s.want, s.got.list()); diff != "" {
				t.Fatalf("events (-want +got):\n%s", diff)
			}
			b.remove(s.of)
		}
		if !b.idle() {
			t.Fatal("subscriptions are left")
		}
	})
}

// waitUntil yields to other goroutines until done reports true.
func waitUntil(done func() bool) {
	for !done() {
		runtime.Gosched()
	}
}

// TestSlowSubscriber checks a subscriber that hangs: it holds up neither the sender nor
// others, its queue is bounded, and what it loses is the oldest.
func TestSlowSubscriber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b broadcaster
		gate := make(chan struct{})
		slow, quick := &collector{}, &collector{}
		b.add(&subscriber{call: func(e Event) { slow.take(e); <-gate }})
		b.add(&subscriber{call: quick.take})
		const lost = 10
		b.send(Event{Username: number(0)})
		synctest.Wait() // it hangs in the first event
		for i := 1; i <= maxQueue+lost; i++ {
			b.send(Event{Username: number(i)})
			synctest.Wait()
		}
		if got := len(quick.list()); got != maxQueue+lost+1 {
			t.Errorf("the other subscriber received %d events", got)
		}
		close(gate)
		synctest.Wait()
		want := []string{number(0)}
		for i := lost + 1; i <= maxQueue+lost; i++ {
			want = append(want, number(i))
		}
		if diff := cmp.Diff(want, slow.list()); diff != "" {
			t.Errorf("the slow subscriber (-want +got):\n%s", diff)
		}
	})
}

// TestUnsubscribeDiscards checks that after the end of a subscription nothing that was
// queued is delivered, that it can be ended twice, and that the others go on.
func TestUnsubscribeDiscards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b broadcaster
		first, second := &collector{}, &collector{}
		over := &subscriber{}
		over.call = func(e Event) { first.take(e); b.remove(over) }
		b.add(over)
		b.add(&subscriber{call: second.take})
		for i := range 3 {
			b.send(Event{Username: number(i)})
		}
		synctest.Wait()
		b.remove(over)
		b.send(Event{Username: number(3)})
		synctest.Wait()
		if got := first.list(); len(got) != 1 {
			t.Errorf("it received %q after its end", got)
		}
		if got := second.list(); len(got) != 4 {
			t.Errorf("the other received %q", got)
		}
		if b.idle() {
			t.Error("no subscription is left")
		}
	})
}

// TestSubscriberEndsItsGoroutine checks what subscribers do to the goroutine that calls
// them: a panic is reported, runtime.Goexit does not end the subscription, and a
// subscriber with an empty queue has no goroutine.
func TestSubscriberEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b broadcaster
		var reasons []any
		got := &collector{}
		s := &subscriber{failed: func(reason any) { reasons = append(reasons, reason) }}
		s.call = func(e Event) {
			got.take(e)
			switch e.Kind {
			case SignedIn:
				panic("a mistake")
			case SignedOut:
				runtime.Goexit()
			}
		}
		b.add(s)
		for i, kind := range []EventKind{SignedIn, SignedOut, Refreshed, SignedOut, SignedIn} {
			b.send(Event{Kind: kind, Username: number(i)})
			b.send(Event{Username: "+"})
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"0", "+", "1", "+", "2", "+", "3", "+", "4", "+"}, got.list()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]any{"a mistake", "a mistake"}, reasons); diff != "" {
			t.Errorf("panics (-want +got):\n%s", diff)
		}
		if s.running {
			t.Error("a goroutine runs though nothing is queued")
		}
	})
}

// TestClosedBroadcasterDelivers checks that a close discards nothing that was queued
// before, and takes nothing after.
func TestClosedBroadcasterDelivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b broadcaster
		gate := make(chan struct{})
		got := &collector{}
		b.add(&subscriber{call: func(e Event) { <-gate; got.take(e) }})
		b.send(Event{Username: "before"})
		b.send(Event{Username: "too"})
		b.close()
		b.send(Event{Username: "after"})
		close(gate)
		synctest.Wait()
		if diff := cmp.Diff([]string{"before", "too"}, got.list()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
