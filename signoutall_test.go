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
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withoutErrors compares reports by what was done.
var withoutErrors = cmpopts.IgnoreUnexported(SignOutReport{})

func TestSignOutAll(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*fakePool)
		options []SignOutOption
		each    SignOutReport
		kind    error
		calls   int
	}{
		{name: "plain", each: SignOutReport{Local: true, Revoked: true}, calls: 3},
		{name: "local only", options: []SignOutOption{LocalOnly()}, each: SignOutReport{Local: true}},
		{name: "offline", prepare: failing("RevokeToken", func() (*http.Response, error) { return nil, errLost }),
			each: SignOutReport{Local: true, Queued: true}, kind: ErrNetwork, calls: 1},
		{name: "refused", prepare: failing("RevokeToken", func() (*http.Response, error) {
			return exception("UnsupportedTokenTypeException", "Token type is not supported"), nil
		}), each: SignOutReport{Local: true}, kind: ErrConfig, calls: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				p.addUser("carol")
				c := p.newClient(t, withStore(kept))
				for _, name := range []string{"alice", "carol", "bob"} {
					signIn(t, c, name)
				}
				other := p.newClient(t, func(cfg *Config) { cfg.Store, cfg.ClientID = kept, "another-client" })
				seen := &recorder{}
				c.Subscribe(seen.add)
				if tt.prepare != nil {
					p.set(tt.prepare)
				}
				reports, err := c.SignOutAll(t.Context(), tt.options...)
				if !errors.Is(err, tt.kind) || tt.kind == nil && err != nil {
					t.Errorf("error %v, want %v", err, tt.kind)
				}
				var want []SignOutReport
				for _, name := range []string{"bob", "alice", "carol"} {
					each := tt.each
					each.Username = name
					want = append(want, each)
				}
				if diff := cmp.Diff(want, reports, withoutErrors); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
				if got := p.count("RevokeToken"); got != tt.calls {
					t.Errorf("%d revocations, want %d", got, tt.calls)
				}
				accounts, err := c.Accounts(t.Context())
				for _, a := range accounts {
					if a.SignedIn {
						t.Errorf("%s is still signed in", a.Username)
					}
				}
				if err != nil || len(accounts) != 3 {
					t.Errorf("Accounts = %v, %v", accounts, err)
				}
				again, err := c.SignOutAll(t.Context())
				if again, err2 := other.SignOutAll(t.Context()); len(again) != 0 || err2 != nil {
					t.Errorf("another app client: %+v, %v", again, err2)
				}
				if err != nil || len(again) != 1 || again[0].Revoked {
					t.Errorf("again: %+v, %v", again, err)
				}
				p.set(healthy)
				time.Sleep(5 * time.Minute)
				for _, token := range []string{"refresh-alice-2", "refresh-carol-4", "refresh-bob-6"} {
					if isRevoked(p, token) != (tt.each.Revoked || tt.each.Queued) {
						t.Errorf("%s revoked: %t", token, isRevoked(p, token))
					}
				}
				if diff := cmp.Diff([]string{"SignedOut:local"}, seen.names()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestSignOutAllFails: what a broken store leaves behind is told by name.
func TestSignOutAllFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		kept := &deletelessStore{brokenStore{Memory: store.NewMemory()}}
		c := p.newClient(t, withStore(kept))
		signIn(t, c, "alice")
		signIn(t, c, "bob")
		kept.save.Store(true)
		reports, err := c.SignOutAll(t.Context())
		if !errors.Is(err, ErrStore) || !errors.Is(err, errDisk) || len(reports) != 2 {
			t.Fatalf("SignOutAll = %+v, %v", reports, err)
		}
		for _, report := range reports {
			if report.Local || !report.Revoked || report.Queued {
				t.Errorf("%+v", report)
			}
		}
		kept.save.Store(false)
		if err := c.Close(); err != nil && !errors.Is(err, ErrStore) {
			t.Error(err)
		}
		if reports, err := c.SignOutAll(t.Context()); !errors.Is(err, ErrClosed) || reports != nil {
			t.Errorf("after Close: %+v, %v", reports, err)
		}
	})
}

// TestClockDrift: the drift is what it is, to within a second and half the call.
func TestClockDrift(t *testing.T) {
	t.Parallel()
	for offset, want := range map[time.Duration]time.Duration{
		0: 0, time.Hour: time.Hour, -90 * time.Second: -90 * time.Second,
		48 * time.Hour: 24 * time.Hour, -30 * 365 * 24 * time.Hour: -24 * time.Hour,
	} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(400 * time.Millisecond) // services round down
				p, kept := newFakePool(), store.NewMemory()
				p.offset, p.delay = offset, 600*time.Millisecond
				c := p.newClient(t, withStore(kept))
				if got := fetch(t, c).ClockDrift(); got != 0 {
					t.Errorf("before any tokens: %v", got)
				}
				signIn(t, c, "alice")
				check := func(c *Client) {
					t.Helper()
					if off := fetch(t, c).ClockDrift() - want; off.Abs() > time.Second+300*time.Millisecond {
						t.Errorf("the drift is off by %v", off)
					}
				}
				check(c)
				check(p.newClient(t, withStore(kept)))
				fetch(t, c, ForceRefresh())
				check(c)
				if _, err := c.SignOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				check(c)
			})
		})
	}
}
