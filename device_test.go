package latchkey

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// TestRefusedForDevice checks refreshes that the service refuses for the session's
// device: they end nothing. The device key is left out once; then the user has to sign
// in, and the token is not sent again, by this program or another.
func TestRefusedForDevice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		exception, message string
		key                bool // the record has a device key
		calls              int
		dropped            bool // the key is dropped from the record
	}{
		"unknown, with a key":            {"NotAuthorizedException", "Device does not exist.", true, 2, true},
		"unknown, without a key":         {"NotAuthorizedException", "Device does not exist.", false, 1, true},
		"of another type":                {"ResourceNotFoundException", "Device does not exist.", true, 2, true},
		"invalid key":                    {"NotAuthorizedException", "Invalid device key given.", true, 2, true},
		"invalid token of a device":      {"NotAuthorizedException", "Invalid Refresh Token.", true, 2, false},
		"a text that nobody knows":       {"NotAuthorizedException", "This device is not welcome", false, 1, true},
		"of another type, without a key": {"ResourceNotFoundException", "Device does not exist.", false, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				p.identity.life = 20 * time.Minute
				c := p.signedIn(t, "alice", withStore(kept), withIdentityPool(false))
				wantCredentials(t, p, fetch(t, c))
				failed := &recorder{}
				listen(t, c, failed.add)
				if tt.key {
					change(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "us-east-1_device"} })
				}
				p.set(func(p *fakePool) {
					p.script = func(op string, _ *http.Request) (*http.Response, error) {
						if op == opRefresh {
							return exception(tt.exception, tt.message), nil
						}
						return nil, nil
					}
				})
				time.Sleep(57 * time.Minute) // due, and not expired
				wantTokens(t, fetch(t, c), "alice")
				synctest.Wait()
				time.Sleep(30 * time.Minute)
				for _, client := range []*Client{c, c, p.newClient(t, withStore(kept), withIdentityPool(false))} {
					session := fetch(t, client)
					sub, subErr := session.UserSub()
					_, tokensErr := session.Tokens()
					_, idErr := session.IdentityID()
					if !session.SignedIn() || sub == "" || subErr != nil || idErr != nil || !errors.Is(tokensErr, ErrNeedsSignIn) {
						t.Errorf("signed in %t, sub %q %v, identity %v, tokens %v", session.SignedIn(), sub, subErr, idErr, tokensErr)
					}
					if _, err := session.Credentials(); !errors.Is(err, ErrNeedsSignIn) {
						t.Errorf("credentials that have expired: %v", err)
					}
					time.Sleep(3 * time.Minute)
				}
				if got := p.count(opRefresh); got != tt.calls {
					t.Errorf("%d refreshes, want %d", got, tt.calls)
				}
				stored, err := kept.Load(t.Context(), aliceAccount())
				if err != nil || stored.Ended != nil || stored.Tokens == nil || (stored.Device == nil) != (tt.dropped || !tt.key) {
					t.Errorf("stored: %+v, %v", stored, err)
				}
				if names := failed.names(); len(names) != 1 || names[0] != "RefreshFailed" {
					t.Errorf("events %v", names)
				}
				// A sign-in mends it.
				p.set(func(p *fakePool) { p.script = nil })
				signIn(t, c, "alice")
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
			})
		})
	}
}

// TestRefreshWithoutDeviceKey checks a session whose device key is worthless and whose
// token is not: the refresh succeeds without the key, which is dropped.
func TestRefreshWithoutDeviceKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept))
		change(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "us-east-1_gone"} })
		p.set(func(p *fakePool) {
			p.script = func(op string, _ *http.Request) (*http.Response, error) {
				if op == opRefresh && p.sent(op)["DeviceKey"] != "" {
					return exception("NotAuthorizedException", "Device does not exist."), nil
				}
				return nil, nil
			}
		})
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		if got := p.count(opRefresh); got != 3 {
			t.Errorf("%d refreshes, want 3: one with the key", got)
		}
		if stored, err := kept.Load(t.Context(), aliceAccount()); err != nil || stored.Device != nil {
			t.Errorf("device %v, %v", stored.Device, err)
		}
	})
}
