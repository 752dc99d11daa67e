package session

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

var testScope = store.Scope{PoolID: "us-east-1_Test00001", ClientID: "client"}

// testPool is a user pool that issues tokens of one hour to one user and rotates
// refresh tokens. It implements UserPool below the wire, which the root's tests cover.
type testPool struct {
	mu      sync.Mutex
	serial  int
	refresh string // the one that is good
	calls   int
	// answer, if set, changes what a refresh answers.
	answer func(cognito.Grant) (cognito.Grant, error)
	before func() // runs before a refresh is answered
	// refuse, if set, sees each refresh first, and answers it if it returns an error.
	refuse func(store.Record) (cognito.Grant, error)
	// revoke, if set, answers revocations; revoked are the tokens that it was called for.
	revoke  func(context.Context, store.Secret) error
	revoked []string
	origin  string // of the sign-in; "origin" if empty
}

func (p *testPool) token(use string, now time.Time) wire.Sensitive {
	payload := fmt.Sprintf(`{"sub":"sub-1","username":"alice","cognito:username":"alice","token_use":%q,"iss":"https://pool/us-east-1_Test00001",`+
		`"client_id":"client","aud":"client","origin_jti":%q,"jti":"%d","iat":%d,"exp":%d}`, use, cmp.Or(p.origin, "origin"), p.serial, now.Unix(), now.Add(time.Hour).Unix())
	encode := base64.RawURLEncoding.EncodeToString
	return wire.Sensitive(encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature")))
}

// grant issues the next tokens. p.mu is held.
func (p *testPool) grant() cognito.Grant {
	p.serial++
	p.refresh = fmt.Sprintf("refresh-%d", p.serial)
	now := time.Now()
	g, err := cognito.NewGrant(cognito.OpRefresh, &wire.AuthenticationResultType{
		AccessToken: p.token("access", now), IdToken: p.token("id", now), RefreshToken: wire.Sensitive(p.refresh),
	}, cognito.Timing{At: now}, cognito.Audience{ClientID: "client", AcceptsIssuer: func(string) bool { return true }})
	if err != nil {
		panic(err)
	}
	return g
}

func (p *testPool) Refresh(_ context.Context, r store.Record) (cognito.Grant, error) {
	if p.before != nil {
		p.before()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.refuse != nil {
		if g, err := p.refuse(r); err != nil {
			return g, err
		}
	}
	if got := r.Tokens.Refresh.Reveal(); got != p.refresh {
		return cognito.Grant{}, fmt.Errorf("refresh token %s, want %s", got, p.refresh)
	}
	g := p.grant()
	if p.answer != nil {
		return p.answer(g)
	}
	return g, nil
}

func (p *testPool) Revoke(ctx context.Context, refresh store.Secret) error {
	p.mu.Lock()
	p.revoked = append(p.revoked, refresh.Reveal())
	revoke := p.revoke
	p.mu.Unlock()
	if revoke != nil {
		return revoke(ctx, refresh)
	}
	return nil
}

// newGrant is grant for callers that do not hold p.mu.
func (p *testPool) newGrant() cognito.Grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.grant()
}

// revocations are the tokens that were revoked, or were to be.
func (p *testPool) revocations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.revoked)
}

func (p *testPool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// signedIn is an engine with a session of alice.
func signedIn(t *testing.T, p *testPool, kept store.Store) *Engine {
	t.Helper()
	e := newEngine(t, Config{Store: kept, UserPool: p})
	establish(t, e, p)
	return e
}

// newEngine is an engine of the test's scope.
func newEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	return newEngineAt(t, testScope, c)
}

// newEngineAt is an engine of some scope.
func newEngineAt(t *testing.T, scope store.Scope, c Config) *Engine {
	t.Helper()
	c.Scope, c.Log = scope, slog.New(slog.DiscardHandler)
	e := New(c)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// establish signs alice in.
func establish(t *testing.T, e *Engine, p *testPool) {
	t.Helper()
	if err := e.Establish(t.Context(), p.newGrant(), How{SignIn: &store.SignIn{LoginID: "alice"}}); err != nil {
		t.Fatal(err)
	}
}

// wantTokens fetches good tokens.
func wantTokens(t *testing.T, e *Engine, want Want) Tokens {
	t.Helper()
	v, err := e.Fetch(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := v.Tokens()
	if err != nil {
		t.Fatalf("Tokens: %v", err)
	}
	return tokens
}

// collect subscribes to an engine's events; the result is what came until now.
func collect(t *testing.T, e *Engine) func() []Event {
	t.Helper()
	events := make(chan Event, 100)
	stop, err := e.Subscribe(Subscription{Call: func(ev Event) { events <- ev }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return func() []Event {
		synctest.Wait()
		var got []Event
		for len(events) > 0 {
			got = append(got, <-events)
		}
		return got
	}
}

// brief is what tests compare of events.
func brief(events []Event) []Event {
	var got []Event
	for _, e := range events {
		short := Event{Kind: e.Kind, Cause: e.Cause}
		if e.Kind == SessionExpired {
			short.Err = e.Err
		}
		got = append(got, short)
	}
	return got
}

// rewrite changes the record of alice behind the engine's back, as another process does.
func rewrite(t *testing.T, kept store.Store, edit func(*store.Record)) {
	t.Helper()
	r, err := kept.Load(t.Context(), alice)
	if err != nil {
		t.Error(err)
		return
	}
	before := r.Generation
	edit(&r)
	r.Generation = before + 1
	if err := kept.Save(t.Context(), r, before); err != nil {
		t.Error(err)
	}
}

// setTokens puts the tokens of a grant into a record.
func setTokens(g cognito.Grant) func(*store.Record) {
	return func(r *store.Record) { *r = g.Apply(*r) }
}

// unwatched hides that a store can be watched.
type unwatched struct{ store.Store }
