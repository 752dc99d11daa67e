package latchkey

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// clientOf is a client of one account.
func clientOf(t *testing.T, c *Client, username string) *Client {
	t.Helper()
	of, err := c.For(username)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = of.Close() })
	return of
}

// activeUser is who the client's CurrentUser is; empty if nobody is.
func activeUser(t *testing.T, c *Client) string {
	t.Helper()
	user, err := c.CurrentUser(t.Context())
	if err != nil && !errors.Is(err, ErrSignedOut) {
		t.Fatal(err)
	}
	return user.Username
}

// TestForServesSeveralUsers checks clients of two accounts beside the one of the active
// account over one store, while tokens expire and refresh tokens rotate.
func TestForServesSeveralUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		c := p.newClient(t, withStore(kept))
		signIn(t, c, "alice")
		signIn(t, c, "bob")
		alice, bob := clientOf(t, c, "alice"), clientOf(t, c, "bob")
		for range 3 {
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() { wantTokens(t, fetch(t, alice), "alice") })
				group.Go(func() { wantTokens(t, fetch(t, bob), "bob") })
				group.Go(func() { wantTokens(t, fetch(t, c), "bob") })
			}
			group.Wait()
			time.Sleep(2 * time.Hour)
		}
		if err := c.SwitchAccount(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		wantTokens(t, fetch(t, bob), "bob")
		if _, err := bob.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t, bob).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("Tokens of bob: %v", err)
		}
		wantTokens(t, fetch(t, alice, ForceRefresh()), "alice")
		if got := activeUser(t, c); got != "alice" {
			t.Errorf("the active user is %q", got)
		}
	})
}

// TestForLeavesThePointer checks sign-in and sign-out with a client of one account: no
// other account becomes active, and the active one does not change.
func TestForLeavesThePointer(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept))
	alice := clientOf(t, c, "alice")
	if _, err := alice.CurrentUser(t.Context()); !errors.Is(err, ErrSignedOut) {
		t.Fatalf("CurrentUser: %v", err)
	}
	signIn(t, alice, "alice")
	wantTokens(t, fetch(t, alice), "alice")
	for name, other := range map[string]*Client{"the client": c, "another": p.newClient(t, withStore(kept))} {
		if got := activeUser(t, other); got != "" {
			t.Errorf("%s has %q as the active user", name, got)
		}
	}
	for client, active := range map[*Client]bool{c: false, alice: true} {
		users, err := client.Accounts(t.Context())
		if err != nil || len(users) != 1 || users[0].Username != "alice" || users[0].Active != active {
			t.Errorf("Accounts: %+v, %v; active %t", users, err, active)
		}
	}
	signIn(t, c, "bob")
	if _, err := alice.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := activeUser(t, c); got != "bob" {
		t.Errorf("the active user is %q", got)
	}
}

// TestForSignsOutAlone checks that SignOutAll of a client of one account leaves the others.
func TestForSignsOutAlone(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept))
	signIn(t, c, "alice")
	signIn(t, c, "bob")
	reports, err := clientOf(t, c, "alice").SignOutAll(t.Context())
	if err != nil || len(reports) != 1 || reports[0].Username != "alice" || !reports[0].Revoked {
		t.Errorf("SignOutAll: %+v, %v", reports, err)
	}
	wantTokens(t, fetch(t, c, ForceRefresh()), "bob")
}

// TestForRefuses checks what a client of one account does not do.
func TestForRefuses(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept), withIdentityPool(true))
	signIn(t, c, "bob")
	before := wantTokens(t, fetch(t, c), "bob")
	alice := clientOf(t, c, "alice")
	if _, err := c.For(""); !errors.Is(err, ErrInvalidParameter) {
		t.Errorf("For without a name: %v", err)
	}
	step, err := alice.SignIn(t.Context(), Password("bob", testSecret))
	if step != nil || !errors.Is(err, ErrWrongAccount) {
		t.Errorf("SignIn of bob: %v, %v", step, err)
	}
	if p.count("RevokeToken") != 1 {
		t.Errorf("%d tokens of the refused sign-in were revoked", p.count("RevokeToken"))
	}
	if after := wantTokens(t, fetch(t, c), "bob"); after.Access.Raw() != before.Access.Raw() {
		t.Error("the session of bob has changed")
	}
	if err := alice.SwitchAccount(t.Context(), "bob"); !errors.Is(err, ErrNotSupported) {
		t.Errorf("SwitchAccount: %v", err)
	}
	if _, err := alice.Federate(t.Context(), Federation{Provider: testProvider, Token: providerToken("carol")}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Federate: %v", err)
	}
	if err := alice.ClearFederation(t.Context()); err != nil {
		t.Errorf("ClearFederation: %v", err)
	}
	if _, err := fetch(t, alice).Credentials(); !errors.Is(err, ErrGuestsDisabled) {
		t.Errorf("Credentials of nobody: %v", err)
	}
}

// TestForLeavesTheGuest checks that a client of one account neither takes the guest's
// identity for its user nor forgets it.
func TestForLeavesTheGuest(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept), withIdentityPool(true))
	guest := identityOf(fetch(t, c))
	alice := clientOf(t, c, "alice")
	signIn(t, alice, "alice")
	if id := identityOf(fetch(t, alice)); id == "" || id == guest {
		t.Errorf("alice has the identity %q, the guest %q", id, guest)
	}
	if _, err := alice.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id := identityOf(fetch(t, p.newClient(t, withStore(kept), withIdentityPool(true)))); id != guest {
		t.Errorf("the guest is %q, was %q", id, guest)
	}
}

// TestForLeavesTheFederation checks that the session of another provider outlives the
// sign-in of a client of one account.
func TestForLeavesTheFederation(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept), withIdentityPool(true))
	carol := identityOf(federate(t, c, testProvider, "carol"))
	signIn(t, clientOf(t, c, "alice"), "alice")
	if session := fetch(t, p.newClient(t, withStore(kept), withIdentityPool(true))); session.Provider() != testProvider || identityOf(session) != carol {
		t.Errorf("%v", session)
	}
}

// TestForFollowsOthers checks that two clients of one account share its session: a refresh
// of one is the other's, and so is the end.
func TestForFollowsOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		c := p.signedIn(t, "alice", withStore(kept))
		one, two, seen := clientOf(t, c, "alice"), clientOf(t, c, "alice"), &recorder{}
		defer listen(t, two, seen.add)()
		wantTokens(t, fetch(t, two), "alice")
		synctest.Wait()
		wantTokens(t, fetch(t, one, ForceRefresh()), "alice")
		synctest.Wait()
		if _, err := one.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := seen.names(); len(got) != 3 || got[1] != "Refreshed:remote" || got[2] != "SignedOut:remote" {
			t.Errorf("events %v", got)
		}
	})
}

// TestForOutlivesClose checks that each of the clients is closed alone.
func TestForOutlivesClose(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.signedIn(t, "alice")
	alice := clientOf(t, c, "alice")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, fetch(t, alice, ForceRefresh()), "alice")
	if _, err := c.For("bob"); !errors.Is(err, ErrClosed) {
		t.Errorf("For after Close: %v", err)
	}
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.FetchSession(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("FetchSession after Close: %v", err)
	}
}
