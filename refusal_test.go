package latchkey

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// TestRefusals: when a refusal is believed, and when not.
func TestRefusals(t *testing.T) {
	t.Parallel()
	garbage := func(r *store.Record) { r.Tokens.Refresh = NewSecret("garbage") }
	tests := []struct {
		name    string
		stored  func(*store.Record) // what is in the store
		during  func(*testing.T, *brokenStore)
		kind    error // nil for tokens
		ended   bool
		refresh int
	}{
		{name: "an unknown token", stored: garbage, kind: ErrSessionExpired, ended: true, refresh: 1},
		{name: "the same with a device", kind: ErrNeedsSignIn, refresh: 2, stored: func(r *store.Record) {
			garbage(r)
			r.Device = &store.Device{Key: "us-east-1_device"}
		}},
		{name: "the store cannot be read again", stored: garbage, kind: ErrNotAuthorized, refresh: 1,
			during: func(_ *testing.T, s *brokenStore) { s.load.Store(true) }},
		{name: "the store cannot be written", stored: garbage, kind: ErrSessionExpired, ended: true, refresh: 1,
			during: func(_ *testing.T, s *brokenStore) { s.save.Store(true) }},
		{name: "the store holds a successor that is due", stored: garbage, refresh: 2,
			during: func(t *testing.T, s *brokenStore) {
				change(t, s.Memory, func(r *store.Record) { r.Tokens.Refresh = NewSecret("refresh-alice-2") })
			}},
		{name: "the store holds another that is refused", stored: garbage, kind: ErrSessionExpired, ended: true, refresh: 2,
			during: func(t *testing.T, s *brokenStore) {
				change(t, s.Memory, func(r *store.Record) { r.Tokens.Refresh = NewSecret(r.Tokens.Refresh.Reveal() + "!") })
			}},
		{name: "somebody signed out meanwhile", stored: garbage, kind: ErrSignedOut, ended: true, refresh: 1,
			during: func(t *testing.T, s *brokenStore) {
				change(t, s.Memory, func(r *store.Record) {
					over := tombstone(*r)
					over.Generation = r.Generation
					*r = over
				})
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				kept := &brokenStore{Memory: store.NewMemory()}
				c := p.signedIn(t, "alice", withStore(kept))
				change(t, kept, tt.stored)
				p.set(func(p *fakePool) {
					p.script = func(string, *http.Request) (*http.Response, error) {
						if tt.during != nil && p.count(opRefresh) == 1 {
							tt.during(t, kept)
						}
						return nil, nil
					}
				})
				time.Sleep(2 * time.Hour)
				session := fetch(t, c)
				if _, err := session.Tokens(); !errors.Is(err, tt.kind) || session.SignedIn() == tt.ended {
					t.Errorf("Tokens: %v, want %v; signed in = %t", err, tt.kind, session.SignedIn())
				}
				if got := p.count(opRefresh); got != tt.refresh {
					t.Errorf("%d refreshes, want %d", got, tt.refresh)
				}
				kept.save.Store(false)
				kept.load.Store(false)
				time.Sleep(2 * time.Minute)
				stored, err := kept.Load(t.Context(), aliceAccount())
				if err != nil || (stored.Ended != nil) != tt.ended {
					t.Errorf("stored: ended = %v, %v", stored.Ended, err)
				}
			})
		})
	}
}

// TestChangeBeside: what somebody else changed in the record while the refresh
// was under way stays, and the new tokens stand beside it.
func TestChangeBeside(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.signedIn(t, "alice", withStore(kept))
	p.set(func(p *fakePool) {
		p.script = func(string, *http.Request) (*http.Response, error) {
			change(t, kept, func(r *store.Record) {
				r.SetIdentity(store.Identity{PoolID: testIdentityPool, ID: "us-east-1:someone"})
			})
			return nil, nil
		}
	})
	tokens := wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
	stored, err := kept.Load(t.Context(), aliceAccount())
	if err != nil || len(stored.Identities) != 1 || stored.Tokens.Access.Reveal() != tokens.Access.Raw() {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if got := p.count("RevokeToken"); got != 0 {
		t.Errorf("%d tokens revoked", got)
	}
}

// TestUnreadableTokens: stored tokens that are no tokens count as expired.
func TestUnreadableTokens(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	p.signedIn(t, "alice", withStore(kept))
	change(t, kept, func(r *store.Record) { r.Tokens.Access = NewSecret("not.a.token") })
	c := p.newClient(t, withStore(kept))
	wantTokens(t, fetch(t, c), "alice")
	if got := p.count(opRefresh); got != 1 {
		t.Errorf("%d refreshes, want 1", got)
	}
}

// TestDamageBeneath: a record that is damaged while its session is in memory is
// put back, and is not taken for a sign-out, though the network is down too.
func TestDamageBeneath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		kept := &brokenStore{Memory: store.NewMemory()}
		c := p.signedIn(t, "alice", withStore(kept))
		before := c.engine.Current().Record().Generation
		kept.damaged.Store(true)
		p.set(func(p *fakePool) {
			p.script = func(string, *http.Request) (*http.Response, error) { return nil, errLost }
		})
		if _, err := fetch(t, c, ForceRefresh()).Tokens(); !errors.Is(err, ErrNetwork) {
			t.Errorf("offline: %v", err)
		}
		p.set(func(p *fakePool) { p.script = nil })
		wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
		stored, err := kept.Load(t.Context(), aliceAccount())
		if err != nil || stored.Generation != before+1 {
			t.Errorf("stored generation %d after %d, %v", stored.Generation, before, err)
		}
	})
}

// TestStuckLock: without the lock there is no refresh; who has a good token
// notices nothing, who has none is told within the flight's ten seconds.
func TestStuckLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept))
		unlock, err := kept.Lock(t.Context(), aliceAccount())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(57 * time.Minute)
		wantTokens(t, fetch(t, c), "alice")
		time.Sleep(time.Hour)
		start := time.Now()
		if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrStore) || time.Since(start) > 11*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		unlock()
		time.Sleep(time.Minute)
		wantTokens(t, fetch(t, c), "alice")
		if got := p.count(opRefresh); got != 1 {
			t.Errorf("%d refreshes, want 1", got)
		}
	})
}

// TestCAFile: a service with a certificate of its own authority.
func TestCAFile(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := p.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}))
	defer service.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw})
	comment := append(bytes.Repeat([]byte("#"), 3<<20), '\n') // a company's whole list
	if err := os.WriteFile(path, append(comment, certificate...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, base := range []*http.Client{nil, {Transport: &http.Transport{}}} {
		c := p.newClient(t, func(cfg *Config) { cfg.UserPoolEndpoint, cfg.CAFile, cfg.HTTPClient = service.URL, path, base })
		signIn(t, c, "alice")
		wantTokens(t, fetch(t, c), "alice")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.SignIn(context.Background(), Password("alice", testSecret)); !errors.Is(err, ErrClosed) {
			t.Errorf("SignIn after Close: %v", err)
		}
	}
	_, err := New(Config{UserPoolID: testPool, ClientID: testClient, CAFile: path, HTTPClient: &http.Client{Transport: p}})
	if !errors.Is(err, ErrConfig) {
		t.Errorf("CAFile with a transport that cannot take it: %v", err)
	}
}
