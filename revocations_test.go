package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// failing answers the operation named, and that alone, with what answer makes.
func failing(name string, answer func() (*http.Response, error)) func(*fakePool) {
	return func(p *fakePool) {
		p.script = func(op string, _ *http.Request) (*http.Response, error) {
			if op == name {
				return answer()
			}
			return nil, nil
		}
	}
}

func healthy(p *fakePool) { p.script = nil }

// pending are the tokens that alice's record holds for revocation.
func pending(t testing.TB, s store.Store) []string {
	t.Helper()
	r, err := s.Load(context.Background(), aliceAccount())
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, p := range r.Pending {
		tokens = append(tokens, p.Token.Reveal())
	}
	return tokens
}

func isRevoked(p *fakePool, token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.families[token] != nil && p.families[token].revoked
}

// TestRevocationQueued: what the service could not be told is told later, by the
// client itself or by the next one, and nobody is signed in meanwhile.
func TestRevocationQueued(t *testing.T) {
	t.Parallel()
	outages := map[string]func() (*http.Response, error){
		"offline":   func() (*http.Response, error) { return nil, errLost },
		"503":       func() (*http.Response, error) { return reply(503, "text/html", "<html>"), nil },
		"throttled": func() (*http.Response, error) { return exception("TooManyRequestsException", "Rate exceeded"), nil },
	}
	for name, outage := range outages {
		for _, later := range []string{"the same client", "the next client", "the next sign-in"} {
			t.Run(name+", "+later, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, kept := newFakePool(), store.NewMemory()
					c := p.signedIn(t, "alice", withStore(kept))
					bob := p.newClient(t, withStore(kept))
					p.set(failing("RevokeToken", outage))
					report, err := c.SignOut(t.Context())
					if !report.Queued || report.Revoked || !report.Local || err == nil {
						t.Fatalf("SignOut = %+v, %v", report, err)
					}
					if diff := cmp.Diff([]string{"refresh-alice-2"}, pending(t, kept)); diff != "" {
						t.Errorf("pending (-want +got):\n%s", diff)
					}
					if got, err := c.Accounts(t.Context()); err != nil || len(got) != 1 || got[0].SignedIn {
						t.Errorf("Accounts = %+v, %v", got, err)
					}
					if _, err := fetch(t, p.newClient(t, withStore(kept))).Tokens(); !errors.Is(err, ErrSignedOut) {
						t.Errorf("Tokens: %v", err)
					}
					time.Sleep(10 * time.Minute)
					if calls := p.count("RevokeToken"); calls < 5 || calls > 20 {
						t.Errorf("%d calls in ten minutes of outage", calls)
					}
					switch later {
					case "the next client":
						if err := c.Close(); err != nil {
							t.Fatal(err)
						}
						p.set(healthy)
						signIn(t, bob, "bob")
					case "the next sign-in":
						if err := c.Close(); err != nil {
							t.Fatal(err)
						}
						p.set(healthy)
						signIn(t, bob, "alice")
					default:
						p.set(healthy)
						time.Sleep(2 * time.Minute)
					}
					synctest.Wait()
					if !isRevoked(p, "refresh-alice-2") || len(pending(t, kept)) != 0 {
						t.Errorf("pending: %v", pending(t, kept))
					}
					if later == "the next sign-in" {
						wantTokens(t, fetch(t, bob, ForceRefresh()), "alice")
					}
				})
			})
		}
	}
}

// TestRevocationAtOnce: nothing is left in the store when the service answers,
// whether it revokes or refuses.
func TestRevocationAtOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func() (*http.Response, error){
		"revoked": func() (*http.Response, error) { return nil, nil },
		"refused": func() (*http.Response, error) {
			return exception("UnsupportedTokenTypeException", "Token type is not supported"), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, kept := newFakePool(), store.NewMemory()
			c := p.signedIn(t, "alice", withStore(kept))
			p.set(failing("RevokeToken", answer))
			report, _ := c.SignOut(t.Context())
			if report.Queued || report.Revoked != (name == "revoked") || len(pending(t, kept)) != 0 {
				t.Errorf("SignOut = %+v; pending %v", report, pending(t, kept))
			}
		})
	}
}

// TestRevocationKilled: a program that ended between the sign-out and the call
// leaves the token to the next one, also if that ends at once.
func TestRevocationKilled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p, kept := newFakePool(), store.NewMemory()
	p.signedIn(t, "alice", withStore(kept))
	change(t, kept, func(r *store.Record) { // as the store was when it was killed
		*r = tombstone(*r)
		r.Generation--
		r.Pending = []store.Revocation{{Token: NewSecret("refresh-alice-2"), Since: time.Now().Add(-time.Minute)}}
	})
	next := p.signedIn(t, "bob", withStore(kept))
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if !isRevoked(p, "refresh-alice-2") || len(pending(t, kept)) != 0 {
		t.Errorf("pending: %v", pending(t, kept))
	}
}

// TestRevocationLateRefresh: a late refresh's token waits in the store too.
func TestRevocationLateRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		c := p.signedIn(t, "alice", withStore(kept))
		p.set(func(p *fakePool) { p.delay = 3 * time.Second })
		go func() { _, _ = c.FetchSession(context.Background(), ForceRefresh()) }()
		time.Sleep(time.Second)
		p.set(failing("RevokeToken", func() (*http.Response, error) { return nil, errLost }))
		if report, _ := c.SignOut(t.Context()); !report.Queued {
			t.Fatalf("SignOut = %+v", report)
		}
		time.Sleep(5 * time.Second)
		if diff := cmp.Diff([]string{"refresh-alice-2", "refresh-alice-3"}, pending(t, kept)); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
		p.set(healthy)
		time.Sleep(5 * time.Minute)
		if len(pending(t, kept)) != 0 || !isRevoked(p, "refresh-alice-3") {
			t.Errorf("pending: %v", pending(t, kept))
		}
		if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("Tokens: %v", err)
		}
	})
}

// TestRevocationBounds: sixteen tokens at most, and for thirty days at most, but
// never without one try.
func TestRevocationBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept))
		p.set(failing("RevokeToken", func() (*http.Response, error) { return nil, errLost }))
		for range 20 {
			signIn(t, c, "alice")
			if report, _ := c.SignOut(t.Context()); !report.Queued {
				t.Fatalf("SignOut = %+v", report)
			}
		}
		tokens := pending(t, kept)
		if len(tokens) != store.MaxPending || tokens[15] != "refresh-alice-40" || tokens[0] != "refresh-alice-10" {
			t.Errorf("pending: %v", tokens)
		}
		time.Sleep(29 * 24 * time.Hour)
		if got := pending(t, kept); len(got) != store.MaxPending {
			t.Errorf("%d pending after 29 days", len(got))
		}
		time.Sleep(2 * 24 * time.Hour)
		if got := pending(t, kept); len(got) != 0 {
			t.Errorf("%d pending after 31 days", len(got))
		}
		before := p.count("RevokeToken")
		time.Sleep(24 * time.Hour)
		if got := p.count("RevokeToken"); got != before {
			t.Errorf("%d calls for nothing", got-before)
		}
		// One as old as that, in a store that was not used since, is tried once.
		change(t, kept, func(r *store.Record) {
			r.Pending = []store.Revocation{{Token: NewSecret("refresh-alice-2"), Since: time.Now().Add(-100 * 24 * time.Hour)}}
		})
		p.set(healthy)
		signIn(t, p.newClient(t, withStore(kept)), "bob")
		synctest.Wait()
		if !isRevoked(p, "refresh-alice-2") || len(pending(t, kept)) != 0 {
			t.Errorf("pending: %v", pending(t, kept))
		}
	})
}

// TestRevocationBesideSession: edits of the list leave a live session alone, also
// one whose tokens could not be stored.
func TestRevocationBesideSession(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("broken store ", broken), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.rotate = true
				kept := &brokenStore{Memory: store.NewMemory()}
				c := p.signedIn(t, "alice", withStore(kept))
				p.set(failing("RevokeToken", func() (*http.Response, error) { return nil, errLost }))
				_, _ = c.SignOut(t.Context())
				signIn(t, c, "alice")
				before := wantTokens(t, fetch(t, c), "alice")
				kept.save.Store(broken)
				if broken {
					before = wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				}
				p.set(healthy)
				time.Sleep(2 * time.Minute)
				kept.save.Store(false)
				time.Sleep(2 * time.Minute)
				if got := pending(t, kept); len(got) != 0 || !isRevoked(p, "refresh-alice-2") {
					t.Errorf("pending: %v", got)
				}
				if after := wantTokens(t, fetch(t, c), "alice"); after.Access.Raw() != before.Access.Raw() {
					t.Error("the tokens changed")
				}
				for range 3 {
					time.Sleep(2 * time.Hour)
					wantTokens(t, fetch(t, c), "alice")
				}
			})
		})
	}
}
