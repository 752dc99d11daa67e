package latchkey

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// stampDate is a proxy that writes its own Date header.
func stampDate(p *fakePool, off time.Duration) {
	p.after = func(_ string, answer *http.Response) (*http.Response, error) {
		answer.Header.Set("Date", time.Now().Add(p.offset+off).UTC().Format(http.TimeFormat))
		return answer, nil
	}
}

// dateFaults are how far a proxy's Date is from the service's clock.
var dateFaults = map[string]time.Duration{
	"right": 0, "20 minutes behind": -20 * time.Minute, "48 hours behind": -48 * time.Hour,
	"20 years behind": -20 * 365 * 24 * time.Hour, "2 hours ahead": 2 * time.Hour,
}

// TestWrongDate checks that AWS credentials last for an hour whatever a proxy writes into
// Date, also if this machine's clock is wrong, and that they are renewed in time.
func TestWrongDate(t *testing.T) {
	t.Parallel()
	for name, off := range dateFaults {
		for _, offset := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
			t.Run(fmt.Sprintf("Date %s, service at %v", name, offset), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { checkWrongDate(t, off, offset) })
			})
		}
	}
}

func checkWrongDate(t *testing.T, off, offset time.Duration) {
	p := newFakePool()
	p.offset, p.life = offset, 24*time.Hour
	stampDate(p, off)
	kept := store.NewMemory()
	c := p.signedIn(t, "alice", withIdentityPool(false), withStore(kept))
	wantAnHour(t, p, c)
	time.Sleep(20 * time.Minute)
	wantHour(t, wantCredentials(t, p, fetch(t, c, ForceRefresh())))
	// In another process the tokens' age is known by the wall clock alone.
	time.Sleep(2 * time.Hour)
	wantAnHour(t, p, p.newClient(t, withIdentityPool(false), withStore(kept)))
}

// TestWrongDateOfGuest is TestWrongDate for guests, of whose service's clock nothing is
// known.
func TestWrongDateOfGuest(t *testing.T) {
	t.Parallel()
	for name, off := range dateFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				stampDate(p, off)
				wantAnHour(t, p, p.newClient(t, withIdentityPool(true)))
			})
		})
	}
}

// TestGuestOnWrongClock checks a guest of a machine whose clock is wrong, while Date is
// right: also after a user has signed out, whose tokens told of the drift.
func TestGuestOnWrongClock(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{3 * time.Hour, -3 * time.Hour, 40 * 24 * time.Hour} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.offset = offset
				stampDate(p, 0)
				c := p.newClient(t, withIdentityPool(true))
				wantAnHour(t, p, c)
				signIn(t, c, "alice")
				if _, err := c.SignOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				wantAnHour(t, p, c)
			})
		})
	}
}

// wantAnHour fails unless the client gets credentials that last for an hour and renews
// them once in the next two.
func wantAnHour(t *testing.T, p *fakePool, c *Client) {
	t.Helper()
	first := wantCredentials(t, p, fetch(t, c))
	wantHour(t, first)
	before := p.count(opCredentials)
	time.Sleep(50 * time.Minute)
	if got := wantCredentials(t, p, fetch(t, c)); got.AccessKeyID != first.AccessKeyID {
		t.Error("they were replaced before they were due")
	}
	time.Sleep(11 * time.Minute)
	if got := wantCredentials(t, p, fetch(t, c)); got.AccessKeyID == first.AccessKeyID {
		t.Error("they were handed out after their end")
	}
	if got := p.count(opCredentials) - before; got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
}

func wantHour(t *testing.T, c Credentials) {
	t.Helper()
	if left := time.Until(c.Expiration); (left - time.Hour).Abs() > 3*time.Second {
		t.Errorf("credentials last for %v", left)
	}
}
