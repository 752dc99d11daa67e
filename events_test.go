package latchkey

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestEvents follows a session's life: one event per change, in order, with who
// and why.
func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept))
		seen := &recorder{}
		stop, _ := c.Subscribe(seen.add)
		fetch(t, c)
		signIn(t, c, "alice")
		fetch(t, c, ForceRefresh())
		p.set(func(p *fakePool) { p.users["alice"].exception = "InternalErrorException" })
		for range 3 { // one outage is one change
			fetch(t, c, ForceRefresh())
		}
		p.set(func(p *fakePool) { p.users["alice"].exception = "" })
		fetch(t, c, ForceRefresh())
		signIn(t, c, "bob")
		if err := c.SwitchAccount(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		p.set(func(p *fakePool) { p.users["alice"].exception = "PasswordResetRequiredException" })
		fetch(t, c, ForceRefresh())
		if _, err := c.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := []string{
			"SignedIn", "Refreshed", "RefreshFailed", "Refreshed", "SignedIn", "Restored",
			"SessionExpired:PasswordResetRequiredException", "SignedOut:local",
		}
		if diff := cmp.Diff(want, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for i, e := range seen.events {
			if (e.Username == "bob") != (i == 4) || e.At.IsZero() || (e.Err != nil) != (e.Kind == EventRefreshFailed || e.Kind == EventSessionExpired) {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		stop()
		stop()
		signIn(t, c, "bob")
		synctest.Wait()
		if got := len(seen.names()); got != len(want) {
			t.Errorf("%d events after stop", got-len(want))
		}
		later := &recorder{}
		again := p.newClient(t, withStore(kept))
		again.Subscribe(later.add)
		fetch(t, again)
		fetch(t, again)
		synctest.Wait()
		if diff := cmp.Diff([]string{"Restored"}, later.names()); diff != "" {
			t.Errorf("events of a client made later (-want +got):\n%s", diff)
		}
	})
}

// TestBadSubscribers: one that blocks, one that panics and one that ends its
// goroutine harm neither the client nor the one that behaves.
func TestBadSubscribers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newFakePool().newClient(t)
		release := make(chan struct{})
		var blocked, panicked, ended atomic.Int64
		good := &recorder{}
		c.Subscribe(func(Event) { blocked.Add(1); <-release })
		c.Subscribe(func(Event) { panicked.Add(1); panic("a subscriber's own trouble") })
		c.Subscribe(func(Event) { ended.Add(1); runtime.Goexit() })
		c.Subscribe(good.add)
		start := time.Now()
		signIn(t, c, "alice")
		const refreshes = 300
		for range refreshes {
			wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the client waited %v for its subscribers", waited)
		}
		synctest.Wait()
		if panicked.Load() != refreshes+1 || ended.Load() != refreshes+1 || len(good.names()) != refreshes+1 || blocked.Load() != 1 {
			t.Errorf("panicking %d, ending %d, good %d, blocked %d", panicked.Load(), ended.Load(), len(good.names()), blocked.Load())
		}
		const queued = 256 // as the documentation of Subscribe says
		close(release)
		synctest.Wait()
		if got := blocked.Load(); got != queued+1 {
			t.Errorf("the one that blocked got %d events in the end, want %d", got, queued+1)
		}
	})
}

// TestSubscribeFromSubscriber: f may subscribe, stop itself, and use the client.
func TestSubscribeFromSubscriber(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := newFakePool().newClient(t)
	var group sync.WaitGroup
	group.Add(2)
	var stop func()
	ready := make(chan struct{})
	stop, _ = c.Subscribe(func(e Event) {
		defer group.Done()
		<-ready
		stop()
		if user, err := c.CurrentUser(context.Background()); err != nil || user.Username != e.Username {
			t.Errorf("CurrentUser in a subscriber: %+v, %v", user, err)
		}
		_, _ = c.Subscribe(func(Event) { group.Done() })
		go func() { _, _ = c.FetchSession(context.Background(), ForceRefresh()) }()
	})
	close(ready)
	signIn(t, c, "alice")
	group.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestEventKindNames(t *testing.T) {
	t.Parallel()
	for kind, want := range map[EventKind]string{0: "unknown", EventSignedIn: "SignedIn", EventIdentityChanged: "IdentityChanged", 99: "EventKind(99)"} {
		if got := kind.String(); got != want {
			t.Errorf("%d: %s, want %s", kind, got, want)
		}
	}
}
