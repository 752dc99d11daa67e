package latchkey

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
)

// TestGuestSignsIn: the guest's identity becomes the user's where the login is
// new, and the user's own comes back where it is not; no GetId is made for it, and
// the guest's record is gone.
func TestGuestSignsIn(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("known ", known), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept, heard := newFakePool(), store.NewMemory(), &recorder{}
				own := ""
				if known {
					own, _ = fetch(t, p.signedIn(t, "alice", withIdentityPool(true))).IdentityID()
				}
				c := p.newClient(t, withStore(kept), withIdentityPool(true))
				defer listen(t, c, heard.add)()
				guestSession := fetch(t, c)
				guestKey := wantCredentials(t, p, guestSession).AccessKeyID
				guest, _ := guestSession.IdentityID()
				asked := p.asked()
				signIn(t, c, "alice")
				session := fetch(t, c)
				credentials := wantCredentials(t, p, session)
				id, _ := session.IdentityID()
				want := guest
				if known {
					want = own
				}
				if id != want || credentials.AccessKeyID == guestKey {
					t.Errorf("identity %s, want %s (guest %s)", id, want, guest)
				}
				if got := p.asked(); got != [2]int{asked[0], asked[1] + 1} {
					t.Errorf("asked %v after %v", got, asked)
				}
				if _, err := kept.Load(t.Context(), store.Account{Scope: c.cfg.scope()}); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the guest's record: %v", err)
				}
				synctest.Wait()
				events := []string{"SignedIn"}
				if known {
					events = append(events, "IdentityChanged")
				}
				if diff := cmp.Diff(events, heard.names()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				// Whoever comes next is another guest, and bob is nobody's heir.
				if _, err := c.SignOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				if next, err := fetch(t, c).IdentityID(); err != nil || next == id || next == guest {
					t.Errorf("the next guest is %s, %v", next, err)
				}
			})
		})
	}
}

// TestGuestIdentityTaken: where the pool will not link the guest's identity, or does
// not know it any more, the user gets his own.
func TestGuestIdentityTaken(t *testing.T) {
	t.Parallel()
	for _, refusal := range [][2]string{
		{"NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool."},
		{"NotAuthorizedException", "Access to Identity 'x' is forbidden."},
		{"ResourceNotFoundException", "Identity 'x' not found."},
		{"ResourceConflictException", "Logins are linked to another account"},
	} {
		t.Run(refusal[1], func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				c := p.newClient(t, withIdentityPool(true))
				guest, _ := fetch(t, c).IdentityID()
				signIn(t, c, "alice")
				once := false
				p.set(func(p *fakePool) {
					p.script = func(op string, _ *http.Request) (*http.Response, error) {
						if op == opCredentials && !once {
							once = true
							return exception(refusal[0], refusal[1]), nil
						}
						return nil, nil
					}
				})
				session := fetch(t, c)
				wantCredentials(t, p, session)
				if id, _ := session.IdentityID(); id == guest || p.count(opIdentity) != 2 {
					t.Errorf("identity %s of guest %s, asked %v", id, guest, p.asked())
				}
			})
		})
	}
}

// TestGuestAndSignOut: a guest's identity is forgotten by a sign-out, of a user
// or of the guest himself, unless the application wants to keep it.
func TestGuestAndSignOut(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		for _, user := range []bool{false, true} {
			t.Run(fmt.Sprint("keep ", keep, " user ", user), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, kept := newFakePool(), store.NewMemory()
					c := p.newClient(t, withStore(kept), withIdentityPool(true))
					before, _ := fetch(t, c).IdentityID()
					if user {
						signIn(t, c, "alice")
						known(t, c) // links nothing
					}
					var options []SignOutOption
					if keep {
						options = append(options, KeepGuest())
					}
					report, err := c.SignOut(t.Context(), options...)
					if err != nil || !report.Local {
						t.Fatalf("SignOut: %+v, %v", report, err)
					}
					for _, client := range []*Client{c, p.newClient(t, withStore(kept), withIdentityPool(true))} {
						after, err := fetch(t, client).IdentityID()
						if err != nil || keep != (after == before) {
							t.Errorf("identity %s after %s, %v", after, before, err)
						}
					}
				})
			})
		}
	}
}

// TestExpiredIsNoGuest: a session that the service has ended never turns into a
// guest's, though guests are on and one is in the store.
func TestExpiredIsNoGuest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept), withIdentityPool(true))
		fetch(t, c)
		signIn(t, c, "alice")
		p.set(func(p *fakePool) { p.users["alice"].exception = "UserNotFoundException" })
		time.Sleep(2 * time.Hour)
		asked := p.asked()
		for _, client := range []*Client{c, p.newClient(t, withStore(kept), withIdentityPool(true))} {
			for range 3 {
				_, err := fetch(t, client, ForceRefresh()).Credentials()
				if !errors.Is(err, ErrSessionExpired) {
					t.Fatalf("Credentials: %v", err)
				}
				if _, err := client.FetchCredentials(t.Context()); !errors.Is(err, ErrSessionExpired) {
					t.Fatalf("FetchCredentials: %v", err)
				}
				time.Sleep(2 * time.Second)
			}
		}
		if got := p.asked(); got != asked {
			t.Errorf("the identity pool was asked %v after %v", got, asked)
		}
	})
}

// TestGuestOnce: while GetCredentialsForIdentity fails, no further guests are made,
// also by clients that are made later.
func TestGuestOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.script = func(op string, _ *http.Request) (*http.Response, error) {
			if op == opCredentials {
				return reply(http.StatusBadGateway, "text/html", "<html>"), nil
			}
			return nil, nil
		}
		var id string
		for range 3 {
			c := p.newClient(t, withStore(kept), withIdentityPool(true))
			for range 5 {
				session := fetch(t, c)
				now, err := session.IdentityID()
				if err != nil || id != "" && now != id {
					t.Fatalf("IdentityID: %s after %s, %v", now, id, err)
				}
				if id = now; !errors.Is(errOf(session.Credentials()), ErrService) {
					t.Errorf("Credentials: %v", errOf(session.Credentials()))
				}
				time.Sleep(10 * time.Second)
			}
		}
		if got := p.count(opIdentity); got != 1 {
			t.Errorf("%d guests were made", got)
		}
		p.set(func(p *fakePool) { p.script = nil })
		time.Sleep(time.Minute)
		wantCredentials(t, p, fetch(t, p.newClient(t, withStore(kept), withIdentityPool(true))))
	})
}

func errOf(_ Credentials, err error) error { return err }

// TestGuestSees: a guest learns of a sign-in by another process within a second or
// two, and the user's credentials are his own.
func TestGuestSees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept), withIdentityPool(true))
		wantCredentials(t, p, fetch(t, c))
		signIn(t, p.newClient(t, withStore(kept)), "alice")
		time.Sleep(time.Second) // by then the store is read again
		session := fetch(t, c)
		wantTokens(t, session, "alice")
		credentials := wantCredentials(t, p, session)
		if _, subject := p.ownerOf(credentials.AccessKeyID); subject != "sub-of-alice" {
			t.Errorf("credentials of %q", subject)
		}
	})
}

// TestKeepCredentials: a keeper keeps credentials fresh once they were asked for, so
// that callers find none that are due.
func TestKeepCredentials(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		t.Run(fmt.Sprint("guest ", guest), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.identity.life = 20 * time.Minute
				c := p.newClient(t, withIdentityPool(true))
				if !guest {
					signIn(t, c, "alice")
				}
				stop := keep(t, c)
				defer stop()
				time.Sleep(5 * time.Minute)
				if asked := p.asked(); asked != [2]int{} {
					t.Fatalf("asked %v times before anybody wanted credentials", asked)
				}
				wantCredentials(t, p, fetch(t, c))
				for range 200 {
					time.Sleep(time.Minute)
					if left := c.engine.Current().CredentialsLeft(time.Now()); left < time.Minute {
						t.Fatalf("credentials last for %v", left)
					}
				}
				if asked := p.asked(); asked[0] != 1 || asked[1] < 9 || asked[1] > 15 {
					t.Errorf("asked %v times in 200 minutes", asked)
				}
			})
		})
	}
}
