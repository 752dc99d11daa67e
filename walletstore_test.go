package latchkey

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"

	"go.uber.org/goleak"
)

// TestCredentialsBrokenStore: credentials that cannot be stored last as long as the
// process, for one call, and a record that is damaged meanwhile is put back.
func TestCredentialsBrokenStore(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		for _, how := range []string{"save", "load", "damaged"} {
			t.Run(fmt.Sprint(how, " guest ", guest), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, kept := newFakePool(), &brokenStore{Memory: store.NewMemory()}
					c := p.newClient(t, withStore(kept), withIdentityPool(true))
					if !guest {
						signIn(t, c, "alice")
					}
					first := wantCredentials(t, p, fetch(t, c))
					id, _ := fetch(t, c).IdentityID()
					switch how {
					case "save":
						kept.save.Store(true)
					case "load":
						kept.load.Store(true)
					case "damaged":
						kept.damaged.Store(true)
					}
					time.Sleep(2 * time.Hour)
					if how == "load" && guest {
						// Whether somebody has signed in elsewhere cannot be told, and the
						// guest stays who he was.
						session := fetch(t, c)
						if now, err := session.IdentityID(); err != nil || now != id {
							t.Errorf("identity %s, %v, want %s", now, err, id)
						}
					}
					for range 5 {
						session := fetch(t, c)
						now := wantCredentials(t, p, session)
						if now.AccessKeyID == first.AccessKeyID || identityOf(session) != id {
							t.Errorf("credentials %s of %s, want new ones of %s", now.AccessKeyID, identityOf(session), id)
						}
						time.Sleep(2 * time.Second)
					}
					if asked := p.asked(); asked != [2]int{1, 2} {
						t.Errorf("asked %v times", asked)
					}
					kept.save.Store(false)
					kept.load.Store(false)
					if how == "damaged" && !guest { // unlike this one, stores keep the pointer
						_ = kept.SetActive(t.Context(), c.account())
					}
					time.Sleep(2 * time.Hour)
					last := wantCredentials(t, p, fetch(t, c))
					again := wantCredentials(t, p, fetch(t, p.newClient(t, withStore(kept), withIdentityPool(true))))
					if again.AccessKeyID != last.AccessKeyID {
						t.Errorf("the store has %s, memory %s", again.AccessKeyID, last.AccessKeyID)
					}
				})
			})
		}
	}
}

// TestLockHeld: while another process holds the lock for ever, tokens are refreshed
// all the same, credentials in hand are handed out, and who needs others is told why.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept), withIdentityPool(false))
		first := wantCredentials(t, p, fetch(t, c))
		account := c.account()
		account.Scope = store.Scope{Service: "https://cognito-identity.us-east-1.amazonaws.com", PoolID: testIdentityPool, ClientID: testClient}
		unlock, err := kept.Lock(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(57 * time.Minute)
		before := time.Now()
		if got := wantCredentials(t, p, fetch(t, c)); got.AccessKeyID != first.AccessKeyID || time.Since(before) > 0 {
			t.Errorf("credentials %s after %v", got.AccessKeyID, time.Since(before))
		}
		synctest.Wait()
		time.Sleep(4 * time.Minute)
		before = time.Now()
		wantTokens(t, known(t, c), "alice")
		if late := time.Since(before); late > time.Second {
			t.Errorf("tokens waited %v for the identity pool's lock", late)
		}
		session := fetch(t, c)
		wantTokens(t, session, "alice")
		if _, err := session.Credentials(); !errors.Is(err, ErrStore) {
			t.Errorf("Credentials: %v", err)
		}
		unlock()
		time.Sleep(time.Minute)
		wantCredentials(t, p, fetch(t, c))
	})
}

// TestCredentialsOverFiles: clients that share a folder, as processes do, are given
// the same credentials by one call, in every round, also when they are only due.
func TestCredentialsOverFiles(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	folder := t.TempDir()
	var clients []*Client
	for range 6 {
		kept, err := filestore.New(folder)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, p.newClient(t, withStore(kept), withIdentityPool(true)))
	}
	for round := range 5 {
		var group sync.WaitGroup
		keys := make([]string, 30)
		for i := range keys {
			group.Go(func() {
				option := FetchOption{}
				if round > 0 {
					option = MinValidity(time.Until(time.Now().Add(p.identity.life)) * 89 / 100)
				}
				credentials, err := clients[i%len(clients)].FetchCredentials(context.Background(), option)
				if err != nil {
					t.Error(err)
				}
				keys[i] = credentials.AccessKeyID
			})
		}
		group.Wait()
		for _, key := range keys {
			if key != keys[0] {
				t.Fatalf("round %d: keys %v", round, keys)
			}
		}
	}
	if asked := p.asked(); asked != [2]int{1, 1} {
		t.Errorf("asked %v times", asked)
	}
}

// TestCredentialsLeaveNothing: callers that give up leave no goroutine behind.
func TestCredentialsLeaveNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) { // no answer comes before every caller has gone
		p := newFakePool()
		p.delay = 30 * time.Millisecond
		c := p.newClient(t, withIdentityPool(true))
		for _, login := range []string{"", "alice"} {
			if login != "" {
				signIn(t, c, login)
			}
			var group sync.WaitGroup
			for range 200 {
				group.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
					defer cancel()
					if _, err := c.FetchCredentials(ctx, ForceRefresh()); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("FetchCredentials: %v", err)
					}
				})
			}
			group.Wait()
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.FetchCredentials(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
