package latchkey

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
)

// follow collects the events of a subscription with a first event.
func follow(t *testing.T, c *Client) *recorder {
	t.Helper()
	seen := &recorder{}
	stop, err := c.Subscribe(seen.add, InitialEvent())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	synctest.Wait()
	return seen
}

// TestInitialEvent checks the first event in each state that a client can be in, of a client
// that knows the state and of one that has yet to read the store.
func TestInitialEvent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin func(t *testing.T, p *fakePool, c *Client)
		event Event // Kind, Username, Provider
		err   error // of Event.Err and of the session's tokens
	}{
		"signed in":  {func(t *testing.T, _ *fakePool, c *Client) { signIn(t, c, "alice") }, Event{Kind: EventRestored, Username: "alice"}, nil},
		"nobody":     {func(*testing.T, *fakePool, *Client) {}, Event{Kind: EventSignedOut}, ErrSignedOut},
		"signed out": {func(t *testing.T, _ *fakePool, c *Client) { signIn(t, c, "alice"); _, _ = c.SignOut(t.Context()) }, Event{Kind: EventSignedOut}, ErrSignedOut},
		"another provider": {
			func(t *testing.T, _ *fakePool, c *Client) { federate(t, c, testProvider, "carol") },
			Event{Kind: EventRestored, Provider: testProvider}, ErrNoUserPoolSession,
		},
		"ended by the service": {func(t *testing.T, p *fakePool, c *Client) {
			signIn(t, c, "alice")
			p.set(func(p *fakePool) {
				p.script = func(op string, _ *http.Request) (*http.Response, error) {
					if op == opRefresh {
						return exception("UserNotFoundException", "User does not exist."), nil
					}
					return nil, nil
				}
			})
			fetch(t, c, ForceRefresh())
			p.set(healthy)
		}, Event{Kind: EventSessionExpired, Username: "alice"}, ErrSessionExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				c := p.newClient(t, withStore(kept), withIdentityPool(false))
				test.begin(t, p, c)
				for state, c := range map[string]*Client{"known": c, "in the store": p.newClient(t, withStore(kept), withIdentityPool(false))} {
					calls := p.total()
					seen := follow(t, c)
					if len(seen.events) != 1 || p.total() != calls {
						t.Fatalf("%s: events %v, %d calls", state, seen.names(), p.total()-calls)
					}
					got := seen.events[0]
					if diff := cmp.Diff(test.event, Event{Kind: got.Kind, Username: got.Username, Provider: got.Provider}, cmp.AllowUnexported(Session{})); diff != "" || got.At.IsZero() {
						t.Errorf("%s (-want +got):\n%s", state, diff)
					}
					_, err := got.Session.Tokens()
					if !errors.Is(err, test.err) || (got.Err != nil) != (got.Kind == EventSessionExpired) || got.Err != nil && !errors.Is(got.Err, test.err) {
						t.Errorf("%s: Err %v, Tokens %v; want %v", state, got.Err, err, test.err)
					}
				}
			})
		})
	}
}

// TestInitialEventComesFirst checks that what happens afterwards is told after it, once.
func TestInitialEventComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept))
		seen := follow(t, c)
		signIn(t, c, "alice")
		fetch(t, c, ForceRefresh())
		_, _ = c.SignOut(t.Context())
		synctest.Wait()
		if diff := cmp.Diff([]string{"SignedOut", "SignedIn", "Refreshed", "SignedOut:local"}, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for i, signedIn := range []bool{false, true, true, false} {
			if session := seen.events[i].Session; session.SignedIn() != signedIn || signedIn && session.Username() != "alice" {
				t.Errorf("event %d has %v", i, session)
			}
		}
		// Another process is told of in the same way.
		other := p.newClient(t, withStore(kept))
		signIn(t, other, "bob")
		synctest.Wait()
		if names := seen.names(); names[len(names)-1] != "Restored:remote" || seen.events[len(names)-1].Session.Username() != "bob" {
			t.Errorf("events %v", names)
		}
	})
}

// TestInitialEventOfBrokenStore checks that a store that cannot be read is not taken for
// nobody's.
func TestInitialEventOfBrokenStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), &brokenStore{Memory: store.NewMemory()}
		p.signedIn(t, "alice", withStore(kept))
		kept.load.Store(true)
		seen := follow(t, p.newClient(t, withStore(kept)))
		if len(seen.events) == 0 {
			t.Fatal("no event")
		}
		first := seen.events[0]
		if _, err := first.Session.Tokens(); first.Kind != EventRefreshFailed || !errors.Is(first.Err, ErrStore) || !errors.Is(err, ErrStore) {
			t.Errorf("%v, %v; Tokens: %v", first.Kind, first.Err, err)
		}
		kept.load.Store(false)
		time.Sleep(time.Minute)
	})
}

// TestInitialEventAfterStop checks a subscription that ends before its first event.
func TestInitialEventAfterStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.newClient(t, withStore(&slowStore{Memory: store.NewMemory(), delay: time.Second}))
		seen := &recorder{}
		stop, err := c.Subscribe(seen.add, InitialEvent())
		if err != nil {
			t.Fatal(err)
		}
		stop()
		stop()
		time.Sleep(time.Minute)
		signIn(t, c, "alice")
		time.Sleep(time.Minute)
		if got := seen.names(); len(got) != 0 {
			t.Errorf("events %v", got)
		}
	})
}

// TestSubscribeRefusesNil checks the error of a subscription without a function.
func TestSubscribeRefusesNil(t *testing.T) {
	t.Parallel()
	c := newFakePool().newClient(t)
	stop, err := c.Subscribe(nil)
	if !errors.Is(err, ErrInvalidParameter) {
		t.Errorf("Subscribe: %v", err)
	}
	stop()
}

// TestEventSession checks the sessions of events whose tokens have expired.
func TestEventSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c, seen := p.signedIn(t, "alice"), &recorder{}
		defer listen(t, c, seen.add)()
		time.Sleep(2 * time.Hour)
		p.set(failing(opRefresh, func() (*http.Response, error) { return nil, errLost }))
		fetch(t, c)
		synctest.Wait()
		if names := seen.names(); len(names) != 1 || names[0] != "RefreshFailed" {
			t.Fatalf("events %v", names)
		}
		session := seen.events[0].Session
		if tokens, err := session.Tokens(); !errors.Is(err, ErrNetwork) || tokens.Access != nil || !session.SignedIn() || session.Username() != "alice" {
			t.Errorf("%v: Tokens %v, %v", session, tokens, err)
		}
	})
}
